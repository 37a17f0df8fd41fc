"""``qwen-infra verify``: the verification suite against any OpenAI-compatible endpoint."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from qwen_infra.verification import VerificationReport

__all__ = ["verify"]


def _list_cases(wanted: bool) -> None:
    if wanted:
        from qwen_infra.verification import CASES, render_case_list

        print(render_case_list(CASES))
        raise typer.Exit


def verify(
    url: Annotated[str, typer.Option(help="Address of the server, such as http://127.0.0.1:8000.")],
    model: Annotated[str, typer.Option(help="Name that the server gives the model.")],
    api_key_env: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "VLLM_API_KEY",
    level: Annotated[str, typer.Option(help="smoke (seconds), full, or soak (repeated).")] = "full",
    case: Annotated[list[str] | None, typer.Option(help="Only this case, or pattern (tools-*); repeatable.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Not this case, or pattern; repeatable.")] = None,
    _list: Annotated[
        bool,
        typer.Option("--list", is_eager=True, callback=_list_cases, help="List all cases and what each proves."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML for a CI there too.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the JSON report there too.")] = None,
    thinking_default: Annotated[str, typer.Option(help="on, or off for 0.8B and 2B, which think when asked.")] = "on",
    temperature: Annotated[float | None, typer.Option(help="Sent with every request; 0 repeats exactly.")] = None,
    patience: Annotated[float, typer.Option(min=0.001, help="Factor on every deadline, for a slow server.")] = 1.0,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Cases at once.")] = 16,
    from_outside: Annotated[
        bool, typer.Option(help="The address is public: what needs no key must be closed.")
    ] = False,
    soak_minutes: Annotated[float, typer.Option(min=0, help="How long --level soak repeats the cases.")] = 10.0,
    ca_file: Annotated[Path | None, typer.Option(help="PEM file of the authorities to trust for https.")] = None,
    insecure: Annotated[bool, typer.Option(help="Take any https certificate.")] = False,
) -> None:
    """Prove that a server answers correctly; exit code 1 when it does not.

    Example: qwen-infra verify --url http://127.0.0.1:8000 --model qwen3.5
    """
    import asyncio

    from qwen_infra.cli.output import print_json, say_over
    from qwen_infra.client import Endpoint
    from qwen_infra.verification import LEVELS, SuiteOptions, render_table, run_suite

    if level not in LEVELS:
        raise typer.BadParameter(f"{level!r} is not one of {', '.join(LEVELS)}", param_hint="--level")
    if thinking_default not in {"on", "off"}:
        raise typer.BadParameter(f"{thinking_default!r} is neither on nor off", param_hint="--thinking-default")
    if temperature is not None and not 0 <= temperature <= 2:
        raise typer.BadParameter(f"{temperature} is not between 0 and 2", param_hint="--temperature")
    options = SuiteOptions(
        thinking_by_default=thinking_default == "on",
        include=tuple(case or ()),
        exclude=tuple(exclude or ()),
        concurrency=concurrency,
        patience=patience,
        temperature=temperature,
        from_outside=from_outside,
        soak_s=soak_minutes * 60,
    )
    key = os.environ.get(api_key_env) or None
    endpoint = Endpoint(url=url, model=model, api_key=key, verify_tls=not insecure, ca_file=ca_file)
    _require_writable(out, junit)
    report = asyncio.run(run_suite(endpoint, level=level, options=options, progress=say_over))
    say_over("")
    _write_files(report, out, junit)
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        print(render_table(report))
    raise typer.Exit(0 if report.passed else 1)


def _require_writable(*paths: Path | None) -> None:
    """Before minutes of work, not after them."""
    from qwen_infra.errors import ConfigurationError

    for path in paths:
        if path is not None and (path.is_dir() or not os.access(path.parent, os.W_OK)):
            raise ConfigurationError(
                "the file cannot be written",
                found=path,
                expected="a file in a writable folder",
                mend="name a file in a folder that exists and is writable",
            )


def _write_files(report: "VerificationReport", out: Path | None, junit: Path | None) -> None:
    from qwen_infra.verification import render_junit

    if out is not None:
        out.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if junit is not None:
        junit.write_text(render_junit(report), encoding="utf-8")
