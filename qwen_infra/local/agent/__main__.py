"""``python -m qwen_infra.local.agent NAME STATE_ROOT``: the agent's process, from its lock to its last server.

Started and stopped by ``qwen_infra.local.agent_process``; its standard output is ``agent.log``.
"""

import fcntl
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from qwen_infra.errors import QwenInfraError
from qwen_infra.local.agent.launcher import Launcher
from qwen_infra.local.agent.reconciler import Reconciler
from qwen_infra.local.agent.stand_in_hub import serve_stand_in
from qwen_infra.local.agent_process import AgentOptions
from qwen_infra.local.api import ApiError, ApiUnreachableError, KubernetesApi
from qwen_infra.local.folders import StateFolder

_PERIOD_S = 0.5
_PERIOD_WHILE_UNREACHABLE_S = 2.0
_log = logging.getLogger("qwen_infra.local.agent")


def main(name: str, state_root: Path) -> int:
    """Run until SIGTERM or until the state folder is gone; exit code 0 then, 1 when another agent runs."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    folder = StateFolder.of(name, state_root)
    with folder.agent_pid_file.open("a+") as pid_file:
        try:
            fcntl.flock(pid_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.error("another agent of this cluster runs already")
            return 1
        options = AgentOptions.model_validate_json(folder.agent_options.read_text())
        with KubernetesApi(options.api_port, folder.pki_folder) as api, serve_stand_in(folder, options) as hub:
            reconciler = Reconciler(api, folder, Launcher(folder, options, hub.endpoint))
            reconciler.step()
            pid_file.truncate(0)
            pid_file.write(str(os.getpid()))
            pid_file.flush()
            _log.info("watching pods of %s, servers are of kind %s, %s", name, options.kind, hub.endpoint)
            _run(reconciler, folder, stopped)
            reconciler.stop()
    _log.info("ended")
    return 0


def _run(reconciler: Reconciler, folder: StateFolder, stopped: threading.Event) -> None:
    """A failed step is said and tried again: the API server may be restarting, a pod may be half-written."""
    period_s = 0.0
    while not stopped.wait(period_s) and folder.agent_options.exists():
        try:
            reconciler.step()
            period_s = _PERIOD_S
        except ApiUnreachableError as error:
            _log.warning("%s", error)
            period_s = _PERIOD_WHILE_UNREACHABLE_S
        except (ApiError, OSError) as error:
            _log.error("%s", error)
            period_s = _PERIOD_WHILE_UNREACHABLE_S


def detach() -> None:
    """Go on in a child; the parent says its id and ends. Standard output then is the log, as standard error is."""
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        os._exit(0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    detach()
    try:
        sys.exit(main(sys.argv[1], Path(sys.argv[2])))
    except QwenInfraError as failure:
        sys.exit(f"{failure}")
