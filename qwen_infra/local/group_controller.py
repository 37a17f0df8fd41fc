"""The real controller of LeaderWorkerSet beside a local cluster, so that groups of pods come from such objects.

It runs as a process, as the control plane's own programs do, with its webhooks: they give each pod its rank and its
leader's address. Certificates are those that kwokctl made for the cluster. ``down`` ends it with everything else.
"""

import base64
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import yaml

from qwen_infra import toolchain
from qwen_infra.errors import EnvironmentMissingError
from qwen_infra.local.api import KubernetesApi
from qwen_infra.local.custom_kinds import install_custom_kinds
from qwen_infra.local.folders import StateFolder, write_atomically
from qwen_infra.local.ports import LOOPBACK, find_free_ports, is_taken
from qwen_infra.local.processes import STATE_VARIABLE, is_running

__all__ = ["PROGRAM", "build_webhooks", "start_group_controller"]

PROGRAM = "lws-controller"
START_TIMEOUT_S = 60
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_GROUPS = {"apiGroups": ["leaderworkerset.x-k8s.io"], "apiVersions": ["v1"], "resources": ["leaderworkersets"]}
_PODS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
_OF_A_GROUP = {"matchExpressions": [{"key": "leaderworkerset.sigs.k8s.io/name", "operator": "Exists"}]}


def start_group_controller(name: str, *, state_root: Path | None = None, bin_folder: Path | None = None) -> int:
    """Start it, with the custom kinds and its webhooks, once for the cluster's life; its process id.

    Args:
        name: of the running cluster.
        state_root: where its files are; None: the user's cache.
        bin_folder: where the program lies; None: the toolchain finds or builds it.

    Raises:
        EnvironmentMissingError: the cluster does not run, or the controller does not start.
    """
    install_custom_kinds(name, state_root=state_root)
    folder = StateFolder.of(name, state_root)
    record = folder.read_record()
    assert record is not None  # install_custom_kinds has refused that
    program = (bin_folder or toolchain.ensure([PROGRAM]).bin_folder) / PROGRAM
    own = folder.path / PROGRAM
    webhook_port, health_port = find_free_ports(2)
    log = own / "log"
    _write_files(own, folder.pki_folder, webhook_port, health_port)
    pid = _spawn(program, own, folder, log)
    with KubernetesApi(record.api_port, folder.pki_folder, timeout_s=60) as api:
        _wait(pid, health_port, webhook_port, log)
        for kind, body in build_webhooks(webhook_port, (folder.pki_folder / "ca.crt").read_bytes()).items():
            if not api.create(f"{_ADMISSION}/{kind}", body):
                api.merge(f"{_ADMISSION}/{kind}/{PROGRAM}", body)
    return pid


def build_webhooks(port: int, authority: bytes) -> dict[str, dict[str, Any]]:
    """Collection to configuration, as in the module's ``config/webhook/manifests.yaml`` (v0.8.0), at 127.0.0.1.

    Pods are sent only when they are of a group: the others must not wait for this process.
    """

    def webhook(name: str, path: str, rule: dict[str, Any], *operations: str, is_pod: bool = False) -> dict[str, Any]:
        bundle = base64.b64encode(authority).decode()
        return {
            "name": name,
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": f"https://{LOOPBACK}:{port}/{path}", "caBundle": bundle},
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "rules": [{**rule, "operations": list(operations)}],
            **({"objectSelector": _OF_A_GROUP} if is_pod else {}),
        }

    group = "leaderworkerset-x-k8s-io-v1-leaderworkerset"
    both = ("CREATE", "UPDATE")
    mutating = [
        webhook("mleaderworkerset.kb.io", f"mutate-{group}", _GROUPS, *both),
        webhook("mpod.kb.io", "mutate--v1-pod", _PODS, "CREATE", is_pod=True),
    ]
    validating = [
        webhook("vleaderworkerset.kb.io", f"validate-{group}", _GROUPS, *both),
        webhook("vpod.kb.io", "validate--v1-pod", _PODS, *both, is_pod=True),
    ]
    return {
        "mutatingwebhookconfigurations": _configuration("MutatingWebhookConfiguration", mutating),
        "validatingwebhookconfigurations": _configuration("ValidatingWebhookConfiguration", validating),
    }


def _configuration(kind: str, webhooks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": PROGRAM},
        "webhooks": webhooks,
    }


def _write_files(own: Path, pki: Path, webhook_port: int, health_port: int) -> None:
    own.mkdir(mode=0o700, exist_ok=True)
    for source, target in (("admin.crt", "tls.crt"), ("admin.key", "tls.key")):
        shutil.copy(pki / source, own / target)
    configuration = {
        "apiVersion": "config.lws.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "internalCertManagement": {"enable": False},
        "leaderElection": {"leaderElect": False},
        "metrics": {"bindAddress": "0"},
        "health": {"healthProbeBindAddress": f"{LOOPBACK}:{health_port}"},
        "webhook": {"host": LOOPBACK, "port": webhook_port, "certDir": str(own)},
    }
    write_atomically(own / "config.yaml", yaml.safe_dump(configuration))


def _spawn(program: Path, own: Path, folder: StateFolder, log: Path) -> int:
    """Its process id; the shell between makes it nobody's child, so that it outlives us as the other programs do."""
    environment = {**os.environ, STATE_VARIABLE: str(folder.path), "KUBECONFIG": str(folder.kubeconfig)}
    arguments = ["--config", str(own / "config.yaml"), "--zap-devel=false"]
    started = subprocess.run(
        ["/bin/sh", "-c", 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!', "sh", log, program, *arguments],
        env=environment,
        cwd=own,
        capture_output=True,
        start_new_session=True,
        check=True,
    )
    return int(started.stdout)


def _wait(pid: int, health_port: int, webhook_port: int, log: Path) -> None:
    """Until it says that it is healthy and its webhooks listen."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while is_running(pid) and time.monotonic() < deadline:
        if is_taken(webhook_port) and is_taken(health_port):
            return
        time.sleep(0.1)
    lines = log.read_text(errors="replace").splitlines()
    raise EnvironmentMissingError(
        "the controller of LeaderWorkerSet did not start",
        where=str(log),
        found=lines[-1][:300] if lines else "nothing in its log",
        mend="qwen-infra local down, then qwen-infra local up",
    )
