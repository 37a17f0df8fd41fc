"""The local cluster as a whole: real control plane, simulated nodes, simulated servers behind the pods."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from qwen_infra import local, toolchain
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.local.agent_process import import_path
from qwen_infra.local.configuration import read_ports
from qwen_infra.local.kwokctl import PROGRAMS
from qwen_infra.local.processes import find_marked
from tests.integration.cluster_objects import (
    CREATING,
    KEY,
    Kubectl,
    is_condition_true,
    make_secret,
    plain_pod,
    server_deployment,
    wait_for,
)


def listen(port: int) -> socket.socket | None:
    """Take a port of this machine as another program would; None while it is taken already."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError:
        return None


def find_listeners(pids: list[int]) -> set[str]:
    """Local addresses in hexadecimal, as in /proc/net/tcp, on which one of the processes listens."""
    inodes = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(str(entry.readlink()))
            except FileNotFoundError:
                continue
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}


@pytest.fixture(scope="module")
def bin_folder() -> Path:
    return toolchain.ensure(list(PROGRAMS)).bin_folder


@pytest.fixture(scope="module")
def state_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("clusters")
    yield root
    for name in ("first", "second"):
        local.down(name, state_root=root)


@pytest.fixture(scope="module")
def cluster(bin_folder: Path, state_root: Path) -> local.LocalCluster:
    local.configure_simulator("first", {"profile": "instant"}, state_root=state_root)
    return local.up("first", server="simulator", bin_folder=bin_folder, state_root=state_root)


@pytest.fixture(scope="module")
def second_cluster(cluster: local.LocalCluster, bin_folder: Path, state_root: Path) -> local.LocalCluster:
    """A cluster without servers, made after an ``up`` of the same name was killed half-way."""
    folder = state_root / "second"
    program = (
        "import sys, pathlib; from qwen_infra import local; "
        "local.up('second', profile='cpu', server='none', bin_folder=pathlib.Path(sys.argv[1]), "
        "state_root=pathlib.Path(sys.argv[2]))"
    )
    crashing = subprocess.Popen(
        [sys.executable, "-c", program, str(bin_folder), str(state_root)],
        env={**os.environ, "PYTHONPATH": import_path()},
    )
    with crashing:
        wait_for("the first process of the second cluster", lambda: find_marked(folder))
        crashing.kill()
    return local.up("second", profile="cpu", server="none", bin_folder=bin_folder, state_root=state_root)


@pytest.fixture(scope="module")
def kubectl(cluster: local.LocalCluster) -> Kubectl:
    return Kubectl(cluster)


@pytest.fixture(scope="module")
def server(kubectl: Kubectl) -> str:
    """The name of a Deployment whose pod serves; also of its Secret."""
    kubectl.apply(make_secret("serving"))
    kubectl.apply(server_deployment("serving", "serving"))
    kubectl("rollout", "status", "deployment/serving", "--timeout=240s")
    return "serving"


def test_the_gb200_profile_is_the_reference_machine(cluster: local.LocalCluster, kubectl: Kubectl):
    node = kubectl.read("node", "gb200-pod2-f06-node05")
    labels = node["metadata"]["labels"]
    assert labels["nvidia.com/gpu.product"] == "NVIDIA-GB200"
    assert labels["nvidia.com/gpu.memory"] == "189471"
    assert labels["kubernetes.io/arch"] == "arm64"
    assert labels["qwen-infra.dev/simulated"] == "true"
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "4"


def test_the_kubeconfig_has_a_context_of_its_own(cluster: local.LocalCluster, kubectl: Kubectl):
    assert cluster.context == "qwen-infra-first"
    assert kubectl("config", "current-context").strip() == "qwen-infra-first"


def test_a_second_up_of_a_running_cluster_starts_nothing(
    cluster: local.LocalCluster, bin_folder: Path, state_root: Path
):
    before = set(find_marked(cluster.state_folder))
    again = local.up("first", server="simulator", bin_folder=bin_folder, state_root=state_root)
    assert again == cluster
    assert set(find_marked(cluster.state_folder)) == before


def test_a_running_cluster_is_not_turned_into_another_profile(
    cluster: local.LocalCluster, bin_folder: Path, state_root: Path
):
    with pytest.raises(ConfigurationError, match="another profile"):
        local.up("first", profile="H100:2", server="simulator", bin_folder=bin_folder, state_root=state_root)


def test_a_claim_is_bound_by_the_default_storage_class(kubectl: Kubectl):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    kubectl.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "models"}, "spec": spec})
    wait_for("binding", lambda: kubectl.read("pvc", "models")["status"]["phase"] == "Bound")


