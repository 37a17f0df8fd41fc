"""Model-server pods as the agent reads them."""

import base64
from typing import Any

import pytest

from qwen_infra.local.agent.pods import (
    MissingReferenceError,
    ServerPod,
    expand,
    find_download_pod,
    find_server_pod,
    find_verification_pod,
    resolve_environment,
)


def make_pod(status: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    main = {"name": "vllm", "command": ["vllm", "serve", "/m"], **container}
    return {
        "metadata": {"uid": "u", "name": "p", "namespace": "n"},
        "spec": {"nodeName": "node", "containers": [main]},
        "status": {"phase": "Pending", "podIP": "10.244.0.1"} if status is None else status,
    }


def find(pod: dict[str, Any]) -> ServerPod:
    found = find_server_pod(pod)
    assert found is not None
    return found


class Objects:
    """Stands in for the API server: the answers to reads, by path."""

    def __init__(self, **secrets: dict[str, str]) -> None:
        encoded = {
            name: {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
            for name, data in secrets.items()
        }
        self.found = {f"/api/v1/namespaces/n/secrets/{name}": {"data": data} for name, data in encoded.items()}

    def read(self, path: str) -> Any:
        return self.found.get(path)


def resolve(pod: dict[str, Any], objects: Objects) -> dict[str, str]:
    return resolve_environment(find(pod), objects)  # type: ignore[arg-type]


def from_secret(name: str, **reference: Any) -> dict[str, Any]:
    return {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": name, "key": "api-key", **reference}}}


@pytest.mark.parametrize(
    "container",
    [
        {"command": ["vllm", "serve", "/m"]},
        {"command": ["vllm", "serve"], "args": ["/m"]},
        {"command": ["vllm"], "args": ["serve", "/m"]},
    ],
)
def test_command_and_args_are_read_together(container: dict[str, Any]):
    assert find(make_pod(**container)).command == ("vllm", "serve", "/m")


@pytest.mark.parametrize("command", [["vllm", "bench", "serve"], ["python3"], []])
def test_other_containers_are_no_model_servers(command: list[str]):
    assert find_server_pod(make_pod(command=command)) is None


DOWNLOAD = ["python3", "/opt/qwen-infra/download/download.py", "Qwen/Qwen3.5-4B"]


def test_a_pod_that_runs_the_downloader_is_the_agents():
    found = find_download_pod(make_pod(command=DOWNLOAD))
    assert found is not None
    assert found.command == tuple(DOWNLOAD)


@pytest.mark.parametrize("command", [["python3"], ["python3", "-c", "1"], ["vllm", "serve"], ["sh", "/x/download.py"]])
def test_other_pods_are_no_downloads(command: list[str]):
    assert find_download_pod(make_pod(command=command)) is None


VERIFY = ["python3", "/opt/qwen-infra/verification/verify.pyz", "--url", "http://s.n.svc:8000"]


def test_a_pod_that_runs_the_scheduled_verification_is_the_agents():
    found = find_verification_pod(make_pod(command=VERIFY))
    assert found is not None
    assert found.command == tuple(VERIFY)
    assert find_download_pod(make_pod(command=VERIFY)) is None
    assert find_verification_pod(make_pod(command=DOWNLOAD)) is None


def test_the_download_before_a_server_starts_is_found():
    pod = make_pod()
    pod["spec"]["initContainers"] = [{"name": "other", "command": ["sh"]}, {"name": "download", "command": DOWNLOAD}]
    download = find(pod).download
    assert download is not None
    assert download.container_spec["name"] == "download"


@pytest.mark.parametrize("status", [{}, {"phase": "Pending"}, {"phase": "Failed", "podIP": "10.244.0.1"}])
def test_pods_that_no_node_accepted_or_that_ended_are_left_alone(status: dict[str, Any]):
    assert find_server_pod(make_pod(status)) is None


def test_a_pod_that_is_being_deleted_is_left_alone():
    pod = make_pod()
    pod["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z"
    assert find_server_pod(pod) is None


def test_the_key_is_read_from_its_secret():
    pod = make_pod(env=[from_secret("key")])
    assert resolve(pod, Objects(key={"api-key": "sk-a"})) == {"VLLM_API_KEY": "sk-a"}


def test_a_missing_secret_is_named():
    with pytest.raises(MissingReferenceError, match='secret "key" not found'):
        resolve(make_pod(env=[from_secret("key")]), Objects())


def test_a_missing_key_of_a_secret_is_named():
    with pytest.raises(MissingReferenceError, match="couldn't find key api-key in secret n/key"):
        resolve(make_pod(env=[from_secret("key")]), Objects(key={"other": "x"}))


def test_an_optional_secret_may_be_missing():
    assert resolve(make_pod(env=[from_secret("key", optional=True)]), Objects()) == {}


def test_variables_may_use_earlier_ones():
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(UNKNOWN)-$$(A)"}]
    assert resolve(make_pod(env=env), Objects())["B"] == "1-$(UNKNOWN)-$(A)"


def test_whole_secrets_are_read_with_their_prefix():
    pod = make_pod(envFrom=[{"prefix": "P_", "secretRef": {"name": "all"}}])
    assert resolve(pod, Objects(all={"A": "1", "B": "2"})) == {"P_A": "1", "P_B": "2"}


def test_fields_of_the_pod_are_read():
    pod = make_pod(env=[{"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}])
    assert resolve(pod, Objects()) == {"NAME": "p"}


def test_the_startup_probe_gives_its_period_times_its_threshold():
    pod = find(make_pod(startupProbe={"httpGet": {"path": "/health"}, "periodSeconds": 10, "failureThreshold": 90}))
    assert pod.startup is not None
    assert pod.startup.budget_s == 900


def test_dollar_signs_can_be_written():
    assert expand("$$(A)", {"A": "1"}) == "$(A)"
