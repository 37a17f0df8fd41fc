"""A local port that stays open while the pods behind a Service come and go.

``kubectl port-forward`` binds to one pod and ends with it. Here a listener of our own accepts connections all the time
and hands each to the tunnel of the moment; while there is none, a connection waits instead of being refused.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from qwen_infra.addresses import url_host
from qwen_infra.cluster.kubectl import Kubectl, KubectlError, explain_missing_program
from qwen_infra.cluster.port_forward import FORWARDING, START_TIMEOUT_S
from qwen_infra.errors import EnvironmentMissingError

__all__ = ["SteadyForward"]

PATIENCE_S = 120.0
"""Longest wait of a connection for a tunnel: a small model is back sooner; nobody waits longer for a large one."""
PROBE_EVERY_S = 2.0
PROBE_TIMEOUT_S = 5.0
PROBES_MISSED = 3
"""After so many probes without an answer another tunnel is tried, which may lead to another pod."""
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


@dataclass
class SteadyForward:
    """One Service, reached at ``http://address:local_port`` for as long as ``run`` runs.

    Args:
        target: ``service/NAME``.
        port: of the Service.
        local_port: to listen on; 0 takes a free one, which ``url`` tells.
        report: told, in a sentence, when a tunnel was lost and when one stands again.
    """

    kubectl: Kubectl
    namespace: str
    target: str
    port: int
    local_port: int
    address: str = "127.0.0.1"
    report: Callable[[str], None] = lambda _: None
    _tunnel: int | None = None
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        """The local URL; the first tunnel stands when it is given.

        Raises:
            KubectlError: no first tunnel: no such Service, no pod behind it, no permission.
            EnvironmentMissingError: the local port is taken.
        """
        server = await self._listen()
        local_port = server.sockets[0].getsockname()[1]
        first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        keeper = asyncio.create_task(self._keep(first))
        try:
            await asyncio.wait({keeper, first}, return_when=asyncio.FIRST_COMPLETED)
            if keeper.done():
                await keeper
            yield f"http://{url_host(self.address)}:{local_port}"
        finally:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError, KubectlError):
                await keeper
            server.close()

    async def _listen(self) -> asyncio.Server:
        try:
            return await asyncio.start_server(self._serve, self.address, self.local_port)
        except OSError as error:
            raise EnvironmentMissingError(
                "this machine's port cannot be listened on",
                where="--port",
                found=f"{self.address}:{self.local_port}: {error.strerror or error}",
                mend="choose another with --port, or 0 for any free one",
            ) from None

    async def _keep(self, first: "asyncio.Future[None]") -> None:
        """Open a tunnel, watch it, open the next; the first failure ends it, later ones only pause."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with self._open_tunnel() as process:
                    pause_s = FIRST_PAUSE_S
                    if first.done():
                        self.report("connected again")
                    else:
                        first.set_result(None)
                    await self._watch(process)
                self.report("the connection to the pod is gone; opening another")
            except KubectlError as error:
                if not first.done():
                    raise
                self.report(f"no pod to connect to yet: {error.found or error.what}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    @contextlib.asynccontextmanager
    async def _open_tunnel(self) -> AsyncIterator[asyncio.subprocess.Process]:
        command = self.kubectl.command(
            "--namespace", self.namespace, "port-forward", "--address=127.0.0.1", self.target, f":{self.port}"
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
        except FileNotFoundError:
            raise explain_missing_program() from None
        try:
            await self._set_tunnel(await self._read_port(process))
            yield process
        finally:
            await self._set_tunnel(None)
            if process.returncode is None:
                process.terminate()
            await process.wait()

    async def _read_port(self, process: asyncio.subprocess.Process) -> int:
        last = "no message"
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                async for line in process.stdout:
                    last = line.decode(errors="replace").strip() or last
                    if found := FORWARDING.search(last):
                        return int(found[1])
        except TimeoutError:
            last = f"no port-forward within {START_TIMEOUT_S:.0f} s"
        raise KubectlError(
            "there is nothing to connect to",
            where=f"{self.target} in namespace {self.namespace}",
            found=last.removeprefix("error: "),
            mend=f"`{' '.join(self.kubectl.command('--namespace', self.namespace, 'get', 'pods'))}` shows what runs",
        )

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Until kubectl ends, or the server has not answered for a while."""
        assert process.stdout is not None
        drained = asyncio.create_task(process.stdout.read())
        missed = 0
        try:
            while missed < PROBES_MISSED:
                ended, _ = await asyncio.wait({drained}, timeout=PROBE_EVERY_S)
                if ended:
                    return
                missed = 0 if await self._answers() else missed + 1
        finally:
            drained.cancel()

    async def _answers(self) -> bool:
        """Whether the server says anything at all to a request for its health."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._tunnel)
                try:
                    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    return bool(await reader.read(1))
                finally:
                    writer.close()
        except OSError:  # TimeoutError is one
            return False

    async def _set_tunnel(self, port: int | None) -> None:
        async with self._changed:
            self._tunnel = port
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client: to the tunnel of the moment, or to the next one."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                there, to = await self._connect()
        except TimeoutError:
            writer.close()
            return
        try:
            await asyncio.gather(_copy(reader, to), _copy(there, writer))
        finally:
            to.close()
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._tunnel is not None)
            try:
                return await asyncio.open_connection("127.0.0.1", self._tunnel)
            except OSError:
                await asyncio.sleep(FIRST_PAUSE_S)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Bytes as they come; the end of one direction is passed on, and the other goes on until its own end."""
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.close()
