"""The profiles as data: what each sets, and that a stack file's own word counts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from qwen_infra.planning import make_plans
from qwen_infra.settings import ENVIRONMENTS, StackSettings, load_deployments
from tests.unit.planning.test_stack_plan import COMMIT, IMAGE
from tests.unit.settings.test_several_models import SMALL, config

PROFILES = Path(__file__).parents[3] / "qwen_infra" / "settings" / "environments.yaml"


def settings(environment: str, **changes: Any) -> StackSettings:
    values = {
        "environment": environment,
        "cluster": SMALL["cluster"],
        "model": {**SMALL["model"], "revision": COMMIT},
        "server": {**SMALL["server"], "image": IMAGE},
        **changes,
    }
    (found,) = load_deployments(config(values))
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_profile_decides_copies_rollout_retention_checks_and_rules(environment: str) -> None:
    profile = yaml.safe_load(PROFILES.read_text("utf-8"))[environment]
    assert {"replicas", "rollout"} <= profile["server"].keys()
    assert profile["cache"]["keepRevisions"] >= 2
    assert {"verification", "benchmark", "policy"} <= profile.keys()


@pytest.mark.parametrize(
    ("environment", "replicas", "rollout", "kept", "protected", "level"),
    [
        ("dev", 1, "recreate", 2, False, "advisory"),
        ("staging", 1, "auto", 3, False, "mandatory"),
        ("prod", 2, "auto", 3, True, "mandatory"),
    ],
)
def test_a_stack_gets_what_its_profile_says(
    environment: str, replicas: int, rollout: str, kept: int, protected: bool, level: str
) -> None:
    found = settings(environment)
    assert (found.server.replicas, found.server.rollout, found.cache.keep_revisions) == (replicas, rollout, kept)
    assert (found.operations.protect, found.policy.level) == (protected, level)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_stack_files_own_word_counts(environment: str) -> None:
    server = {**SMALL["server"], "image": IMAGE, "replicas": 3, "rollout": "rolling"}
    found = settings(environment, server=server, operations={"protect": False}, policy={"level": "off"})
    assert (found.server.replicas, found.server.rollout, found.operations.protect) == (3, "rolling", False)
    assert found.policy.level == "off"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(
    "cache", [{"kind": "none"}, {"kind": "existingClaim", "claimName": "weights"}, {"kind": "pvc"}]
)
def test_every_profile_goes_with_every_kind_of_storage(environment: str, cache: dict[str, str]) -> None:
    values = {
        "environment": environment,
        "cluster": SMALL["cluster"],
        "model": {**SMALL["model"], "revision": COMMIT},
        "server": {**SMALL["server"], "image": IMAGE},
        "cache": cache,
    }
    assert make_plans(load_deployments(config(values)))
