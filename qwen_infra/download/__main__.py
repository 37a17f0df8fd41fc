"""The downloader as a program: ``python3 -m qwen_infra.download``, and what ``bundle.py`` ends with.

    python3 download.py Qwen/Qwen3.5-0.8B --revision main --to /models/Qwen3.5-0.8B
    python3 download.py Qwen/Qwen3.5-0.8B --revision COMMIT --store /models --result /dev/termination-log

Exit codes: 0 complete, 2 usage, 10 not found, 11 not permitted, 12 disk full, 13 the digest is wrong, 14 the network
was given up (run it again), 15 the folder cannot be used, 16 no huggingface_hub, 143 terminated (run it again).
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from qwen_infra.download.exits import DownloadError, Exit
from qwen_infra.download.job import describe_result, run_download
from qwen_infra.download.kernels_folder import make_kernels_folder
from qwen_infra.download.order import DownloadOrder
from qwen_infra.download.progress import choose_reporter
from qwen_infra.download.storage_errors import explain_storage_errors

__all__ = ["main"]


def main() -> int:
    """Run from the command line; one line on failure, and its exit code."""
    parser = build_parser()
    given = parser.parse_args()
    order = read_order(parser, given)
    reporter = choose_reporter(given.progress)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        if given.kernels:
            with explain_storage_errors(given.kernels):
                make_kernels_folder(given.kernels, given.kernels_owner)
        facts = describe_result(order, run_download(order, reporter, stop))
        code = Exit.COMPLETE
    except DownloadError as error:
        code = error.exit_code
        facts = {"complete": False, "exit_code": int(code), "reason": code.reason, "message": str(error)}
    if given.result:
        write_result(given.result, facts)
    reporter.end("failed" if code else "complete", facts)
    return int(code)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="download", description="Download one revision of a Hub repository, verified; run again, it goes on."
    )
    parser.add_argument("repository", help="OWNER/NAME on the Hub")
    parser.add_argument("--revision", default="main", help="commit, tag or branch (default: main)")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--to", type=Path, help="folder that shall hold the files")
    place.add_argument("--store", type=Path, help="folder of many models: OWNER/NAME/COMMIT below it")
    parser.add_argument("--allow", action="append", default=[], metavar="PATTERN", help="only such files; repeatable")
    parser.add_argument("--ignore", action="append", default=[], metavar="PATTERN", help="no such files; repeatable")
    parser.add_argument(
        "--adopt", action="append", default=[], type=Path, metavar="FOLDER", help="take files from here"
    )
    parser.add_argument("--keep-revisions", type=int, metavar="N", help="remove older revisions of the store, keep N")
    parser.add_argument("--kernels", type=Path, metavar="FOLDER", help="make this folder for compiled kernels")
    parser.add_argument("--kernels-owner", type=int, metavar="UID", help="user to whom that folder is given")
    parser.add_argument("--verify", action="store_true", help="read every byte again, mend what is wrong")
    parser.add_argument("--jobs", type=int, default=8, help="files at once (default: 8)")
    parser.add_argument("--part-mib", type=float, default=16, help="most that a kill may cost, per file (default: 16)")
    parser.add_argument("--stall-seconds", type=float, default=120, help="silence after which a connection is dropped")
    parser.add_argument("--retries", type=int, default=8, help="tries in a row that bring nothing (default: 8)")
    parser.add_argument("--retry-delay", type=float, default=1, help="seconds before the second try; doubled each time")
    parser.add_argument("--progress", choices=("auto", "bars", "lines", "json", "none"), default="auto")
    parser.add_argument("--result", type=Path, help="file for the result as JSON, such as /dev/termination-log")
    return parser


def read_order(parser: argparse.ArgumentParser, given: argparse.Namespace) -> DownloadOrder:
    """The order; refuses what makes no sense, as argparse does."""
    if given.keep_revisions is not None and (given.store is None or given.keep_revisions < 2):
        parser.error("--keep-revisions needs --store, and at least 2: the old one is read until the new one is served")
    if given.jobs < 1 or given.part_mib <= 0 or given.stall_seconds <= 0 or given.retries < 0 or given.retry_delay < 0:
        parser.error("--jobs, --part-mib, --stall-seconds must be positive, --retries and --retry-delay not negative")
    return DownloadOrder(
        repository=given.repository,
        revision=given.revision,
        target=given.to,
        store=given.store,
        allow=tuple(given.allow),
        ignore=tuple(given.ignore),
        adopt=tuple(given.adopt),
        keep_revisions=given.keep_revisions,
        verify=given.verify,
        jobs=given.jobs,
        part_size=max(1, int(given.part_mib * (1 << 20))),
        stall_s=given.stall_seconds,
        retries=given.retries,
        retry_delay_s=given.retry_delay,
    )


def write_result(path: Path, facts: dict[str, Any]) -> None:
    """A pod's termination message holds 4096 bytes; ours is far shorter. Failing to write it is no failure."""
    with contextlib.suppress(OSError):
        path.write_text(json.dumps(facts), "utf-8")


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without waiting for a thread that hangs in a dead connection
