"""How weights get to where the server reads them, for each kind of storage."""

from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.manifests import decide_names, render_objects
from qwen_infra.manifests.benchmark import build_benchmark_job
from qwen_infra.planning import DeploymentPlan, make_plan
from qwen_infra.settings import load_settings

COMMIT = "a" * 40


def plan_of(cache: dict[str, Any], *, benchmark: dict[str, Any] | None = None, **server: Any) -> DeploymentPlan:
    config = {
        "qwen-infra:cluster": {"identifier": "test"},
        "qwen-infra:model": {"name": "Qwen3.5-4B", "precision": "bf16", "revision": COMMIT},
        "qwen-infra:server": {"gpu": "GB200", "maxModelLen": 32768, **server},
        "qwen-infra:cache": cache,
        **({"qwen-infra:benchmark": benchmark} if benchmark else {}),
    }
    return make_plan(load_settings(config))


def render(cache: dict[str, Any], **server: Any) -> dict[str, list[dict[str, Any]]]:
    """Objects by kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in render_objects(plan_of(cache, **server)):
        found.setdefault(item["kind"], []).append(item)
    return found


def pod_of(item: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = item["spec"]["template"]["spec"]
    return spec


def volume(pod: dict[str, Any], name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [item for item in pod["volumes"] if item["name"] == name]
    assert len(found) == 1
    return found[0]


def mount(pod: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [item for item in pod["containers"][0]["volumeMounts"] if item["name"] == name]


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container["env"]}


def test_each_node_gets_a_job_and_the_server_runs_on_one_of_them() -> None:
    found = render({"kind": "hostPath", "path": "/data", "nodes": ["one", "two"]})
    assert [pod_of(job)["nodeSelector"]["kubernetes.io/hostname"] for job in found["Job"]] == ["one", "two"]
    assert len({job["metadata"]["name"] for job in found["Job"]}) == 2
    affinity = pod_of(found["Deployment"][0])["affinity"]["nodeAffinity"]
    (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["one", "two"]


def test_the_server_reads_the_revisions_own_folder_of_the_node() -> None:
    pod = pod_of(render({"kind": "hostPath", "path": "/data"}, node="one")["Deployment"][0])
    assert volume(pod, "model")["hostPath"] == {"path": f"/data/Qwen/Qwen3.5-4B/{COMMIT}", "type": "Directory"}
    assert mount(pod, "model")[0]["readOnly"] is True


def test_a_server_on_a_node_without_the_weights_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        render({"nodes": ["one"]}, node="two")
    assert caught.value.where == "qwen-infra:cache.nodes"


def test_a_claim_is_made_with_room_for_two_revisions_and_not_awaited() -> None:
    (claim,) = render({"kind": "pvc", "storageClass": "fast"})["PersistentVolumeClaim"]
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    size = int(claim["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
    assert 2 * 9.3 / 1.074 * 1.05 <= size <= 2 * 9.4 + 6
    assert claim["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"


def test_job_and_server_use_the_claim_each_its_own_way() -> None:
    found = render({"kind": "pvc"})
    (claim,) = found["PersistentVolumeClaim"]
    job, server = pod_of(found["Job"][0]), pod_of(found["Deployment"][0])
    assert volume(job, "storage")["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    assert volume(server, "model")["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    weights, kernels = mount(server, "model")
    assert (weights["readOnly"], weights["subPath"]) == (True, f"Qwen/Qwen3.5-4B/{COMMIT}")
    assert kernels["subPath"].startswith(".compiled-kernels/")


@pytest.mark.parametrize(("gpu", "image"), [("GB200", "vllm-openai-"), ("MI300X", "vllm-openai-rocm-")])
def test_the_folder_of_compiled_kernels_is_named_by_the_image_that_runs(gpu: str, image: str) -> None:
    folder = plan_of({"kind": "pvc"}, gpu=gpu).cache.kernels_folder
    assert folder.startswith(f".compiled-kernels/{image}v0.32.0-{gpu.lower()}-tp1-")


@pytest.mark.parametrize(
    ("server", "who"),
    [
        ({"replicas": 2}, "2 replicas"),
        ({"rollout": "surge"}, "the old and the new pod of an update"),
        ({"rollout": "blueGreen"}, "two generations"),
    ],
)
def test_several_pods_on_a_claim_for_one_node_are_refused(server: dict[str, Any], who: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{who} .*serves one"):
        render({"kind": "pvc", "accessMode": "ReadWriteOnce"}, **server)


def test_on_one_named_node_a_claim_for_one_node_serves_them_all() -> None:
    assert render({"kind": "pvc", "accessMode": "ReadWriteOnce"}, node="n0", rollout="surge")


def test_an_existing_claim_is_read_only_and_kernels_stay_in_the_pod() -> None:
    server = pod_of(render({"kind": "existingClaim", "claimName": "mine"})["Deployment"][0])
    assert volume(server, "model")["persistentVolumeClaim"] == {"claimName": "mine", "readOnly": True}
    assert volume(server, "kernels") == {"name": "kernels", "emptyDir": {}}


def test_without_storage_each_pod_downloads_before_it_starts() -> None:
    found = render({"kind": "none", "hubToken": {"secretName": "hub"}})
    assert "Job" not in found
    pod = pod_of(found["Deployment"][0])
    (init,) = pod["initContainers"]
    assert init["command"][-2:] == ["--result", "/dev/termination-log"]
    assert "--to" in init["command"]
    assert "emptyDir" in volume(pod, "model")
    assert "HF_TOKEN" in environment(init)
    assert "HF_TOKEN" not in environment(pod["containers"][0])
    assert found["Deployment"][0]["spec"]["progressDeadlineSeconds"] > 240 * 60


def test_the_hub_token_is_in_the_job_only() -> None:
    found = render({"hubToken": {"secretName": "hub", "key": "token"}})
    token = environment(pod_of(found["Job"][0])["containers"][0])["HF_TOKEN"]
    assert token == {"secretKeyRef": {"name": "hub", "key": "token"}}
    server = environment(pod_of(found["Deployment"][0])["containers"][0])
    assert "HF_TOKEN" not in server
    assert server["HF_HUB_OFFLINE"] == "1"


def test_mirror_proxy_and_certificates_reach_the_job() -> None:
    cache = {
        "hubEndpoint": "https://mirror",
        "proxy": {"https": "http://proxy:3128", "exceptFor": "mirror"},
        "certificates": {"configMapName": "ca"},
    }
    pod = pod_of(render(cache)["Job"][0])
    found = environment(pod["containers"][0])
    assert (found["HF_ENDPOINT"], found["HTTPS_PROXY"], found["NO_PROXY"]) == (
        "https://mirror",
        "http://proxy:3128",
        "mirror",
    )
    assert found["SSL_CERT_FILE"] == f"{mount(pod, 'certificates')[0]['mountPath']}/ca.crt"


def test_the_job_fails_at_once_on_what_no_retry_can_mend() -> None:
    spec = render({})["Job"][0]["spec"]
    ignore, fail = spec["podFailurePolicy"]["rules"]
    assert ignore == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}
    assert fail["onExitCodes"]["values"] == [2, 10, 11, 12, 13, 15, 16]
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert spec["template"]["spec"]["automountServiceAccountToken"] is False


def test_patterns_and_revisions_reach_the_command() -> None:
    command = pod_of(render({"ignorePatterns": ["original/"], "keepRevisions": 3})["Job"][0])["containers"][0][
        "command"
    ]
    assert command[command.index("--ignore") + 1] == "original/"
    assert command[command.index("--keep-revisions") + 1] == "3"


def test_weights_that_are_there_already_are_read_where_people_put_them() -> None:
    found = render({"kind": "hostPath", "path": "/data", "download": False})
    assert "Job" not in found
    assert volume(pod_of(found["Deployment"][0]), "model")["hostPath"]["path"] == "/data/Qwen/Qwen3.5-4B"


def kernels_path(**server: Any) -> str:
    pod = pod_of(render({"kind": "hostPath"}, **{"runAsUser": 0, **server})["Deployment"][0])
    path: str = volume(pod, "kernels")["hostPath"]["path"]
    return path


def test_compiled_kernels_have_a_folder_for_each_image_gpu_and_degree() -> None:
    first = kernels_path()
    assert first == kernels_path()
    assert len({first, kernels_path(image="vllm/vllm-openai:v0.31.0"), kernels_path(gpu="H200"),
                kernels_path(tensorParallelSize=2)}) == 4  # fmt: skip


def test_the_download_makes_the_folder_of_kernels_on_a_node_for_the_servers_user() -> None:
    found = render({"kind": "hostPath", "path": "/data"})
    (loader,) = pod_of(found["Job"][0])["containers"]
    command = loader["command"]
    assert pod_of(found["Job"][0])["securityContext"]["runAsUser"] == 0
    assert "CHOWN" in loader["securityContext"]["capabilities"]["add"]
    assert command[command.index("--kernels-owner") + 1] == "2000"
    folder = command[command.index("--kernels") + 1].removeprefix("/models/")
    read = volume(pod_of(found["Deployment"][0]), "kernels")["hostPath"]
    assert read == {"path": f"/data/{folder}", "type": "Directory"}


def test_a_server_of_root_gets_the_folder_back_that_was_another_users() -> None:
    command = pod_of(render({"kind": "hostPath"}, runAsUser=0)["Job"][0])["containers"][0]["command"]
    assert command[command.index("--kernels-owner") + 1] == "0"


def test_the_download_into_a_claim_makes_the_folder_of_kernels_as_the_servers_user() -> None:
    (loader,) = pod_of(render({"kind": "pvc"})["Job"][0])["containers"]
    assert "--kernels" in loader["command"]
    assert "--kernels-owner" not in loader["command"]
    assert "add" not in loader["securityContext"]["capabilities"]


def test_kernels_of_a_server_without_root_stay_in_its_pod_where_nothing_is_downloaded() -> None:
    pod = pod_of(render({"kind": "hostPath", "download": False})["Deployment"][0])
    assert volume(pod, "kernels") == {"name": "kernels", "emptyDir": {}}
    with pytest.raises(ConfigurationError, match="without a download nobody makes a folder that it may write"):
        render({"kind": "hostPath", "download": False, "compiledKernels": "volume"})


@pytest.mark.parametrize(
    ("cache", "sub_path"),
    [
        ({"kind": "hostPath"}, None),
        ({"kind": "pvc"}, f"Qwen/Qwen3.5-4B/{COMMIT}"),
        ({"kind": "existingClaim", "claimName": "models"}, f"Qwen/Qwen3.5-4B/{COMMIT}"),
    ],
)
def test_the_benchmarks_job_reads_the_revision_that_the_server_reads(
    cache: dict[str, Any], sub_path: str | None
) -> None:
    plan = plan_of(cache)
    job = pod_of(build_benchmark_job(plan, decide_names(plan), ["vllm"], timeout_s=60))
    server = pod_of(render(cache)["Deployment"][0])
    assert volume(job, "model") == volume(server, "model")
    assert mount(job, "model")[0] == mount(server, "model")[0]
    assert mount(job, "model")[0].get("subPath") == sub_path


def test_the_benchmarks_job_needs_weights_that_pods_share() -> None:
    with pytest.raises(ConfigurationError, match="each server pod has its own"):
        plan_of({"kind": "none"}, benchmark={"runner": "job"})


def test_every_compiler_of_kernels_is_led_to_the_folder() -> None:
    pod = pod_of(render({"kind": "hostPath"})["Deployment"][0])
    found = environment(pod["containers"][0])
    (kernels,) = mount(pod, "kernels")
    for name in ("VLLM_CACHE_ROOT", "TRITON_CACHE_DIR", "FLASHINFER_WORKSPACE_BASE", "CUDA_CACHE_PATH"):
        assert found[name].startswith(f"{kernels['mountPath']}/")


def test_kernels_can_be_kept_nowhere() -> None:
    pod = pod_of(render({"compiledKernels": "off"})["Deployment"][0])
    assert "VLLM_CACHE_ROOT" not in environment(pod["containers"][0])
    assert [item["name"] for item in pod["volumes"]].count("kernels") == 0
