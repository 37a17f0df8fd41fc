"""The programs of ours that run once: downloads (a Job's container, or before a server starts) and verifications.

The container's own command really runs: a download against the cluster's stand-in for the Hub, what it brings lies on
the disk of the simulated node, in the claim, or in the pod; a verification against the server behind the Service.
"""

import logging
import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from qwen_infra.local.agent.launcher import TERMINATION, Launcher
from qwen_infra.local.agent.objects import build_event, build_logs, collection
from qwen_infra.local.agent.pod_status import RunFacts, Termination, build_job_status
from qwen_infra.local.agent.pods import ContainerPod, MissingReferenceError, find_verification_pod, resolve_environment
from qwen_infra.local.agent.server import ContainerLog, ContainerProcess
from qwen_infra.local.agent.volumes import MountedVolumes
from qwen_infra.local.api import KubernetesApi

__all__ = ["DownloadRun", "JobPodWorker"]

_MESSAGE_LINES, _MESSAGE_BYTES = 80, 2048
"""What a kubelet takes of a failed container's log where the container wrote no message itself."""
_log = logging.getLogger(__name__)


class DownloadRun:
    """One container's download; ``folder`` is its own."""

    def __init__(self, api: KubernetesApi, launcher: Launcher, folder: Path) -> None:
        self._api = api
        self._launcher = launcher
        self._folder = folder
        self._volumes = MountedVolumes(folder.parent / "volumes", launcher.storage)
        self._process: ContainerProcess | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.log = ContainerLog(folder)

    def start(self, pod: ContainerPod) -> None:
        """Begin, or begin anew.

        Raises:
            MissingReferenceError: a Secret or ConfigMap that it needs does not exist.
        """
        environment = resolve_environment(pod, self._api)
        self._volumes.refresh(pod, self._api)
        self.log.rotate()
        (self._folder / TERMINATION).unlink(missing_ok=True)
        start = self._launcher.start_download
        if find_verification_pod(pod.raw) is not None:
            start = partial(self._launcher.start_verification, self._api)
        self._process = start(pod, environment, self._volumes, self.log, self._folder)

    def observe(self) -> RunFacts:
        """Running since when, or how it ended."""
        if self._process is None:
            return RunFacts()
        code = self._process.exit_code
        if code is None:
            return RunFacts(started_at=self._process.started_at)
        message = self._read_message() or (self.log.tail(_MESSAGE_LINES, _MESSAGE_BYTES) if code else "")
        ended = Termination(code, self._process.started_at, datetime.now(UTC), message)
        return RunFacts(ended=ended)

    def ask_to_stop(self) -> None:
        if self._process is not None:
            self._process.ask_to_stop()

    def has_ended(self) -> bool:
        return self._process is None or self._process.exit_code is not None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _read_message(self) -> str:
        path = self._folder / TERMINATION
        return path.read_text("utf-8") if path.exists() else ""


class JobPodWorker:
    """The pod of such a Job: it runs once, and its status says how it ended. The rest is the Job controller's."""

    def __init__(self, api: KubernetesApi, launcher: Launcher, folder: Path) -> None:
        self._api = api
        self._folder = folder
        self._run = DownloadRun(api, launcher, folder / "download")
        self._facts = RunFacts()
        self._written: RunFacts | None = None
        self._pod: ContainerPod | None = None

    @property
    def pod_name(self) -> str:
        return f"{self._pod.namespace}/{self._pod.name}" if self._pod else "?"

    def advance(self, pod: ContainerPod) -> None:
        """Start it, or notice its end; then write the status if it changed."""
        self._pod = pod
        if self._facts.ended is None:
            self._facts = self._step(pod)
        if self._facts != self._written:
            self._api.merge(f"{pod.path}/status", build_job_status(pod, self._facts))
            self._written = self._facts

    def ask_to_stop(self) -> None:
        self._run.ask_to_stop()

    def has_ended(self) -> bool:
        return self._run.has_ended()

    def kill(self) -> None:
        self._run.kill()

    def remove_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def delete_objects(self) -> None:
        if self._pod is not None:
            self._api.delete(f"{collection(self._pod, 'logs')}/{self._pod.name}")

    def _step(self, pod: ContainerPod) -> RunFacts:
        if self._facts.started_at is None:
            try:
                self._run.start(pod)
            except MissingReferenceError as error:
                return self._wait(pod, error)
            self._api.create(collection(pod, "logs"), build_logs((pod, self._run.log)))
            _log.info("pod %s: running %s", self.pod_name, pod.container)
        found = self._run.observe()
        if found.ended is not None:
            _log.info("pod %s: %s ended with %d", self.pod_name, pod.container, found.ended.exit_code)
        return found

    def _wait(self, pod: ContainerPod, error: MissingReferenceError) -> RunFacts:
        facts = RunFacts(waiting_reason=error.waiting_reason, waiting_message=str(error))
        if facts != self._facts:
            event = build_event(pod, "Warning", error.event_reason, str(error))
            self._api.create(f"/api/v1/namespaces/{pod.namespace}/events", event)
        return facts
