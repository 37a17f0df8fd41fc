"""``qwen-infra verify``: the verification suite against a stack's server or any OpenAI-compatible endpoint."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

if TYPE_CHECKING:
    from qwen_infra.verification import Level, VerificationReport

__all__ = ["verify"]


def verify(
    url: Annotated[str | None, typer.Option(help="Address of the server, such as http://127.0.0.1:8000.")] = None,
    model: Annotated[str | None, typer.Option(help="Name that the server gives the model.")] = None,
    stack: Annotated[str | None, typer.Option(help="Ask this stack's server, and keep the result.")] = None,
    server: Annotated[str | None, typer.Option(help="Which one, where the stack has several models.")] = None,
    api_key_env: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "VLLM_API_KEY",
    level: Annotated[
        str | None, typer.Option(help="smoke (seconds), full, or soak (repeated); default: the stack's, or full.")
    ] = None,
    case: Annotated[list[str] | None, typer.Option(help="Only this case, or pattern (tools-*); repeatable.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Not this case, or pattern; repeatable.")] = None,
    list_cases: Annotated[bool, typer.Option("--list", help="List all cases and what each proves.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML for a CI there too.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the JSON report there too.")] = None,
    results: Annotated[Path, typer.Option(help="Folder of the history.")] = Path("results"),
    no_save: Annotated[bool, typer.Option("--no-save", help="Keep nothing in the stack's history.")] = False,
    thinking_default: Annotated[
        str | None,
        typer.Option(help="on, or off for 0.8B and 2B; default: the stack's, or on."),
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="Sent with every request; 0 repeats exactly.")] = None,
    patience: Annotated[float, typer.Option(min=0.001, help="Factor on every deadline, for a slow server.")] = 1.0,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Cases at once.")] = 16,
    from_outside: Annotated[
        bool, typer.Option(help="The address is public: what needs no key must be closed.")
    ] = False,
    soak_minutes: Annotated[
        float | None, typer.Option(min=0, help="How long --level soak repeats the cases; default: the stack's, or 10.")
    ] = None,
    ca_file: Annotated[Path | None, typer.Option(help="PEM file of the authorities to trust for https.")] = None,
    insecure: Annotated[bool, typer.Option(help="Take any https certificate.")] = False,
) -> None:
    """Prove that a server answers correctly; exit code 1 when it does not.

    With --stack NAME alone a stack's server is asked as its deployment asks it: through a port-forward, with the key
    of its Secret, against its plan. A result of all its cases is kept where report, history and fleet status look.

    Example: qwen-infra verify --url http://127.0.0.1:8000 --model qwen3.5
    """
    import asyncio

    from qwen_infra.cli.out_file import require_writable
    from qwen_infra.cli.output import print_json, say, say_over
    from qwen_infra.cli.verify_target import open_target
    from qwen_infra.client import Endpoint
    from qwen_infra.verification import LEVELS, render_table, run_suite

    if list_cases:
        _list_cases(as_json)
        return
    if level not in (None, *LEVELS):
        raise typer.BadParameter(f"{level!r} is not one of {', '.join(LEVELS)}", param_hint="--level")
    if thinking_default not in {None, "on", "off"}:
        raise typer.BadParameter(f"{thinking_default!r} is neither on nor off", param_hint="--thinking-default")
    if temperature is not None and not 0 <= temperature <= 2:
        raise typer.BadParameter(f"{temperature} is not between 0 and 2", param_hint="--temperature")
    given: dict[str, Any] = {
        "thinking_by_default": None if thinking_default is None else thinking_default == "on",
        "include": tuple(case) if case else None,
        "exclude": tuple(exclude) if exclude else None,
        "soak_s": None if soak_minutes is None else soak_minutes * 60,
        "concurrency": concurrency,
        "patience": patience,
        "temperature": temperature,
        "from_outside": from_outside,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    require_writable(out, "--out")
    require_writable(junit, "--junit")
    endpoint = None
    if url is not None and model is not None:
        key = os.environ.get(api_key_env) or None
        endpoint = Endpoint(url=url, model=model, api_key=key, verify_tls=not insecure, ca_file=ca_file)
    with open_target(endpoint, stack, server, url, api_key_env) as target:
        options = replace(target.options, **chosen)
        report = asyncio.run(
            run_suite(
                target.endpoint,
                level=cast("Level", level or target.level),
                cluster=target.cluster,
                options=options,
                progress=say_over,
            )
        ).model_copy(update={"server": target.server})
    say_over("")
    _write_files(report, out, junit)
    if target.stack is not None and not no_save:
        say(_keep(report, results, target.stack, is_whole=not (case or exclude)))
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print(render_table(report))
    raise typer.Exit(0 if report.passed else 1)


def _list_cases(as_json: bool) -> None:
    from qwen_infra.cli.output import print_json
    from qwen_infra.verification import CASES, render_case_list

    if as_json:
        print_json({"cases": [{"id": case.id, "level": case.level, "proves": case.proves} for case in CASES]})
    else:
        print(render_case_list(CASES))


def _keep(report: "VerificationReport", root: Path, stack: str, *, is_whole: bool) -> str:
    """A run of some cases says nothing of the others, and would stand in the place of one that does."""
    from qwen_infra.benchmark import write_result

    if not is_whole:
        return "not kept, since only some cases were asked"
    return f"kept as {write_result(report, root=root, stack=stack, kind='verification')}"


def _write_files(report: "VerificationReport", out: Path | None, junit: Path | None) -> None:
    from qwen_infra.verification import render_junit

    if out is not None:
        out.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if junit is not None:
        junit.write_text(render_junit(report), encoding="utf-8")
