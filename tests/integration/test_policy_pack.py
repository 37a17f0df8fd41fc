"""The CrossGuard pack with the real engine: each rule refuses what breaks it and lets pass what holds it."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from qwen_infra import toolchain
from qwen_infra.manifests import render_stack
from qwen_infra.planning import make_plans
from qwen_infra.policy import RULES
from qwen_infra.settings import load_deployments
from tests.integration.harness import ROOT, Project
from tests.unit.planning.test_stack_plan import prod
from tests.unit.policy.broken import BROKEN
from tests.unit.settings.test_several_models import config

Make = Callable[..., Project]
PACK = ROOT / "policy"
LIVE = {rule.name for rule in RULES if rule.strict_in}


@pytest.fixture(scope="session")
def pack() -> Path:
    """The pack with its environment of its own."""
    subprocess.run(["make", "policy", f"PYTHON={sys.executable}"], cwd=ROOT, check=True)
    return PACK


def good() -> list[dict[str, Any]]:
    server = {**prod()["server"], "replicas": 1}
    return copy.deepcopy(render_stack(make_plans(load_deployments(config(prod(server=server))))))


def place(objects: list[dict[str, Any]], namespace: str) -> dict[str, dict[str, Any]]:
    """The objects in a namespace of their own, so that many cases stand side by side in one preview."""
    found = {}
    for item in objects:
        item["metadata"]["namespace"] = namespace
        found[f"{namespace}-{item['kind'].lower()}"] = item
    return found


def cases(*, live: bool) -> dict[str, dict[str, Any]]:
    """Cases of the rules that are judged over the whole stack, or of those judged object by object.

    Apart, since the engine does not come to the first when the second have already stopped the preview.
    """
    found = place(good(), "good")
    chosen = {rule: breaks for rule, breaks in BROKEN.items() if (rule in LIVE) is live}
    for rule, breaks in chosen.items():
        for number, change in enumerate(breaks):
            objects = good()
            change(objects)
            found |= place([item for item in objects if item["kind"] != "Namespace"], f"{rule}-{number}")
    return found


def preview(
    folder: Path, tools: toolchain.Toolchain, home: Path, document: dict[str, Any], *flags: str
) -> tuple[int, str]:
    """What a preview of ``document`` (environment and objects) says with the pack."""
    folder.mkdir()
    shutil.copy(Path(__file__).parent / "manifests_program" / "__main__.py", folder)
    description = yaml.safe_load((ROOT / "Pulumi.yaml").read_text("utf-8"))
    description["runtime"]["options"]["virtualenv"] = sys.prefix
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(description), "utf-8")
    (folder / "manifests.json").write_text(json.dumps(document), "utf-8")
    (folder / "state").mkdir()
    variables = {
        **os.environ,
        **tools.environment(),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
    }
    variables.pop("KUBECONFIG", None)  # rendering takes none, and needs no cluster
    pulumi = str(tools.bin_folder / "pulumi")
    subprocess.run([pulumi, "stack", "init", "test"], cwd=folder, env=variables, check=True, capture_output=True)
    command = [pulumi, "preview", "--non-interactive", "--color=never", "--policy-pack", str(PACK), *flags]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def violations(told: str) -> set[tuple[str, str]]:
    """(policy, namespace of the case) of each violation that the engine printed."""
    found = set()
    for part in re.split(r"- \[(?:mandatory|advisory)\]\s+", told)[1:]:
        policy = part.split()[0]
        found |= {(policy, namespace) for namespace in re.findall(r"[A-Z]\w+ ([a-z0-9-]+)/vllm", part)}
    return found


@pytest.fixture(scope="module")
def in_prod(
    pack: Path, tools: toolchain.Toolchain, pulumi_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[bool, tuple[int, str]]:
    """Exit code and output of a preview with all cases in prod; by whether they are judged over the whole stack."""
    folder = tmp_path_factory.mktemp("policy")
    return {
        live: preview(folder / f"prod-{live}", tools, pulumi_home, {"environment": "prod", "objects": cases(live=live)})
        for live in (True, False)
    }


@pytest.mark.parametrize("live", [True, False])
def test_the_engine_refuses_a_preview_that_breaks_mandatory_rules(
    live: bool, in_prod: dict[bool, tuple[int, str]]
) -> None:
    code, told = in_prod[live]
    assert code != 0, told
    assert "[mandatory]" in told


@pytest.mark.parametrize(
    ("rule", "case"),
    [(rule, f"{rule}-{number}") for rule, breaks in BROKEN.items() for number in range(len(breaks))],
)
def test_the_engine_finds_each_violation(rule: str, case: str, in_prod: dict[bool, tuple[int, str]]) -> None:
    told = in_prod[rule in LIVE][1]
    assert (rule, case) in violations(told), told


def test_the_engine_lets_pass_what_holds_every_rule(in_prod: dict[bool, tuple[int, str]]) -> None:
    for _, told in in_prod.values():
        assert not [policy for policy, case in violations(told) if case == "good"]


def test_what_is_mandatory_in_prod_is_advice_in_dev(
    pack: Path, tools: toolchain.Toolchain, pulumi_home: Path, tmp_path: Path
) -> None:
    document = {"environment": "dev", "objects": cases(live=True)}
    code, told = preview(tmp_path / "dev", tools, pulumi_home, document)
    assert code == 0, told
    assert ("image-digest-advice", "image-digest-0") in violations(told)


def test_a_licence_is_judged_by_the_packs_configuration_and_a_wrong_one_is_told(
    pack: Path, tools: toolchain.Toolchain, pulumi_home: Path, tmp_path: Path
) -> None:
    document = {"environment": "prod", "objects": place(good(), "good")}
    configuration = tmp_path / "config.json"
    configuration.write_text(json.dumps({"licence": {"allowedLicences": ["MIT"]}}), "utf-8")
    flags = ("--policy-pack-config", str(configuration))
    code, told = preview(tmp_path / "licence", tools, pulumi_home, document, *flags)
    assert code != 0
    assert ("licence", "good") in violations(told)
    configuration.write_text(json.dumps({"licence": {"allowedLicences": "MIT"}}), "utf-8")
    code, told = preview(tmp_path / "wrong", tools, pulumi_home, document, *flags)
    assert code != 0
    assert "allowedLicences" in told
    assert "Traceback" not in told
