"""``qwen-infra download``: what the cache Job runs, for people with a disk and no cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qwen_infra.errors import CheckFailedError, ConfigurationError, EnvironmentMissingError, QwenInfraError

if TYPE_CHECKING:
    from qwen_infra.download import DownloadError

__all__ = ["download"]


def download(
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Repository on the Hub.", show_default=False)],
    to: Annotated[Path | None, typer.Option(help="Folder that shall hold the files.", show_default=False)] = None,
    store: Annotated[
        Path | None,
        typer.Option(help="Folder of many models, as cache.path: OWNER/NAME/COMMIT below it.", show_default=False),
    ] = None,
    revision: Annotated[str, typer.Option(help="Commit, tag or branch.")] = "main",
    allow: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Only such files; repeatable.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="No such files; repeatable.")] = None,
    adopt: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="Take files from here, once verified; repeatable.")
    ] = None,
    keep_revisions: Annotated[
        int | None, typer.Option(min=2, help="Remove older revisions of the store, keep so many.", show_default=False)
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read every byte again and mend what is wrong.")] = False,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Files at once.")] = 8,
    stall_seconds: Annotated[float, typer.Option(min=1, help="Silence after which a connection is dropped.")] = 120,
    progress: Annotated[str, typer.Option(help="auto, bars, lines, json (one object a line) or none.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Download a model so that it is whole and the right one; interrupted, it goes on where it stopped.

    Files that are in the folder already are verified and kept. HF_TOKEN, HF_ENDPOINT, HTTPS_PROXY and SSL_CERT_FILE
    are honoured. Done is done: with a complete folder of a commit it ends at once, without the Hub.

    Examples: qwen-infra download Qwen/Qwen3.5-0.8B --to /data/Qwen3.5-0.8B
    qwen-infra download Qwen/Qwen3.5-0.8B --to /data/Qwen3.5-0.8B --verify
    qwen-infra download Qwen/Qwen3.5-0.8B --store /data/models
    """
    import signal
    import threading

    from qwen_infra.cli.hub_names import check_hub_address, check_repository, check_revision
    from qwen_infra.cli.output import print_json
    from qwen_infra.download import DownloadError, DownloadOrder, choose_reporter, describe_result, run_download

    if progress not in {"auto", "bars", "lines", "json", "none"}:
        raise typer.BadParameter(f"{progress!r} is not auto, bars, lines, json or none", param_hint="--progress")
    if (to is None) == (store is None):
        raise typer.BadParameter("one of --to and --store is needed, and only one", param_hint="--to")
    if keep_revisions is not None and store is None:
        raise typer.BadParameter("only a store has several revisions: give --store", param_hint="--keep-revisions")
    check_hub_address()
    check_repository(repository)
    check_revision(revision)
    order = DownloadOrder(
        repository=repository,
        revision=revision,
        target=to,
        store=store,
        keep_revisions=keep_revisions,
        stall_s=stall_seconds,
        allow=tuple(allow or ()),
        ignore=tuple(ignore or ()),
        adopt=tuple(adopt or ()),
        verify=verify,
        jobs=jobs,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        facts = describe_result(order, run_download(order, choose_reporter(progress), stop))
    except DownloadError as error:
        raise _explain(error, repository) from None
    if as_json:
        print_json(facts)
    else:
        print(facts["message"])


def _explain(error: "DownloadError", repository: str) -> QwenInfraError:
    """The cause as one of this command's exit codes; the Job's own codes are finer."""
    from qwen_infra.download import Exit

    what = str(error).removeprefix(f"{repository}: ")
    if error.exit_code is Exit.TERMINATED:
        raise KeyboardInterrupt
    if error.exit_code is Exit.NOT_FOUND:
        return ConfigurationError(what, where=repository)
    if error.exit_code is Exit.DIGEST_MISMATCH:
        return CheckFailedError(what, where=repository)
    return EnvironmentMissingError(what, where=repository)