def test_a_pod_that_asks_for_more_gpus_than_a_node_has_is_refused_by_the_scheduler(kubectl: Kubectl):
    kubectl.apply(plain_pod("greedy", resources={"limits": {"nvidia.com/gpu": "8"}}))

    def read_message() -> str:
        conditions = kubectl.read("pod", "greedy")["status"].get("conditions", [])
        return next((c["message"] for c in conditions if c["type"] == "PodScheduled" and "message" in c), "")

    assert "Insufficient nvidia.com/gpu" in wait_for("a verdict of the scheduler", read_message)


def test_other_pods_become_ready_without_a_server(kubectl: Kubectl):
    kubectl.apply(plain_pod("plain"))
    wait_for("readiness", lambda: is_condition_true(kubectl.read("pod", "plain"), "Ready"))


def test_logs_of_a_pod_without_a_server_say_that_nothing_runs(kubectl: Kubectl):
    kubectl.apply(plain_pod("silent"))
    wait_for("readiness", lambda: is_condition_true(kubectl.read("pod", "silent"), "Ready"))
    wait_for("the stand-in log", lambda: "its node is simulated" in kubectl.try_logs("silent"))


def test_a_job_completes(kubectl: Kubectl):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}}
    kubectl.apply(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"}, "spec": {"template": template}}
    )
    kubectl("wait", "--for=condition=Complete", "job/job", "--timeout=240s")


def test_a_server_is_reached_through_its_service_with_the_key_of_its_secret(kubectl: Kubectl, server: str):
    kubectl("expose", f"deployment/{server}", "--port=9000", "--target-port=http")
    body = {"model": "qwen3.5", "messages": [{"role": "user", "content": "What is 17 + 25?"}]}
    with kubectl.forward(f"service/{server}", 9000) as url:
        answer = httpx.post(
            f"{url}/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=120
        )
    assert "42" in answer.json()["choices"][0]["message"]["content"]


def test_a_server_refuses_requests_without_the_key(kubectl: Kubectl, server: str):
    with kubectl.forward(f"deployment/{server}", 8000) as url:
        assert httpx.get(f"{url}/v1/models", timeout=120).status_code == 401


def test_a_server_takes_its_name_and_context_from_the_pod(kubectl: Kubectl, server: str):
    with kubectl.forward(f"deployment/{server}", 8000) as url:
        models = httpx.get(f"{url}/v1/models", headers={"Authorization": f"Bearer {KEY}"}, timeout=120).json()
    assert [(model["id"], model["max_model_len"]) for model in models["data"]] == [("qwen3.5", 262144)]


def test_kubectl_logs_shows_the_servers_own_output(kubectl: Kubectl, server: str):
    wait_for("the server's log", lambda: "simulation of vLLM" in kubectl.try_logs(f"deployment/{server}"))


def test_faults_reach_running_servers_and_end_again(cluster: local.LocalCluster, kubectl: Kubectl, server: str):
    root = cluster.state_folder.parent
    headers = {"Authorization": f"Bearer {KEY}"}
    body = {"model": "qwen3.5", "messages": [{"role": "user", "content": "Hello"}]}
    with kubectl.forward(f"deployment/{server}", 8000) as url, httpx.Client(base_url=url, headers=headers) as client:
        assert local.set_faults("first", ["server-error"], state_root=root) >= 1
        failed = client.post("/v1/chat/completions", json=body, timeout=120).status_code
        local.set_faults("first", [], state_root=root)
        mended = client.post("/v1/chat/completions", json=body, timeout=120).status_code
    assert (failed, mended) == (500, 200)


def test_a_pod_waits_for_its_secret_and_says_so(kubectl: Kubectl):
    kubectl.apply(server_deployment("keyless", "absent"))

    def read_waiting() -> Any:
        pods = kubectl.read("pods", "-l", "app=keyless")["items"]
        statuses = [status for pod in pods for status in pod["status"].get("containerStatuses", [])]
        return next((s["state"]["waiting"] for s in statuses if s["state"]["waiting"]["reason"] != CREATING), None)

    waiting = wait_for("the verdict on the pod", read_waiting)
    kubectl.apply(make_secret("absent"))
    kubectl("rollout", "status", "deployment/keyless", "--timeout=240s")
    kubectl("delete", "deployment", "keyless")
    assert waiting == {"reason": "CreateContainerConfigError", "message": 'secret "absent" not found'}


def test_a_killed_server_leaves_the_pod_not_ready_in_crash_loop_back_off(cluster: local.LocalCluster, kubectl: Kubectl):
    root = cluster.state_folder.parent
    kubectl.apply(make_secret("doomed"))
    kubectl.apply(server_deployment("doomed", "doomed"))
    kubectl("rollout", "status", "deployment/doomed", "--timeout=240s")
    record = next(s for s in local.status("first", state_root=root)[0].servers if s.pod.startswith("doomed"))
    assert record.pid is not None
    os.kill(record.pid, signal.SIGKILL)

    def read_crashed() -> Any:
        pod = kubectl.read("pod", record.pod)
        container = pod["status"]["containerStatuses"][0]
        return (pod, container) if "waiting" in container["state"] else None

    pod, container = wait_for("the crash", read_crashed)
    kubectl("delete", "deployment", "doomed")
    assert not is_condition_true(pod, "Ready")
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["lastState"]["terminated"]["exitCode"] == 137


