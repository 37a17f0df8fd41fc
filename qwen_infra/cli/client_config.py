"""``qwen-infra client-config``: ready-to-use settings for the programs that talk to an endpoint."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["client_config"]


def client_config(
    client: Annotated[
        str,
        typer.Option(
            "--for",
            help="curl, openai, anthropic, claude-code, claude-code-router, open-webui, litellm or continue.",
        ),
    ],
    stack: Annotated[str | None, typer.Option(help="Stack whose endpoint is meant.")] = None,
    server: Annotated[str | None, typer.Option(help="Which of the stack's servers; default: all that fit.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Address; default: the stack's, else the port that `qwen-infra connect` opens.")
    ] = None,
    in_cluster: Annotated[bool, typer.Option("--in-cluster", help="For a client that runs in the cluster.")] = False,
    model: Annotated[str | None, typer.Option(help="Name that the server gives the model, without a stack.")] = None,
    max_model_len: Annotated[int, typer.Option(help="Context in tokens, without a stack.")] = 262144,
    show_key: Annotated[bool, typer.Option("--show-key", help="Put the API key itself into the settings.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder to write into; default: standard output.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Print ready-to-use settings of a client for an endpoint.

    The API key is not in them unless --show-key is given: they name the variable VLLM_API_KEY, and a note tells the
    command that fills it.

    Examples:
        qwen-infra client-config --stack gb200 --for claude-code
        qwen-infra client-config --stack gb200 --for claude-code-router --out ~
        qwen-infra client-config --for curl --url http://127.0.0.1:8000
            --model qwen3.5
    """
    from qwen_infra.cli.output import print_json, say
    from qwen_infra.cli.served_models import find_served_models
    from qwen_infra.client_settings import build_client_settings

    models = find_served_models(
        stack=stack,
        server=server,
        url=url,
        in_cluster=in_cluster,
        model=model,
        max_model_len=max_model_len,
        show_key=show_key,
    )
    settings = build_client_settings(client, models, (out or Path.home()).expanduser().resolve())
    texts = "".join(item.text for item in settings.files)
    keys = [one.key for one in models if one.key.command and one.key.variable in texts]
    notes = [*(f'export {key.variable}="$({key.command})"' for key in keys), *settings.notes]
    if as_json:
        files = [{"path": item.path, "text": item.text} for item in settings.files]
        served = [{"name": one.name, "url": one.url, "context_tokens": one.context_tokens} for one in models]
        print_json({"client": client, "models": served, "files": files, "notes": notes})
    for item in [] if as_json else settings.files:
        if out is None:
            print(f"==> {item.path} <==\n{item.text}" if len(settings.files) > 1 else item.text, end="")
        else:
            path = out.expanduser() / item.path
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, item.text, private=item.holds_key)
            say(f"wrote {path}")
    for note in notes:
        say(f"note: {note}")


def _write(path: Path, text: str, *, private: bool) -> None:
    """Never over a file of the user's that says something else."""
    from qwen_infra.errors import ConfigurationError

    if path.exists() and path.read_text("utf-8") != text:
        raise ConfigurationError(
            "this file is there already and says something else",
            where=str(path),
            mend="merge by hand what is printed without --out, or move the file away",
        )
    path.touch(mode=0o600 if private else 0o644)
    if private:
        path.chmod(0o600)
    path.write_text(text, "utf-8")
