"""``qwen-infra doctor``: what is missing on this machine and on that cluster, and the command that mends it."""

import os
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["doctor"]


def doctor(
    stack: Annotated[str | None, typer.Option(help="Stack whose needs are looked for; default: any's.")] = None,
    kubeconfig: Annotated[str | None, typer.Option(help="Kubeconfig, where no stack says it.")] = None,
    context: Annotated[str | None, typer.Option(help="Context in it, where no stack says it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Find what is missing on this machine and on the cluster, and the command that mends it.

    Nothing is changed. Exit code 3 when something is missing; what could not be looked at is unknown, and does not
    count.

    Examples:
        qwen-infra doctor
        qwen-infra doctor --stack gb200
    """
    from dataclasses import asdict

    from qwen_infra.cli.output import print_json, print_table, say, say_over
    from qwen_infra.cluster import ClusterAccess
    from qwen_infra.doctor import examine

    findings = examine(Path(), os.environ, stack=stack, access=ClusterAccess(kubeconfig, context), progress=say_over)
    say_over("")
    counts = {status: sum(item.status == status for item in findings) for status in ("ok", "missing", "unknown")}
    if as_json:
        print_json({"ok": not counts["missing"], "stack": stack, "findings": [asdict(item) for item in findings]})
    else:
        print_table(["", "what", "found"], [[item.status, item.what, item.found] for item in findings])
        for item in findings:
            if item.mend and item.status != "ok":
                print(f"\n{item.what} ({item.status})\n  mend: {item.mend}")
        say(f"\n{counts['ok']} ok, {counts['missing']} missing, {counts['unknown']} unknown")
    raise typer.Exit(3 if counts["missing"] else 0)
