"""Rules about what a pod takes: shared memory, CPU and memory, GPUs, and how they are split."""

from collections.abc import Iterator

from qwen_infra.catalog import Model, models
from qwen_infra.policy.rule import Context, Manifest, Violation
from qwen_infra.policy.workloads import ACCELERATORS, ServerPod, find_server_pods
from qwen_infra.quantities import parse_quantity
from qwen_infra.sizing import list_tensor_parallel_sizes

__all__ = [
    "check_gpu_count",
    "check_gpu_requests",
    "check_resources",
    "check_shared_memory",
    "check_tensor_parallel_size",
]

SHARED_MEMORY = "/dev/shm"
PROCESSOR_VARIABLE = "VLLM_CPU_OMP_THREADS_BIND"
"""Set for every server on the processor, whatever its image is called (``planning.environment``)."""


def check_shared_memory(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """/dev/shm is memory of a known size, smaller than the memory limit that it counts against."""
    for pod in find_server_pods(manifest):
        mounts = {item.get("mountPath"): item.get("name") for item in pod.container.get("volumeMounts") or ()}
        volumes = {item.get("name"): item.get("emptyDir") or {} for item in pod.spec.get("volumes") or ()}
        volume = volumes.get(mounts.get(SHARED_MEMORY))
        size = parse_quantity((volume or {}).get("sizeLimit"))
        limit = parse_quantity(pod.resources("limits").get("memory"))
        if volume is None or volume.get("medium") != "Memory" or size is None:
            what = f"{SHARED_MEMORY} is not an emptyDir with medium Memory and a sizeLimit"
            yield Violation(pod.place, what, "set qwen-infra:server.resources.sharedMemory")
        elif limit is not None and size >= limit:
            what = f"{SHARED_MEMORY} may fill the whole memory limit"
            yield Violation(pod.place, what, "raise qwen-infra:server.resources.memoryLimit above sharedMemory")


def check_resources(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """CPU and memory are requested, and memory is limited."""
    for pod in find_server_pods(manifest):
        needed = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))
        missing = [f"{kind}.{name}" for kind, name in needed if name not in pod.resources(kind)]
        if missing:
            yield Violation(pod.place, f"{' and '.join(missing)} not set", "set qwen-infra:server.resources")


def check_gpu_requests(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """GPUs requested equal GPUs limited: Kubernetes knows no sharing of an extended resource."""
    for pod in find_server_pods(manifest):
        for name in ACCELERATORS:
            requested, limited = pod.resources("requests").get(name), pod.resources("limits").get(name)
            if str(requested) != str(limited) and (requested is not None or limited is not None):
                what = f"requests {requested} and limits {limited} of {name} differ"
                yield Violation(pod.place, what, "give both the same number")


def check_tensor_parallel_size(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """The tensor parallel size divides what the checkpoint must split; unknown models are not judged."""
    for pod in find_server_pods(manifest):
        found = _find_checkpoint(pod)
        size = pod.number("--tensor-parallel-size", 1)
        if found and size not in (valid := list_tensor_parallel_sizes(*found)):
            what = f"tensor parallel size {size} cannot split {found[0].name} {found[1]}"
            yield Violation(pod.place, what, f"choose one of {', '.join(map(str, valid))}")


def check_gpu_count(manifest: Manifest, _context: Context) -> Iterator[Violation]:
    """The GPUs of a replica are TP x PP x DP, over all its pods; a server on the CPU has none."""
    for pod in find_server_pods(manifest):
        if pod.gpus == 0 and PROCESSOR_VARIABLE in pod.environment:
            continue
        sizes = {name: pod.number(f"--{name}-parallel-size", 1) for name in ("tensor", "pipeline", "data")}
        needed = sizes["tensor"] * sizes["pipeline"] * sizes["data"]
        found = pod.gpus * pod.pods_per_replica
        if found != needed:
            split = " x ".join(f"{name} {size}" for name, size in sizes.items())
            what = f"a replica has {found} GPUs, but {split} needs {needed}"
            yield Violation(pod.place, what, "let the plan set both (qwen-infra:server.tensorParallelSize)")


def _find_checkpoint(pod: ServerPod) -> tuple[Model, str] | None:
    name = pod.model_path.rpartition("/")[2]
    for model in models():
        for checkpoint in model.checkpoints:
            if checkpoint.repository.rpartition("/")[2] == name:
                return model, checkpoint.precision
    return None
