"""Many stacks at once: which there are, which a change touches, what they run, and rolling a change through them."""

from qwen_infra.fleet.record import Record, open_record
from qwen_infra.fleet.rollout import Rollout, Step, plan_rollout, preview_rollout, roll
from qwen_infra.fleet.running import Seen, look_at_pods
from qwen_infra.fleet.stacks import StackFile, affected_stacks, changed_paths, list_stacks
from qwen_infra.fleet.state import DeployedCheck, DeployedServer, StackState, require_pulumi
from qwen_infra.fleet.status import StackStatus, read_all

__all__ = [
    "DeployedCheck",
    "DeployedServer",
    "Record",
    "Rollout",
    "Seen",
    "StackFile",
    "StackState",
    "StackStatus",
    "Step",
    "affected_stacks",
    "changed_paths",
    "list_stacks",
    "look_at_pods",
    "open_record",
    "plan_rollout",
    "preview_rollout",
    "read_all",
    "require_pulumi",
    "roll",
]
