"""The names of a stack's objects are such that Kubernetes takes them, however long the server's name."""

from typing import Any

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.manifests import render_objects
from qwen_infra.planning import make_plan
from qwen_infra.planning.naming import LONGEST_SERVER_NAME
from qwen_infra.settings import load_settings

LONGEST_NAMES = {"CronJob": 52}
"""``ValidateCronJobCreate`` of Kubernetes 1.36: 63 less the 11 characters that a Job's name gets."""


def render(name: str, **endpoint: Any) -> list[dict[str, Any]]:
    raw = {
        "cluster": {"identifier": "test"},
        "model": {"name": "Qwen3.5-4B", "precision": "bf16"},
        "server": {"gpu": "H200", "maxModelLen": 8192, "name": name, "rollout": "blueGreen"},
        "endpoint": {"monitoring": {}, "autoscaling": {"kind": "keda", "maxReplicas": 3}, **endpoint},
        "verification": {"schedule": "0 4 * * *"},
    }
    return render_objects(make_plan(load_settings({f"qwen-infra:{key}": value for key, value in raw.items()}), "prod"))


def test_with_the_longest_server_name_every_object_has_a_valid_name() -> None:
    objects = render("a" * LONGEST_SERVER_NAME)
    assert "CronJob" in {item["kind"] for item in objects}
    names = [(item["kind"], item["metadata"]["name"]) for item in objects]
    assert [(kind, name) for kind, name in names if len(name) > LONGEST_NAMES.get(kind, 63)] == []


def test_a_longer_server_name_is_refused_with_the_limit() -> None:
    with pytest.raises(ConfigurationError, match=rf"server\.name: .*{LONGEST_SERVER_NAME} characters"):
        render("a" * (LONGEST_SERVER_NAME + 1))
