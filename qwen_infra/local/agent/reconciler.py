"""The agent's loop body: compare the pods that exist with the programs that run, and move both one step closer.

Level-triggered, as a kubelet is: nothing is remembered that cannot be read again, so a missed change does no harm.
"""

import logging
import time
from typing import TypeVar

from qwen_infra.local.agent.download import JobPodWorker
from qwen_infra.local.agent.launcher import Launcher
from qwen_infra.local.agent.pods import ContainerPod, find_download_pod, find_server_pod, find_verification_pod
from qwen_infra.local.agent.worker import PodWorker
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.folders import StateFolder

__all__ = ["Reconciler"]

_STOP_GRACE_S = 10
_log = logging.getLogger(__name__)
Worker = PodWorker | JobPodWorker
WorkerKind = TypeVar("WorkerKind", PodWorker, JobPodWorker)


class Reconciler:
    """One worker for each pod of the agent's, plus those whose program is still ending."""

    def __init__(self, api: KubernetesApi, folder: StateFolder, launcher: Launcher) -> None:
        self._api = api
        self._folder = folder
        self._launcher = launcher
        self._workers: dict[str, Worker] = {}
        self._ending: list[tuple[float, Worker]] = []

    def step(self) -> None:
        """Read the pods once and let each worker advance."""
        existing = [pod for pod in self._api.list("/api/v1/pods") if "deletionTimestamp" not in pod["metadata"]]
        servers = {pod.uid: pod for pod in map(find_server_pod, existing) if pod is not None}
        found = (find(pod) for find in (find_download_pod, find_verification_pod) for pod in existing)
        jobs = {pod.uid: pod for pod in found if pod is not None}
        # a Job's pod that has ended keeps its log for as long as it exists
        ended = {uid for uid, worker in self._workers.items() if isinstance(worker, JobPodWorker)} & {
            pod["metadata"]["uid"] for pod in existing
        }
        for uid in self._workers.keys() - servers.keys() - jobs.keys() - ended:
            self._release(self._workers.pop(uid))
        for server in servers.values():
            self._find_worker(server, PodWorker).advance(server)
        for job in jobs.values():
            self._find_worker(job, JobPodWorker).advance(job)
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

    def _find_worker(self, pod: ContainerPod, kind: type[WorkerKind]) -> WorkerKind:
        worker = self._workers.get(pod.uid)
        if not isinstance(worker, kind):
            _log.info("pod %s/%s: taking it over", pod.namespace, pod.name)
            worker = self._workers[pod.uid] = kind(self._api, self._launcher, self._folder.servers_folder / pod.uid)
        return worker

    def _release(self, worker: Worker) -> None:
        _log.info("pod %s: gone, stopping its program", worker.pod_name)
        worker.ask_to_stop()
        worker.delete_objects()
        self._ending.append((time.monotonic() + _STOP_GRACE_S, worker))

    def _reap(self) -> None:
        still: list[tuple[float, Worker]] = []
        for deadline, worker in self._ending:
            if worker.has_ended() or time.monotonic() > deadline:
                worker.kill()
                worker.remove_folder()
            else:
                still.append((deadline, worker))
        self._ending = still
