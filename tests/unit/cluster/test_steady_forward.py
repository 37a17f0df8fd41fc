"""What passes through a forwarded connection; tunnels that come and go are tested on a cluster."""

import asyncio

from qwen_infra.cluster import Kubectl
from qwen_infra.cluster.steady_forward import SteadyForward


async def _echo_after_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that answers once the client has said all."""
    asked = await reader.read()
    writer.write(b"heard " + asked)
    await writer.drain()
    writer.close()


async def _ask_and_stop_writing() -> bytes:
    server = await asyncio.start_server(_echo_after_the_end, "127.0.0.1", 0)
    forward = SteadyForward(Kubectl(), "qwen", "service/x", 8000, 0)
    forward._tunnel = server.sockets[0].getsockname()[1]
    front = await asyncio.start_server(forward._serve, "127.0.0.1", 0)
    async with server, front:
        reader, writer = await asyncio.open_connection(*front.sockets[0].getsockname()[:2])
        writer.write(b"all of it")
        writer.write_eof()
        async with asyncio.timeout(60):
            answer = await reader.read()
        writer.close()
    return answer


def test_a_client_that_has_said_all_still_gets_the_whole_answer() -> None:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        assert runner.run(_ask_and_stop_writing()) == b"heard all of it"
