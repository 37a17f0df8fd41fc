"""One pod and its server: waiting for Secrets, starting, ready, crashed and started again.

Each ``advance`` takes at most one step and writes the pod's status only when it changed.
"""

import logging
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qwen_infra.local.agent.download import DownloadRun
from qwen_infra.local.agent.launcher import Launcher
from qwen_infra.local.agent.objects import (
    build_event,
    build_logs,
    build_port_forward,
    collection,
    owned_collections,
)
from qwen_infra.local.agent.pod_status import CRASHED, ContainerFacts, RunFacts, Termination, build_status
from qwen_infra.local.agent.pods import ContainerPod, MissingReferenceError, ServerPod, resolve_environment
from qwen_infra.local.agent.records import ServerRecord, ServerState
from qwen_infra.local.agent.server import ContainerLog, ServerProcess
from qwen_infra.local.agent.volumes import MountedVolumes
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.folders import write_atomically

__all__ = ["PodWorker"]

_REFERENCE_RETRY_S = 2.0
_HEALTH_PERIOD_READY_S = 5.0
# the kubelet's CrashLoopBackOff: 10 s, doubled for each restart, at most 5 minutes
_BACKOFF_FIRST_S, _BACKOFF_LAST_S = 10.0, 300.0
_log = logging.getLogger(__name__)


