"""The agent's loop body: compare the pods that exist with the servers that run, and move both one step closer.

Level-triggered, as a kubelet is: nothing is remembered that cannot be read again, so a missed change does no harm.
"""

import logging
import time

from qwen_infra.local.agent.launcher import Launcher
from qwen_infra.local.agent.pods import ServerPod, find_server_pod
from qwen_infra.local.agent.worker import PodWorker
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.folders import StateFolder

__all__ = ["Reconciler"]

_STOP_GRACE_S = 10
_log = logging.getLogger(__name__)


class Reconciler:
    """One worker for each model-server pod, plus those whose server is still ending."""

    def __init__(self, api: KubernetesApi, folder: StateFolder, launcher: Launcher) -> None:
        self._api = api
        self._folder = folder
        self._launcher = launcher
        self._workers: dict[str, PodWorker] = {}
        self._ending: list[tuple[float, PodWorker]] = []

    def step(self) -> None:
        """Read the pods once and let each worker advance."""
        pods = {pod.uid: pod for pod in self._read_pods()}
        for uid in self._workers.keys() - pods.keys():
            self._release(self._workers.pop(uid))
        for uid, pod in pods.items():
            if uid not in self._workers:
                _log.info("pod %s/%s: taking it over", pod.namespace, pod.name)
                self._workers[uid] = PodWorker(self._api, self._launcher, self._folder.servers_folder / uid)
            self._workers[uid].advance(pod)
        self._reap()

    def stop(self) -> None:
        """End every server, politely first; returns when none runs."""
        for worker in self._workers.values():
            worker.ask_to_stop()
        self._ending += [(time.monotonic() + _STOP_GRACE_S, worker) for worker in self._workers.values()]
        self._workers.clear()
        while self._ending:
            self._reap()
            time.sleep(0.05)

    def _read_pods(self) -> list[ServerPod]:
        found = (find_server_pod(pod) for pod in self._api.list("/api/v1/pods"))
        return [pod for pod in found if pod is not None]

    def _release(self, worker: PodWorker) -> None:
        _log.info("pod %s: gone, stopping its server", worker.pod_name)
        worker.ask_to_stop()
        worker.delete_objects()
        self._ending.append((time.monotonic() + _STOP_GRACE_S, worker))

    def _reap(self) -> None:
        still: list[tuple[float, PodWorker]] = []
        for deadline, worker in self._ending:
            if worker.has_ended() or time.monotonic() > deadline:
                worker.kill()
                worker.remove_folder()
            else:
                still.append((deadline, worker))
        self._ending = still
