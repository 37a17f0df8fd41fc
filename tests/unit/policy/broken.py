"""For each rule, changes to good manifests that break it; shared with the tests of the CrossGuard pack."""

from collections.abc import Callable
from typing import Any

Objects = list[dict[str, Any]]
Break = Callable[[Objects], None]


def deployment(objects: Objects) -> dict[str, Any]:
    return next(item for item in objects if item["kind"] == "Deployment")


def pod(objects: Objects) -> dict[str, Any]:
    spec: dict[str, Any] = deployment(objects)["spec"]["template"]["spec"]
    return spec


def container(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = pod(objects)["containers"][0]
    return found


def set_flag(objects: Objects, flag: str, value: str) -> None:
    command = container(objects)["command"]
    command[command.index(flag) + 1] = value


def remove_flag(objects: Objects, flag: str) -> None:
    command = container(objects)["command"]
    at = command.index(flag)
    del command[at : at + 2]


def pack_copies(objects: Objects) -> None:
    """Two copies that nothing keeps on different nodes."""
    deployment(objects)["spec"]["replicas"] = 2
    del pod(objects)["topologySpreadConstraints"]


def key_variable(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in container(objects)["env"] if item["name"] == "VLLM_API_KEY")
    return found


def shm(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in pod(objects)["volumes"] if item["name"] == "shm")["emptyDir"]
    return found


def shm_mount(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in container(objects)["volumeMounts"] if item["mountPath"] == "/dev/shm")
    return found


def _image(value: str) -> Break:
    return lambda objects: container(objects).update(image=value)


def _clear_key(objects: Objects) -> None:
    variable = key_variable(objects)
    del variable["valueFrom"]
    variable["value"] = "sk-in-the-clear"


def _revision(objects: Objects) -> None:
    for meta in (deployment(objects)["metadata"], deployment(objects)["spec"]["template"]["metadata"]):
        meta["annotations"]["qwen-infra.dev/model-revision"] = "main"


BROKEN: dict[str, list[Break]] = {
    "image-tag": [
        _image("vllm/vllm-openai:latest"),
        _image("vllm/vllm-openai:nightly-abc"),
        _image("vllm/vllm-openai"),
        _image("registry.example.com:5000/vllm"),
    ],
    "image-digest": [_image("vllm/vllm-openai:v0.32.0")],
    "model-revision": [_revision],
    "licence": [],
    "key-from-secret": [
        _clear_key,
        lambda objects: container(objects)["command"].extend(["--api-key", "x"]),
        lambda objects: container(objects)["env"].remove(key_variable(objects)),
    ],
    "host-namespaces": [
        lambda objects: pod(objects).update(hostNetwork=True),
        lambda objects: pod(objects).update(hostPID=True),
        lambda objects: pod(objects).update(hostIPC=True),
    ],
    "network-policy": [
        lambda objects: objects.remove(next(item for item in objects if item["kind"] == "NetworkPolicy")),
    ],
    "shared-memory": [
        lambda objects: shm(objects).pop("sizeLimit"),
        lambda objects: shm(objects).pop("medium"),
        lambda objects: shm(objects).update(sizeLimit="900Gi"),
        lambda objects: container(objects)["volumeMounts"].remove(shm_mount(objects)),
    ],
    "resources": [
        lambda objects: container(objects)["resources"]["limits"].pop("memory"),
        lambda objects: container(objects)["resources"]["requests"].pop("cpu"),
    ],
    "gpu-requests": [
        lambda objects: container(objects)["resources"]["requests"].update({"nvidia.com/gpu": "2"}),
        lambda objects: container(objects)["resources"]["requests"].pop("nvidia.com/gpu"),
    ],
    "gpu-count": [
        lambda objects: set_flag(objects, "--tensor-parallel-size", "2"),
        lambda objects: container(objects)["command"].extend(["--pipeline-parallel-size", "2"]),
        lambda objects: container(objects)["command"].extend(["--data-parallel-size", "2"]),
    ],
    "tensor-parallel-size": [lambda objects: set_flag(objects, "--tensor-parallel-size", "3")],
    "startup-budget": [
        lambda objects: container(objects).pop("startupProbe"),
        lambda objects: container(objects)["startupProbe"].update(failureThreshold=1),
        lambda objects: deployment(objects)["spec"].update(progressDeadlineSeconds=10),
    ],
    "drain-order": [
        lambda objects: pod(objects).update(terminationGracePeriodSeconds=10),
        lambda objects: container(objects).pop("lifecycle"),
        lambda objects: remove_flag(objects, "--shutdown-timeout"),
    ],
    "replicas-spread": [pack_copies],
}
"""Rule to what breaks it; ``licence`` depends on an option and has a test of its own."""
