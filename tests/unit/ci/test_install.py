"""``ci/install.sh`` with stand-ins for what it runs: the Pulumi of this machine's processor."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def install(folder: Path, machine: str) -> subprocess.CompletedProcess[str]:
    """Run it on a ``machine``, with nothing on PATH but stand-ins; what curl was asked for lands in ``fetched``."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("bash", "sed"):
        (programs / name).symlink_to(str(shutil.which(name)))
    stand_ins = {
        "make": "",
        "uname": f"echo {machine}",
        "curl": f'echo "${{@: -1}}" >{folder}/fetched',
        "tar": "read _",
    }
    for name, body in stand_ins.items():
        (programs / name).write_text(f"#!{shutil.which('bash')}\n{body or 'true'} || true\n", "utf-8")
        (programs / name).chmod(0o755)
    environment = {"PATH": str(programs), "HOME": str(folder), "GITHUB_PATH": str(folder / "path")}
    command = [str(programs / "bash"), str(ROOT / "ci" / "install.sh")]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.parametrize(("machine", "archive"), [("x86_64", "linux-x64"), ("aarch64", "linux-arm64")])
def test_pulumi_is_fetched_for_the_machines_processor(tmp_path: Path, machine: str, archive: str) -> None:
    done = install(tmp_path, machine)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fetched").read_text("utf-8").strip().endswith(f"-{archive}.tar.gz")
    assert str(tmp_path / "pulumi") in (tmp_path / "path").read_text("utf-8").splitlines()


def test_a_processor_without_a_pulumi_is_told(tmp_path: Path) -> None:
    done = install(tmp_path, "riscv64")
    assert done.returncode == 3
    assert done.stderr.startswith("error: no Pulumi to fetch for riscv64; mend: put pulumi ")
