"""Which stored run is the one to compare with: one entry for each server, model, workload and hardware.

Entries are appended as results are: the newest counts, the older ones say what was the baseline when. The run itself
stays where it is.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from qwen_infra.benchmark.history import find_latest, list_results, read_benchmark, read_result, write_result
from qwen_infra.benchmark.result import BenchmarkResult
from qwen_infra.errors import ConfigurationError

__all__ = ["Baseline", "find_baseline", "list_baselines", "set_baseline"]


class Baseline(BaseModel):
    """A pointer to a run.

    Args:
        model: the served name.
        workload: its workload's name.
        hardware: what it ran on.
        result: its file's name, in the same folder.
        server: which of the stack's; None where the run does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    workload: str
    hardware: str
    result: str
    server: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What two runs share that can be compared."""
        return self.server or "", self.model, self.workload, self.hardware


def set_baseline(path: Path | None, *, root: Path, stack: str, workload: str | None = None) -> Baseline:
    """Make a stored run the baseline of its model, workload and hardware.

    Args:
        path: its file; None takes the newest of the stack (and of ``workload``).
        root: the folder of all stacks' results.
        stack: the stack's name.
        workload: which runs are looked at.

    Raises:
        ConfigurationError: there is no such run, or it is partial or had failures.
    """
    chosen = path or _find_newest(root, stack, workload)
    result = read_benchmark(chosen)
    folder = root / stack.rsplit("/", maxsplit=1)[-1]
    if chosen.resolve().parent != folder.resolve():
        raise ConfigurationError(
            "the run is not one of this stack's",
            found=chosen,
            expected=f"a file in {folder}",
            mend=f"qwen-infra history --stack {stack}",
        )
    if result.partial or not result.all_answered:
        raise ConfigurationError(
            "a run in which not every request was answered is no baseline",
            found=f"{chosen.name}: {result.summary}",
            mend="run the benchmark again",
        )
    baseline = _point_at(result, chosen.name)
    write_result(baseline, root=root, stack=stack, kind="baseline")
    return baseline


def list_baselines(*, root: Path, stack: str) -> list[Baseline]:
    """The baseline of each server, model, workload and hardware, in the order of their names."""
    found: dict[tuple[str, str, str, str], Baseline] = {}
    for path in list_results(root=root, stack=stack, kind="baseline"):
        try:
            baseline = Baseline.model_validate(read_result(path))
        except ValidationError as error:
            raise ConfigurationError(
                "the file is no baseline", found=path, mend=f"remove it, then: qwen-infra baseline set --stack {stack}"
            ) from error
        found[baseline.key] = baseline
    return [found[key] for key in sorted(found)]


def find_baseline(result: BenchmarkResult, *, root: Path, stack: str) -> BenchmarkResult | None:
    """The run to compare ``result`` with: of its server, model, workload and hardware; None when none is set.

    Raises:
        ConfigurationError: it is set, and its file is gone or cannot be read.
    """
    for baseline in list_baselines(root=root, stack=stack):
        if baseline.key == _point_at(result, baseline.result).key:
            return read_benchmark(root / stack.rsplit("/", maxsplit=1)[-1] / baseline.result)
    return None


def _point_at(result: BenchmarkResult, name: str) -> Baseline:
    return Baseline(
        model=result.model_id,
        workload=result.workload.name,
        hardware=result.provenance.hardware,
        result=name,
        server=result.deployment.server,
    )


def _find_newest(root: Path, stack: str, workload: str | None) -> Path:
    if workload is None:
        newest = find_latest(root=root, stack=stack, kind="benchmark")
    else:
        paths = list_results(root=root, stack=stack, kind="benchmark")
        newest = next((path for path in reversed(paths) if read_benchmark(path).workload.name == workload), None)
    if newest is None:
        of = f" of workload {workload}" if workload else ""
        raise ConfigurationError(
            f"there is no benchmark{of} to make the baseline",
            where=f"stack {stack}",
            mend=f"pulumi up --stack {stack}, or qwen-infra bench --stack {stack} --url URL --model NAME",
        )
    return newest
