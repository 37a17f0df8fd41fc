"""``qwen-infra report``: one HTML page of what was deployed, proven and measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qwen_infra.planning import DeploymentPlan
    from qwen_infra.reports import Comparison, StackRecords, StackView

__all__ = ["report"]


def report(
    stack: Annotated[str | None, typer.Option(help="Stack to report on; default: every one with results.")] = None,
    out: Annotated[Path | None, typer.Option(help="File of the page; default: report.html beside the results.")] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Two runs, older first: file names or a part of them; `qwen-infra history` lists them."),
    ] = None,
    regression: Annotated[
        float | None, typer.Option(min=0.1, max=1000, help="Percent worse than the baseline that counts; default 10.")
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    open_it: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What the page says, as one JSON document.")] = False,
) -> None:
    """Write one HTML page of what was proven and measured.

    Deployment, memory, verifications, benchmarks, their history. The page holds all of it: it opens without a network,
    runs no script, prints, and fits a phone. The newest run is compared with its baseline, or the two runs that
    --compare names with each other.

    Examples:
        qwen-infra report --stack gb200 --open
        qwen-infra report --stack gb200 --compare 7f9d21aa 40c9b266
    """
    from qwen_infra.cli.output import print_json, say, say_over
    from qwen_infra.reports import build_document, read_stacks, render_page

    say_over(f"reading {results}")
    found = read_stacks(results, stack)
    say_over(f"drawing {sum(len(records.benchmarks) for records in found)} benchmarks")
    comparison = _choose(found, compare)
    views = [_view(records, regression, comparison) for records in found]
    path = out or (results / found[0].stack if stack else results) / "report.html"
    _write(path, render_page(views))
    say_over("")
    if as_json:
        stacks = [build_document(view) for view in views]
        print_json({"file": str(path), "bytes": path.stat().st_size, "stacks": stacks})
    else:
        _summarise(views)
        print(f"wrote {path}")
    if open_it and typer.launch(str(path.resolve())) != 0:
        say(f"no browser could be started; open {path.resolve().as_uri()}")


def _view(records: "StackRecords", percent: float | None, comparison: "Comparison | None") -> "StackView":
    from qwen_infra.benchmark.slo import parse_regression
    from qwen_infra.reports import view_stack

    plans, note = _find_plans(records.stack)
    settings = next((plan.benchmark.regression for plan in plans if plan.benchmark.regression), None)
    metrics = tuple(settings.metrics) if settings and settings.metrics else None
    allowed = percent if percent is not None else (settings.percent if settings else 10.0)
    return view_stack(records, plans, regression=parse_regression(allowed, metrics), comparison=comparison, note=note)


def _find_plans(stack: str) -> "tuple[Sequence[DeploymentPlan], str | None]":
    """The plans of the stack file, where it is here and can be used; else why not."""
    from qwen_infra.cli.stack_endpoint import load_plans
    from qwen_infra.errors import QwenInfraError

    if not Path(f"Pulumi.{stack}.yaml").exists():
        return (), None
    try:
        return load_plans(stack), None
    except QwenInfraError as error:
        return (), f"The stack file Pulumi.{stack}.yaml cannot be used, so the report shows no prediction: {error}"


def _choose(found: "Sequence[StackRecords]", compare: tuple[str, str] | None) -> "Comparison | None":
    from qwen_infra.reports import compare_runs, find_run

    if compare is None:
        return None
    runs = [run for records in found for run in records.benchmarks]
    return compare_runs(find_run(runs, compare[0]), find_run(runs, compare[1]))


def _summarise(views: "Sequence[StackView]") -> None:
    """What the page says first, for who does not open it."""
    from qwen_infra.cli.output import print_table

    rows = []
    for view in views:
        for subject in view.subjects:
            newest = subject.matrix.newest.report if subject.matrix else None
            verified = "-" if newest is None else ("passed" if newest.passed else "FAILED")
            series = subject.subject.series[0] if subject.subject.series else None
            regressed = "-"
            if series is not None and series.baseline is not None:
                regressed = "WORSE" if series.newest.name in series.regressions else "no"
            runs = len(subject.runs)
            made = "simulated" if subject.subject.is_simulated else "real"
            rows.append((view.stack, subject.subject.name, verified, runs, regressed, made))
    print_table(("stack", "server", "verified", "benchmarks", "regressed", "made"), rows, right=("benchmarks",))


def _write(path: Path, page: str) -> None:
    from qwen_infra.errors import ConfigurationError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigurationError(
            f"the page cannot be written: {reason}",
            where="--out",
            found=path,
            expected="a file in a writable folder",
            mend="name another file with --out",
        ) from error
