"""Whether what runs still equals what was deployed: the objects (spec) and the servers (behaviour). Changes nothing."""

from qwen_infra.drift.age import judge_age, read_moment
from qwen_infra.drift.difference import Difference
from qwen_infra.drift.pods import compare_pods, compare_with_manifests
from qwen_infra.drift.schedule import compare_schedule
from qwen_infra.drift.server import compare_server
from qwen_infra.drift.spec import compare_spec, read_check_results

__all__ = [
    "Difference",
    "compare_pods",
    "compare_schedule",
    "compare_server",
    "compare_spec",
    "compare_with_manifests",
    "judge_age",
    "read_check_results",
    "read_moment",
]
