import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.toolchain import ensure
from tests.unit.toolchain.toolchain_machine import BUILD_WELL, Machine

FAIL = r"""
    print("example.org/first")
    print("# example.org/second")
    print("second.go:3:1: undefined: Widget")
    sys.exit(1)
"""


def build(programs: list[str]) -> list[str]:
    lines: list[str] = []
    ensure(programs, report=lines.append)
    return lines


def failure(machine: Machine, body: str) -> str:
    machine.put_go(body)
    with pytest.raises(EnvironmentMissingError) as caught:
        build(["etcd"])
    return str(caught.value)


def test_the_expected_time_is_said_before_anything_else(machine: Machine) -> None:
    machine.put_go()

    assert build(["etcd", "kwok"])[0].startswith("building 3 programs from source, under a minute on ")


def test_steps_are_counted_while_programs_are_built(machine: Machine) -> None:
    machine.put_go()

    assert [line for line in build(["etcd", "kwok"]) if line.endswith("...")] == [
        "[1/2] etcd 9.9.9 ...",
        "[2/2] kwok 9.9.9 ...",
    ]


def test_only_what_was_asked_for_is_built(machine: Machine) -> None:
    machine.put_go()
    build(["kwokctl"])

    assert machine.finished() == ["kwok"]


def test_the_recipe_with_the_most_shared_packages_is_built_first(machine: Machine) -> None:
    machine.put_go()
    build(["etcd", "kubectl"])

    assert [line.split()[-1] for line in machine.go_builds()] == [".", "example.org/server"]


def test_a_multi_call_binary_is_there_under_every_name(machine: Machine) -> None:
    machine.put_go()
    tools = ensure(["kube-apiserver", "kubectl"], report=print)

    assert tools.path("kube-apiserver").resolve() == tools.path("kubectl").resolve()


def test_scripts_of_a_module_are_installed_as_programs(machine: Machine) -> None:
    machine.put_go()
    tools = ensure(["pulumi"], report=print)

    assert os.access(tools.bin_folder / "pulumi-script", os.X_OK)


def test_a_patched_module_is_built_from_its_completed_copy(machine: Machine) -> None:
    keep = BUILD_WELL + (
        "    import shutil\n"
        "    modfile = next(word for word in arguments if word.startswith('-modfile=')).removeprefix('-modfile=')\n"
        "    shutil.copytree(os.path.dirname(modfile), {kept!r}, dirs_exist_ok=True)\n"
    ).format(kept=str(machine.root / "kept"))
    machine.put_go(keep)
    build(["pulumi-resource-kubernetes"])
    kept = machine.root / "kept"

    assert json.loads((kept / "module" / "embed.json").read_text()) == {"name": "kubernetes", "version": "4.30.0"}
    assert (kept / "module" / "main.go").read_text() == "uses six\n"
    assert f"replace example.org/module => {machine.cache}/building/module" in (kept / "patched.mod").read_text()


def test_a_patch_that_does_not_fit_is_an_error_that_names_the_file(machine: Machine) -> None:
    machine.put_go()
    (machine.module / "main.go").write_text("uses five\n")

    with pytest.raises(EnvironmentMissingError, match=r"main.go: a source file is not as its recipe expects"):
        build(["pulumi-resource-kubernetes"])


def test_a_failed_build_says_which_program_and_which_command(machine: Machine) -> None:
    text = failure(machine, FAIL)

    assert text.startswith(f"etcd 9.9.9 could not be built (found `{machine.bin}/go build -v -trimpath")
    assert "exit code 1" in text


def test_a_failed_build_shows_its_telling_lines_and_where_the_rest_is(machine: Machine) -> None:
    text = failure(machine, FAIL)

    assert "\n    # example.org/second\n    second.go:3:1: undefined: Widget\n" in text
    assert f"whole output in {machine.cache}/logs/etcd.log" in text


def test_a_failed_build_says_which_version_could_be_installed_instead(machine: Machine) -> None:
    assert "To mend it: install etcd (3.5.13 or newer, below 4) on PATH" in failure(machine, FAIL)


