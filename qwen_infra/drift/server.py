"""The server's own words (``/version``, ``/v1/models``) against the plan."""

import re

from qwen_infra.client.provenance import ClusterFacts, ServerFacts, derive_provenance
from qwen_infra.drift.difference import Difference
from qwen_infra.planning import DeploymentPlan

__all__ = ["compare_server"]

_TAG = re.compile(r":v(?P<version>\d+\.\d+\.\d+)")


def compare_server(plan: DeploymentPlan, facts: ServerFacts) -> list[Difference]:
    """What the server says that the plan does not; a stand-in (simulator, miniature) is asked for the name only."""
    place, mend = f"{plan.cluster.namespace}/{plan.server.name}", f"pulumi up --stack {plan.stack}"
    name = plan.server.arguments.served_model_name
    if facts.models is None:
        return [Difference("behaviour", place, "the server does not answer /v1/models", mend=mend)]
    if facts.find_card(name) is None:
        return [Difference("behaviour", place, "the server does not serve the model", name, _served(facts), mend)]
    made = derive_provenance(facts, model=name, cluster=ClusterFacts())
    if made.simulated:
        return []
    tag = _TAG.search(plan.server.image)
    pairs = (
        ("vLLM's version", tag["version"] if tag else None, (made.server_version or "none").partition("+")[0]),
        ("the context length", str(plan.server.arguments.max_model_len), str(made.max_model_len)),
    )
    return [
        Difference("behaviour", place, f"{what} differs", expected, found, mend)
        for what, expected, found in pairs
        if expected is not None and expected != found
    ]


def _served(facts: ServerFacts) -> str:
    listed = facts.models.get("data") if isinstance(facts.models, dict) else None
    names = [str(card.get("id")) for card in listed or () if isinstance(card, dict)]
    return ", ".join(names) or "no model"