def test_deleting_a_pod_ends_its_server_and_removes_its_objects(cluster: local.LocalCluster, kubectl: Kubectl):
    kubectl.apply(make_secret("brief"))
    kubectl.apply(server_deployment("brief", "brief"))
    kubectl("rollout", "status", "deployment/brief", "--timeout=240s")
    root = cluster.state_folder.parent

    def find_server() -> Any:
        return next((s for s in local.status("first", state_root=root)[0].servers if s.pod.startswith("brief")), None)

    record = find_server()
    kubectl("delete", "deployment", "brief")
    wait_for("the end of the server", lambda: find_server() is None)
    assert record.pid not in find_marked(cluster.state_folder)
    names = [item["metadata"]["name"] for item in kubectl.read("portforwards.kwok.x-k8s.io")["items"]]
    assert record.pod not in names


def test_servers_of_a_killed_agent_are_ended_and_replaced_by_the_next_up(
    cluster: local.LocalCluster, server: str, bin_folder: Path, state_root: Path
):
    def read_pids() -> dict[str, int | None]:
        return {s.pod: s.pid for s in local.status("first", state_root=state_root)[0].servers if s.state == "ready"}

    before = read_pids()
    os.kill(int((cluster.state_folder / "agent.pid").read_text()), signal.SIGKILL)
    wait_for("the end of the agent", lambda: not local.status("first", state_root=state_root)[0].agent_running)
    local.up("first", server="simulator", bin_folder=bin_folder, state_root=state_root)
    wait_for("the next servers", lambda: read_pids().keys() == before.keys())
    assert not set(before.values()) & set(find_marked(cluster.state_folder))


def test_every_process_listens_on_loopback_only(cluster: local.LocalCluster, server: str):
    listeners = find_listeners(find_marked(cluster.state_folder))
    assert listeners == {"0100007F"}  # 127.0.0.1, little-endian


def test_a_killed_up_can_be_repeated_and_clusters_live_side_by_side(
    cluster: local.LocalCluster, second_cluster: local.LocalCluster
):
    found = {one.name: (one.healthy, len(one.nodes)) for one in local.status(state_root=cluster.state_folder.parent)}
    assert found == {"first": (True, 1), "second": (True, 1)}


def test_a_cluster_whose_etcd_died_comes_back_with_its_objects(
    second_cluster: local.LocalCluster, bin_folder: Path, state_root: Path
):
    kubectl = Kubectl(second_cluster)
    kubectl("create", "configmap", "kept")
    pid = int((second_cluster.state_folder / "kwok/clusters/second/pids/etcd.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    wait_for("the end of etcd", lambda: pid not in find_marked(second_cluster.state_folder))
    local.up("second", profile="cpu", server="none", bin_folder=bin_folder, state_root=state_root)
    assert kubectl.read("configmap", "kept")["metadata"]["name"] == "kept"


def test_a_port_that_another_program_took_is_named_and_the_cluster_comes_back_once_it_is_free(
    second_cluster: local.LocalCluster, bin_folder: Path, state_root: Path
):
    folder = second_cluster.state_folder
    pid = int((folder / "kwok/clusters/second/pids/etcd.pid").read_text())
    port = read_ports((folder / "kwokctl.yaml").read_text()).etcd
    os.kill(pid, signal.SIGKILL)
    taken = wait_for("the end of etcd", lambda: listen(port))
    with taken, pytest.raises(EnvironmentMissingError) as told:
        local.up("second", profile="cpu", server="none", bin_folder=bin_folder, state_root=state_root)
    assert f"127.0.0.1:{port} (etcd)" in str(told.value)
    assert "qwen-infra local down --name second" in str(told.value)
    local.up("second", profile="cpu", server="none", bin_folder=bin_folder, state_root=state_root)
    assert local.status("second", state_root=state_root)[0].healthy


def test_down_leaves_no_process_and_no_file_and_spares_other_clusters(
    cluster: local.LocalCluster, second_cluster: local.LocalCluster, state_root: Path
):
    assert local.down("second", state_root=state_root)
    assert find_marked(second_cluster.state_folder) == []
    assert [path.name for path in state_root.iterdir()] == ["first"]
    assert local.status("first", state_root=state_root)[0].healthy


def test_down_of_nothing_says_so(tmp_path: Path):
    assert local.down("never-made", state_root=tmp_path) is False