class PodWorker:
    """Keeps the server of one pod as its spec says; ``folder`` holds its logs and its record."""

    def __init__(self, api: KubernetesApi, launcher: Launcher, folder: Path) -> None:
        self._api = api
        self._launcher = launcher
        self._folder = folder
        self._log = ContainerLog(folder)
        self._volumes = MountedVolumes(folder / "volumes", launcher.storage)
        self._download = DownloadRun(api, launcher, folder / "download")
        self._download_facts: RunFacts | None = None
        self._server: ServerProcess | None = None
        self._restarts = 0
        self._last: Termination | None = None
        self._ready = False
        self._failed_probes = 0
        self._next_start_s = 0.0
        self._next_probe_s = 0.0
        self._written: ContainerFacts | None = None
        self._pod: ServerPod | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pod_name(self) -> str:
        return f"{self._pod.namespace}/{self._pod.name}" if self._pod else "?"

    def advance(self, pod: ServerPod) -> None:
        """One step: start, notice an exit, or probe."""
        self._pod = pod
        now = time.monotonic()
        if self._server is None:
            if now >= self._next_start_s and (pod.download is None or self._has_weights(pod, pod.download)):
                self._start(pod)
        elif (code := self._server.exit_code) is not None:
            self._note_exit(pod, self._server, code)
        elif now >= self._next_probe_s:
            self._probe(pod, self._server)

    def ask_to_stop(self) -> None:
        self._download.ask_to_stop()
        if self._server is not None:
            self._server.ask_to_stop()

    def has_ended(self) -> bool:
        return self._download.has_ended() and (self._server is None or self._server.exit_code is not None)

    def kill(self) -> None:
        """End what is left of the download and the server, children included."""
        self._download.kill()
        if self._server is not None:
            self._server.kill()

    def remove_folder(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def delete_objects(self) -> None:
        """Delete the PortForward and the Logs of the pod."""
        if self._pod is not None:
            for plural in owned_collections():
                self._api.delete(f"{collection(self._pod, plural)}/{self._pod.name}")

    def _start(self, pod: ServerPod) -> None:
        try:
            environment = resolve_environment(pod, self._api)
            self._volumes.refresh(pod, self._api)
        except MissingReferenceError as error:
            self._wait_for_reference(pod, error)
            return
        self._log.rotate()
        self._server = self._launcher.start(pod, environment, self._volumes, self._log, self._folder)
        self._failed_probes = 0
        self._next_probe_s = 0.0
        self._publish_objects(pod, self._server.port)
        _log.info("pod %s: %s on port %d", self.pod_name, self._launcher.kind, self._server.port)
        self._event(pod, "Normal", "Started", f"Started container {pod.container}")
        self._write(pod, "starting", self._facts(started_at=self._server.started_at))

    def _has_weights(self, pod: ServerPod, container: ContainerPod) -> bool:
        """Whether the init container has brought them; starts it, and starts it again after a failure, if not."""
        before = self._download_facts
        if before is not None and before.succeeded:
            return True
        if before is None or before.waiting_reason == CRASHED:
            try:
                self._download.start(container)
            except MissingReferenceError as error:
                self._wait_for_reference(pod, error)
                return False
            self._api.create(collection(pod, "logs"), build_logs((container, self._download.log)))
        found = replace(self._download.observe(), restarts=before.restarts if before else 0)
        if found.ended is not None and found.ended.exit_code != 0:
            delay_s = self._back_off_s(found.restarts)
            self._next_start_s = time.monotonic() + delay_s
            message = f"back-off {delay_s:.0f}s restarting failed container={container.container} pod={pod.name}"
            found = replace(found, restarts=found.restarts + 1, waiting_reason=CRASHED, waiting_message=message)
        self._download_facts = found
        self._write(pod, "waiting", self._facts(waiting_reason="PodInitializing"), "downloading")
        return found.succeeded

    def _facts(self, *, ready: bool = False, **more: Any) -> ContainerFacts:
        return ContainerFacts(ready, self._restarts, last=self._last, download=self._download_facts, **more)

    def _back_off_s(self, restarts: int) -> float:
        return float(min(_BACKOFF_LAST_S, _BACKOFF_FIRST_S * 2**restarts))

    def _wait_for_reference(self, pod: ServerPod, error: MissingReferenceError) -> None:
        self._next_start_s = time.monotonic() + _REFERENCE_RETRY_S
        message = str(error)
        facts = self._facts(waiting_reason=error.waiting_reason, waiting_message=message)
        if facts != self._written:
            _log.warning("pod %s: %s", self.pod_name, message)
            self._event(pod, "Warning", error.event_reason, f"Error: {message}")
        self._write(pod, "waiting", facts, message)

    def _publish_objects(self, pod: ServerPod, port: int) -> None:
        """Made anew at each start: the port differs, and a pod of the same name may have left its own."""
        before = ((pod.download, self._download.log),) if pod.download else ()
        bodies = (build_port_forward(pod, port), build_logs((pod, self._log), *before))
        for plural, body in zip(owned_collections(), bodies, strict=True):
            path = collection(pod, plural)
            if not self._api.create(path, body):
                self._api.merge(f"{path}/{pod.name}", body)

    def _note_exit(self, pod: ServerPod, server: ServerProcess, code: int) -> None:
        server.kill()  # children that outlived the first process
        delay_s = self._back_off_s(self._restarts)
        _log.warning("pod %s: server ended with %d, next start in %.0f s", self.pod_name, code, delay_s)
        self._log.write(f"[qwen-infra node agent] the server ended with exit code {code}")
        self._last = Termination(code, server.started_at, datetime.now(UTC))
        self._server = None
        self._ready = False
        self._restarts += 1
        self._next_start_s = time.monotonic() + delay_s
        message = f"back-off {delay_s:.0f}s restarting failed container={pod.container} pod={pod.name}"
        self._event(pod, "Warning", "BackOff", f"Back-off restarting failed container {pod.container}")
        facts = self._facts(waiting_reason=CRASHED, waiting_message=message)
        self._write(pod, "backoff", facts, f"exit code {code}")

    def _probe(self, pod: ServerPod, server: ServerProcess) -> None:
        self._renew_volumes(pod)
        if server.is_healthy(pod.readiness.path):
            self._failed_probes = 0
            self._ready = True
        else:
            self._failed_probes += 1
            if self._failed_probes >= pod.readiness.failure_threshold:
                self._ready = False
        has_started = self._written is not None and self._written.ready
        if not self._ready and not has_started and self._is_over_budget(pod, server):
            self._log.write("[qwen-infra node agent] not healthy within the startup probe's time: killed")
            self._event(pod, "Warning", "Unhealthy", "Startup probe failed, the container will be restarted")
            server.kill()
            return
        self._next_probe_s = time.monotonic() + (_HEALTH_PERIOD_READY_S if self._ready else 0)
        state: ServerState = "ready" if self._ready else "unhealthy" if has_started else "starting"
        self._write(pod, state, self._facts(ready=self._ready, started_at=server.started_at))

    def _renew_volumes(self, pod: ServerPod) -> None:
        """As a kubelet does; what is gone stays as it was."""
        try:
            self._volumes.refresh(pod, self._api)
        except MissingReferenceError as error:
            _log.warning("pod %s: its volumes are not renewed: %s", self.pod_name, error)

    def _is_over_budget(self, pod: ServerPod, server: ServerProcess) -> bool:
        elapsed_s = time.monotonic() - server.started_monotonic_s
        return pod.startup is not None and elapsed_s > pod.startup.budget_s

    def _event(self, pod: ServerPod, kind: str, reason: str, message: str) -> None:
        self._api.create(f"/api/v1/namespaces/{pod.namespace}/events", build_event(pod, kind, reason, message))

    def _write(self, pod: ServerPod, state: ServerState, facts: ContainerFacts, detail: str = "") -> None:
        """Write the status when it changed, and the record for ``status`` beside it."""
        if facts == self._written:
            return
        self._api.merge(f"{pod.path}/status", build_status(pod, facts))
        self._written = facts
        server = self._server
        record = ServerRecord(
            uid=pod.uid,
            namespace=pod.namespace,
            pod=pod.name,
            kind="vllm" if self._launcher.kind == "vllm" else "simulator",
            state=state,
            port=server.port if server else None,
            pid=server.process.pid if server else None,
            identity=server.identity if server else None,
            restarts=self._restarts,
            detail=detail,
        )
        write_atomically(self._folder / "record.json", record.model_dump_json(indent=1))