def test_a_full_disk_is_answered_with_room_and_another_cache_folder(machine: Machine) -> None:
    text = failure(machine, "    sys.exit('write /cache/x.a: no space left on device')\n")

    assert "make room, or set QWEN_INFRA_CACHE (and GOCACHE and GOMODCACHE) to a larger disk; or install etcd" in text


def test_an_unreachable_network_is_answered_with_the_registry_settings(machine: Machine) -> None:
    text = failure(machine, "    sys.exit('Get x: dial tcp: lookup proxy: no such host')\n")

    assert "check that this machine reaches its package registries (`go env GOPROXY`, `pip config list`)" in text


def test_a_go_that_makes_nothing_is_not_taken_for_a_success(machine: Machine) -> None:
    assert "did not make its programs" in failure(machine, "    pass\n")


def test_a_failed_build_leaves_nothing_that_looks_finished(machine: Machine) -> None:
    failure(machine, BUILD_WELL + FAIL)

    assert machine.finished() == []
    assert not (machine.cache / "building").exists()


def test_what_was_built_before_a_failure_stays(machine: Machine) -> None:
    machine.put_go("    if 'example.org/server' in arguments: sys.exit('broken here')\n" + BUILD_WELL)
    with pytest.raises(EnvironmentMissingError, match="etcd"):
        build(["kubectl", "etcd"])

    assert machine.finished() == ["kubernetes"]


def test_the_next_build_after_a_failure_succeeds(machine: Machine) -> None:
    failure(machine, FAIL)
    machine.put_go()
    build(["etcd"])

    assert machine.finished() == ["etcd"]


def test_a_cache_that_cannot_be_written_is_answered_with_another_one(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.root / "file").touch()
    monkeypatch.setenv("QWEN_INFRA_CACHE", str(machine.root / "file"))
    machine.put_go()

    with pytest.raises(EnvironmentMissingError, match="or set QWEN_INFRA_CACHE to a folder that you can write to"):
        build(["etcd"])


def test_a_damaged_result_is_built_again(machine: Machine) -> None:
    machine.put_go()
    tools = ensure(["etcd"], report=print)
    tools.path("etcd").unlink()

    assert ensure(["etcd"], report=print).path("etcd").exists()


WORKER = """
import pathlib, sys
from qwen_infra.toolchain import ensure, resolution
resolution.recipes_folder = lambda: pathlib.Path(sys.argv[1])
print(ensure(["etcd"]).path("etcd"))
"""


def start_worker(machine: Machine) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(machine.tools)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )


def test_a_killed_build_leaves_nothing_that_looks_finished_and_can_be_repeated(machine: Machine) -> None:
    wait = "    import time\n    while os.getppid() == builder: time.sleep(0.02)\n"
    machine.put_go("    builder = os.getppid()\n" + BUILD_WELL + wait)
    with start_worker(machine) as worker:
        while not list(machine.cache.glob("building/etcd/etcd")):
            assert worker.poll() is None
            time.sleep(0.02)
        worker.send_signal(signal.SIGKILL)
    left = machine.finished()
    machine.put_go()
    build(["etcd"])

    assert (left, machine.finished()) == ([], ["etcd"])


def test_of_two_processes_one_builds_and_the_other_waits_and_says_so(machine: Machine) -> None:
    go_on = machine.root / "go-on"
    machine.put_go(BUILD_WELL + f"    import time\n    while not os.path.exists({str(go_on)!r}): time.sleep(0.02)\n")
    with start_worker(machine) as first:
        while not machine.go_builds():
            assert first.poll() is None
            time.sleep(0.02)
        with start_worker(machine) as second:
            assert second.stderr is not None
            said = second.stderr.readline()
            go_on.touch()
            outputs = [first.communicate(timeout=240)[0], second.communicate(timeout=240)[0]]

    assert outputs[0] == outputs[1] != ""
    assert said == f"process {first.pid} is building programs already; waiting for it\n"
    assert len(machine.go_builds()) == 1
