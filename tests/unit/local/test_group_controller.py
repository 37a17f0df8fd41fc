"""How the controller's webhooks are reached."""

import base64

from qwen_infra.local.custom_kinds import read_definitions
from qwen_infra.local.group_controller import build_webhooks
from qwen_infra.toolchain.folders import recipes_folder
from qwen_infra.toolchain.recipes import load_recipe


def test_webhooks_are_called_on_this_machine_with_the_clusters_own_authority() -> None:
    for configuration in build_webhooks(20001, b"an authority").values():
        for webhook in configuration["webhooks"]:
            client = webhook["clientConfig"]
            assert client["url"].startswith("https://127.0.0.1:20001/")
            assert base64.b64decode(client["caBundle"]) == b"an authority"


def test_a_pod_of_no_group_never_waits_for_the_controller() -> None:
    webhooks = [hook for found in build_webhooks(1, b"").values() for hook in found["webhooks"]]
    of_pods = [hook for hook in webhooks if hook["rules"][0]["resources"] == ["pods"]]
    assert len(of_pods) == 2
    assert all("leaderworkerset.sigs.k8s.io/name" in str(hook["objectSelector"]) for hook in of_pods)


def test_the_controller_is_of_the_version_of_the_vendored_definition() -> None:
    assert "leaderworkersets.leaderworkerset.x-k8s.io" in read_definitions()
    assert load_recipe(recipes_folder(), "lws").version == "0.8.0"
