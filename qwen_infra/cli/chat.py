"""``qwen-infra chat``: a first look at what the model answers, in the terminal."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from qwen_infra.client import Endpoint
    from qwen_infra.client.conversation import Turn

__all__ = ["chat"]

Thinking = Literal["dim", "hide", "off"]


def chat(
    question: Annotated[str | None, typer.Argument(help="One question; without it a conversation begins.")] = None,
    stack: Annotated[str | None, typer.Option(help="Stack whose endpoint is meant; default: the demo's.")] = None,
    server: Annotated[str | None, typer.Option(help="Which of the stack's servers, when it has several.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of a server, without a stack.")] = None,
    model: Annotated[str | None, typer.Option(help="Name that the server gives the model, without a stack.")] = None,
    api_key_env: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "VLLM_API_KEY",
    thinking: Annotated[
        Thinking, typer.Option(help="dim shows it dimmed, hide does not show it, off asks the model not to think.")
    ] = "dim",
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Longest answer, thinking included.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answer to QUESTION as one JSON document.")] = False,
) -> None:
    """Talk to the model in the terminal; an empty line, /exit or Ctrl-D ends it; Ctrl-C stops an answer, and all.

    With a stack, the key is read from its Secret and a port-forward is opened. The first thing to do after `pulumi up`.

    In the folder of a running `make demo` no flag is needed.

    Examples:
        qwen-infra chat --stack gb200
        qwen-infra chat --stack gb200 --thinking hide 'What can you do?'
        qwen-infra chat --url http://127.0.0.1:8000 --model qwen3.5
    """
    import asyncio

    from qwen_infra.cli.stack_endpoint import open_endpoint

    if as_json and question is None:
        raise typer.BadParameter("needs a QUESTION", param_hint="--json")
    with open_endpoint(stack, server, url, model, api_key_env) as endpoint:
        asyncio.run(_talk(endpoint, question, thinking, max_tokens, as_json=as_json))


async def _talk(
    endpoint: "Endpoint", question: str | None, thinking: Thinking, max_tokens: int | None, *, as_json: bool
) -> None:
    from dataclasses import asdict

    from qwen_infra.cli.chat_screen import ChatScreen, read_question
    from qwen_infra.cli.output import print_error, print_json, say
    from qwen_infra.client import EndpointError, InferenceClient
    from qwen_infra.client.conversation import Conversation

    async with InferenceClient(endpoint) as client:
        conversation = Conversation(client, thinks=False if thinking == "off" else None, max_tokens=max_tokens)
        if question is not None:
            screen = ChatScreen(is_silent=as_json, shows_thinking=thinking == "dim")
            try:
                turn = await conversation.ask(question, screen.show)
            finally:  # whatever ends it, Ctrl-C too, the terminal is not left dim
                screen.end()
            if as_json:
                print_json(asdict(turn))
            _tell_cut_off(turn)
            return
        say(f"{endpoint.model} at {endpoint.url}; an empty line, /exit or Ctrl-D ends it")
        while (asked := await read_question()) is not None:
            screen = ChatScreen(is_silent=False, shows_thinking=thinking == "dim")
            try:
                turn = await conversation.ask(asked, screen.show)
            except EndpointError as error:
                screen.end()
                print_error(error)
                continue
            finally:
                screen.end()
            _tell_cut_off(turn)


def _tell_cut_off(turn: "Turn") -> None:
    from qwen_infra.cli.output import say

    if turn.finish_reason == "length":
        where = "" if turn.answer else " inside the thinking, so there is no answer"
        say(f"the answer was cut off by its length{where}; raise --max-tokens, or use --thinking off")
