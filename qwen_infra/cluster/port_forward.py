"""A tunnel from this machine to a Service through ``kubectl port-forward``.

Good for checks of behaviour; a tunnel costs about a tenth of the throughput, so results say that they came through one.
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from qwen_infra.cluster.kubectl import Kubectl, KubectlError, explain_missing_program

__all__ = ["forward"]

START_TIMEOUT_S = 20.0
FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


@contextmanager
def forward(kubectl: Kubectl, namespace: str, target: str, port: int) -> Iterator[str]:
    """The base URL, on 127.0.0.1, that reaches ``port`` of ``target`` (``service/NAME`` or ``pod/NAME``).

    Raises:
        KubectlError: no kubectl, or no tunnel within 20 s; with kubectl's own complaint.
    """
    command = kubectl.command("--namespace", namespace, "port-forward", "--address=127.0.0.1", target, f":{port}")
    with tempfile.TemporaryFile("w+") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, text=True)
        except FileNotFoundError:
            raise explain_missing_program() from None
        try:
            yield f"http://127.0.0.1:{_wait_for_port(process, output, f'{target} in namespace {namespace}')}"
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for_port(process: subprocess.Popen[str], output: IO[str], place: str) -> int:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        output.seek(0)
        printed = output.read()
        if found := FORWARDING.search(printed):
            return int(found[1])
        if process.poll() is not None:
            raise KubectlError(
                "kubectl port-forward ended at once",
                where=place,
                found=printed.strip().splitlines()[-1] if printed.strip() else "no message",
                mend=f"try it by hand: `{' '.join(map(str, process.args))}`",  # type: ignore[arg-type]
            )
        time.sleep(0.02)
    raise KubectlError(
        f"no port-forward within {START_TIMEOUT_S:.0f} s", where=place, mend="look at the pod with `kubectl describe`"
    )
