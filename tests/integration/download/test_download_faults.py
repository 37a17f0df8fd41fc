"""Every fault of a Hub, a network or a disk ends in the right folder, or in a clear message with its own exit code."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qwen_infra.local.hub import HubRepository, HubStandIn
from qwen_infra.local.hub.faults import Refusal
from tests.integration.download.conftest import OLDEST_HUB_CLIENT, PART_MIB, REPOSITORY, Downloader, compare

Complete = Callable[[Path], None]
LARGE = "model-00001-of-00002.safetensors"
PART = int(PART_MIB * (1 << 20))
BUSY = Refusal(503)


@pytest.fixture(params=["oldest", "locked"])
def any_client(request: pytest.FixtureRequest, downloader: Downloader, oldest_hub_client: Path) -> Downloader:
    """The downloader with the oldest Hub client and with the locked one."""
    if request.param == "oldest":
        downloader.python_path = oldest_hub_client
    return downloader


def test_a_repository_arrives_whole(any_client: Downloader, target: Path, assert_complete: Complete):
    done = any_client.run("--to", str(target))
    assert done.code == 0, done.log
    assert_complete(target)
    assert done.result["fetched_bytes"] == done.result["bytes"]


def test_the_oldest_client_is_the_one_meant(any_client: Downloader, oldest_hub_client: Path):
    code = "import huggingface_hub; print(huggingface_hub.__version__)"
    found = subprocess.check_output([sys.executable, "-c", code], env=any_client.environment(), text=True).strip()
    assert (found == OLDEST_HUB_CLIENT) == (any_client.python_path is not None)


def test_a_missing_revision_has_its_exit_code(any_client: Downloader, target: Path):
    done = any_client.run("--to", str(target), revision="v9")
    assert (done.code, done.result["reason"]) == (10, "not-found")
    assert "has no revision 'v9'" in done.log


def test_a_missing_repository_has_its_exit_code(any_client: Downloader, target: Path, hub: HubStandIn):
    hub.repositories.clear()
    done = any_client.run("--to", str(target))
    assert done.code == 10
    assert "misspelt, or private and no token was given (HF_TOKEN)" in done.log


def test_a_gated_repository_has_its_exit_code(any_client: Downloader, target: Path, repository: HubRepository):
    repository.gated = True
    done = any_client.run("--to", str(target), HF_TOKEN="hf_mine")
    assert (done.code, done.result["reason"]) == (11, "not-permitted")
    assert "Accept its licence on the Hub" in done.log


def test_a_token_opens_a_private_repository_and_never_reaches_another_host(
    any_client: Downloader, target: Path, repository: HubRepository, hub: HubStandIn, assert_complete: Complete
):
    repository.token = "hf_mine"
    done = any_client.run("--to", str(target), HF_TOKEN="hf_mine")
    assert done.code == 0, done.log
    assert_complete(target)
    assert any(request.startswith("GET /linked/") for request in hub.requests)
    assert hub.leaked_tokens == 0
    assert "hf_mine" not in done.log


def test_a_refused_token_has_its_exit_code(any_client: Downloader, target: Path, hub: HubStandIn):
    words = (("X-Error-Message", "Invalid credentials in Authorization header"),)
    hub.faults.refuse_api = [Refusal(401, words)] * 20
    done = any_client.run("--to", str(target), HF_TOKEN="hf_wrong")
    assert done.code == 11, done.log
    assert "Invalid credentials" in done.log


def test_a_busy_hub_is_asked_again(any_client: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete):
    hub.faults.refuse_api = [BUSY, Refusal(429, (("Retry-After", "0"),))]
    hub.faults.refuse_files = [BUSY, Refusal(429, (("Retry-After", "0"),)), BUSY]
    hub.faults.refuse_links = [BUSY, Refusal(403)]  # a signed link that has run out
    done = any_client.run("--to", str(target))
    assert done.code == 0, done.log
    assert_complete(target)


def test_retry_after_is_honoured(downloader: Downloader, target: Path, hub: HubStandIn):
    hub.faults.refuse_files = [Refusal(429, (("Retry-After", "2"),))]
    started = time.monotonic()
    done = downloader.run("--to", str(target))
    assert done.code == 0
    assert time.monotonic() - started >= 2


def test_a_hub_that_stays_busy_is_given_up(downloader: Downloader, target: Path, hub: HubStandIn):
    hub.faults.refuse_links = [BUSY] * 500
    done = downloader.run("--to", str(target), "--retries", "3")
    assert (done.code, done.result["reason"]) == (14, "network-given-up")
    assert "given up after 4 tries" in done.log
    assert not (target / ".qwen-infra-manifest.json").exists()


def test_no_hub_at_all_is_given_up(downloader: Downloader, target: Path):
    done = downloader.run("--to", str(target), "--retries", "1", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.code == 14
    assert "does not answer" in done.log


def test_a_metadata_request_that_hangs_is_repeated(
    any_client: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete
):
    hub.faults.hang_api = 1
    done = any_client.run("--to", str(target), "--stall-seconds", "2")
    assert done.code == 0, done.log
    assert "said nothing for 2 s" in done.log
    assert_complete(target)


def test_connections_cut_again_and_again_cost_no_byte_twice(
    any_client: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete
):
    hub.faults.cut_after = 300_000
    done = any_client.run("--to", str(target), "--retries", "1")
    assert done.code == 0, done.log
    assert_complete(target)
    assert done.result["fetched_bytes"] == done.result["bytes"]


@pytest.mark.parametrize("trickle", [False, True])
def test_a_stalled_connection_is_dropped_and_goes_on(
    downloader: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete, trickle: bool
):
    hub.faults.stall_after, hub.faults.stalls, hub.faults.trickle = 400_000, 1, trickle
    done = downloader.run("--to", str(target), "--stall-seconds", "1")
    assert done.code == 0, done.log
    assert "stalled" in done.log
    assert_complete(target)


def test_a_byte_sent_wrong_once_is_noticed_and_mended(
    downloader: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete
):
    hub.faults.flip = {LARGE: 1, "tokenizer.json": 1}
    done = downloader.run("--to", str(target))
    assert done.code == 0, done.log
    assert done.log.count("fetching it again from the beginning") == 2
    assert_complete(target)


@pytest.mark.parametrize("name", [LARGE, "config.json"])
def test_bytes_that_stay_wrong_have_their_exit_code(downloader: Downloader, target: Path, hub: HubStandIn, name: str):
    hub.faults.flip = {name: 100}
    done = downloader.run("--to", str(target))
    assert (done.code, done.result["reason"]) == (13, "digest-mismatch")
    assert name in done.result["message"]
    assert not (target / name).exists()
    assert not (target / ".qwen-infra-manifest.json").exists()


def test_a_truncated_file_has_its_exit_code(downloader: Downloader, target: Path, hub: HubStandIn):
    hub.faults.truncate = {LARGE: 1_000_000}
    done = downloader.run("--to", str(target))
    assert done.code == 13
    assert "the server has 1000000 bytes, the Hub's metadata says 1500000" in done.log


def test_a_server_without_ranges_is_enough(
    downloader: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete
):
    hub.faults.ignore_ranges, hub.faults.stall_after, hub.faults.stalls = True, 400_000, 1
    done = downloader.run("--to", str(target), "--stall-seconds", "1")
    assert done.code == 0, done.log
    assert_complete(target)


def test_a_file_that_changed_between_runs_starts_anew(
    downloader: Downloader, target: Path, hub: HubStandIn, repository: HubRepository, next_model: Path
):
    hub.faults.cut_after = 400_000
    assert downloader.run("--to", str(target), "--retries", "0").code == 14
    hub.faults.cut_after = None
    repository.publish(next_model)
    done = downloader.run("--to", str(target))
    assert done.code == 0, done.log
    compare(next_model, target)


def test_a_second_run_does_nothing_within_a_second(downloader: Downloader, target: Path, hub: HubStandIn):
    commit = next(iter(hub.repositories[REPOSITORY].commits))
    downloader.run("--to", str(target), revision=commit)
    asked = len(hub.requests)
    done = downloader.run("--to", str(target), revision=commit)
    assert (done.code, done.result["fetched_bytes"]) == (0, 0)
    assert done.result["seconds"] < 1
    assert len(hub.requests) == asked, "a commit's files need no Hub"


def test_a_complete_branch_stays_usable_without_the_hub(downloader: Downloader, target: Path):
    downloader.run("--to", str(target))
    done = downloader.run("--to", str(target), "--retries", "0", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.code == 0, done.log
    assert "cannot be asked" in done.log


def test_verification_finds_a_changed_byte_and_mends_it(
    downloader: Downloader, target: Path, assert_complete: Complete
):
    downloader.run("--to", str(target))
    path = target / LARGE
    path.write_bytes(b"\0" + path.read_bytes()[1:])
    assert downloader.run("--to", str(target)).result["fetched_bytes"] == 0, "only a verification reads every byte"
    done = downloader.run("--to", str(target), "--verify")
    assert done.code == 0, done.log
    assert done.result["fetched_bytes"] == path.stat().st_size
    assert_complete(target)


def test_two_at_once_fetch_once(downloader: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete):
    hub.faults.bytes_per_second = 20_000  # until the second one waits, however late a busy machine starts it
    first = downloader.start("--to", str(target))
    while not hub.sent:
        assert first.poll() is None
        time.sleep(0.02)
    second = downloader.start("--to", str(target))
    assert second.stderr is not None
    assert any("waiting: process" in line for line in second.stderr)
    hub.faults.bytes_per_second = None
    outputs = [process.communicate(timeout=240)[1] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert "waiting: process" not in outputs[0]
    assert_complete(target)
    assert sum(sent.end - sent.start for sent in hub.sent) == sum(
        file.size for file in next(iter(hub.repositories[REPOSITORY].commits.values())).values()
    )


def test_a_stopped_download_notes_every_byte(
    downloader: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete
):
    hub.faults.bytes_per_second = 400_000
    process = downloader.start("--to", str(target))
    while sum(path.stat().st_size for path in target.glob(".qwen-infra/*.data")) < 500_000:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=240)[1]
    assert process.returncode == 143, log
    kept = sum(path.stat().st_size for path in target.rglob("*") if path.is_file() and path.suffix in (".data", ""))
    hub.faults.bytes_per_second = None
    done = downloader.run("--to", str(target))
    assert done.code == 0, done.log
    assert done.result["found_bytes"] >= 500_000
    assert kept
    assert_complete(target)


def test_a_disk_that_is_too_small_is_refused_before_the_first_byte(
    downloader: Downloader, tmp_path: Path, hub: HubStandIn
):
    """The figure of free space is injected: filling a real disk of the machine is nothing that a test may do."""
    patched = tmp_path / "small_disk.py"
    few = "shutil.disk_usage = lambda _: type('Usage', (), {'free': 1_000_000})()"
    patched.write_text(downloader.script.read_text().replace("\nimport shutil\n", f"\nimport shutil\n{few}\n", 1))
    assert few in patched.read_text()
    downloader.script = patched
    done = downloader.run("--to", str(tmp_path / "target"))
    assert (done.code, done.result["reason"]) == (12, "disk-full")
    assert "are needed" in done.log
    assert hub.sent == []


def test_a_disk_that_fills_up_has_its_exit_code_and_keeps_what_fitted(
    downloader: Downloader, target: Path, assert_complete: Complete
):
    """The kernel's own limit on the size of a file stands for the disk's end: it needs no rights."""
    limit = 600_000
    done = subprocess.run(
        downloader.command("--to", str(target)),
        env=downloader.environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        preexec_fn=lambda: _limit_file_size(limit),
    )
    assert done.returncode == 12, done.stderr
    assert "Free some space" in done.stderr
    assert not (target / ".qwen-infra-manifest.json").exists()
    again = downloader.run("--to", str(target))
    assert again.code == 0, again.log
    assert again.result["found_bytes"] >= PART
    assert_complete(target)


def _limit_file_size(limit: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def test_a_folder_that_cannot_be_written_has_its_exit_code(downloader: Downloader, tmp_path: Path):
    (tmp_path / "file").touch()
    done = downloader.run("--to", str(tmp_path / "file" / "below"))
    assert (done.code, done.result["reason"]) == (15, "storage-failed")


def test_patterns_choose_files(downloader: Downloader, target: Path):
    done = downloader.run("--to", str(target), "--ignore", "original/", "--ignore", "*.txt")
    assert done.code == 0, done.log
    found = {path.name for path in target.iterdir() if path.is_file()}
    assert found == {LARGE, LARGE.replace("1-of", "2-of"), "config.json", "tokenizer.json", ".qwen-infra-manifest.json"}


def test_patterns_that_match_nothing_are_refused(downloader: Downloader, target: Path):
    done = downloader.run("--to", str(target), "--allow", "*.gguf")
    assert done.code == 10
    assert "matches the patterns" in done.log


def test_progress_for_programs_is_json_lines(downloader: Downloader, target: Path):
    done = downloader.run("--to", str(target), "--progress", "json")
    events = [json.loads(line) for line in done.log.splitlines()]
    assert events[-1]["event"] == "complete"
    progress = [event for event in events if event["event"] == "progress"]
    assert progress
    assert progress[-1]["total_bytes"] == events[-1]["bytes"]


def test_a_proxy_is_used_when_the_environment_names_one(
    downloader: Downloader, target: Path, hub: HubStandIn, assert_complete: Complete
):
    """The stand-in answers absolute URLs as a proxy does; a Hub of another name can only be reached through it."""
    done = downloader.run(
        "--to",
        str(target),
        HF_ENDPOINT="http://hub.invalid",
        HTTP_PROXY=hub.endpoint,
        http_proxy=hub.endpoint,
        NO_PROXY="",
    )
    assert done.code == 0, done.log
    assert_complete(target)


def test_files_that_are_there_already_are_verified_and_adopted(
    downloader: Downloader, model: Path, target: Path, hub: HubStandIn, assert_complete: Complete
):
    target.mkdir()
    os.link(model / LARGE, target / LARGE)
    wrong = b"x" * 1_100_001
    (target / "model-00002-of-00002.safetensors").write_bytes(wrong)
    done = downloader.run("--to", str(target))
    assert done.code == 0, done.log
    assert "has the right size and other content" in done.log
    assert LARGE not in {sent.name for sent in hub.sent}
    assert_complete(target)
