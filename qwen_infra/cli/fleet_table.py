"""How a fleet's status is shown: a table of 80 columns with the reasons below it, or one JSON document."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import zip_longest
from typing import Any

from qwen_infra.cli.output import print_table
from qwen_infra.drift import read_moment
from qwen_infra.fleet import DeployedCheck, DeployedServer, StackStatus

__all__ = ["describe_fleet", "print_fleet"]

_COLUMNS = ("stack", "model", "revision", "image", "verified", "benchmark", "state")
_WORDS = {"ok": "as deployed", "behind": "to be deployed", "absent": "not deployed"}
_DIGEST = "@sha256:"


def print_fleet(found: Sequence[StackStatus], now: datetime) -> None:
    """One row a server, then every reason and difference under its stack's name."""
    print_table(_COLUMNS, [row for status in found for row in _rows(status, now)])
    told = [line for status in found for line in _tell(status)]
    if told:
        print("\n" + "\n".join(told))


def _rows(status: StackStatus, now: datetime) -> Iterator[tuple[str | None, ...]]:
    """A row a server; the first cells of a stack that runs are its name and, below it, its cluster."""
    word = _WORDS.get(status.condition, status.condition)
    if status.differences and status.condition == "drifted":
        word = f"drifted: {len(status.differences)}"
    servers = [_cells(server, status.digests.get(server.name), now) for server in status.state.servers]
    if not servers:
        yield (status.stack, *[None] * 5, word)
        return
    labels = [status.stack, f" @{status.cluster}"]
    for label, cells in zip_longest(labels, servers, fillvalue=None):
        yield (label or "", *(cells or [""] * 5), word if label == status.stack else "")


def _cells(server: DeployedServer, running: str | None, now: datetime) -> list[str | None]:
    return [
        str(server.plan.get("model", "?")).removeprefix("Qwen3.5-"),
        _revision(server)[:7] or None,
        _short_image(server.image, running),
        _tell_check(server.verification, now),
        _tell_check(server.benchmark, now),
    ]


def _tell(status: StackStatus) -> Iterator[str]:
    for reason in status.reasons:
        yield f"{status.stack}: {reason}"
    for each in status.differences:
        values = ", ".join(
            f"{label} {value}" for label, value in (("found", each.found), ("expected", each.expected)) if value
        )
        yield f"{status.stack}: {each.place}: {each.what}{f' ({values})' if values else ''}"
        if each.mend:
            yield f"  mend: {each.mend}"


def _revision(server: DeployedServer) -> str:
    return str(server.plan.get("checkpoint", "")).partition("@")[2]


def _digest(image: str) -> str | None:
    _, at, hexadecimal = image.partition(_DIGEST)
    return f"sha256:{hexadecimal}" if at else None


def _short_image(image: str, running: str | None) -> str | None:
    """The first digits of the digest that was deployed, or that the pods run, else the tag."""
    digest = _digest(image) or running
    return (digest.removeprefix("sha256:")[:8] if digest else image.rpartition(":")[2][:12]) or None


def _tell_check(check: DeployedCheck | None, now: datetime) -> str | None:
    """``failed``, or how long ago it passed; ``None`` where it never ran or is off."""
    if check is None:
        return None
    moment = read_moment(check.result or "")
    if not check.passed:
        return "failed"
    return _tell_age((now - moment).total_seconds()) if moment else "passed"


def _tell_age(seconds: float) -> str:
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def describe_fleet(found: Sequence[StackStatus], now: datetime) -> dict[str, Any]:
    """The document of ``--json``; moments in RFC 3339, ages in seconds."""
    return {
        "conditions": {status.stack: status.condition for status in found},
        "stacks": [
            {
                "stack": status.stack,
                "condition": status.condition,
                "environment": status.environment,
                "cluster": status.cluster,
                "updated": status.state.updated or None,
                "reasons": list(status.reasons),
                "differences": [asdict(each) for each in status.differences],
                "servers": [
                    _describe_server(server, status.digests.get(server.name), now) for server in status.state.servers
                ],
            }
            for status in found
        ],
    }


def _describe_server(server: DeployedServer, running: str | None, now: datetime) -> dict[str, Any]:
    return {
        "server": server.name,
        "namespace": server.namespace,
        "model": server.plan.get("model"),
        "repository": str(server.plan.get("checkpoint", "")).partition("@")[0],
        "revision": _revision(server) or None,
        "image": server.image or None,
        "digest": _digest(server.image) or running,
        "gpu": server.plan.get("gpu"),
        "gpus_per_replica": server.plan.get("gpus_per_replica"),
        "replicas": server.plan.get("replicas"),
        "url": server.url or None,
        "verification": _describe_check(server.verification, now),
        "benchmark": _describe_check(server.benchmark, now),
    }


def _describe_check(check: DeployedCheck | None, now: datetime) -> dict[str, Any] | None:
    if check is None:
        return None
    moment = read_moment(check.result or "")
    return {
        "passed": check.passed,
        "summary": check.summary,
        "at": moment.isoformat() if moment else None,
        "age_s": round((now - moment).total_seconds()) if moment else None,
        "result": check.result,
        "simulated": check.simulated,
    }
