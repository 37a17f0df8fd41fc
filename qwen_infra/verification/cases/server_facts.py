"""The server is the one that the plan describes: version, model, context length, image, KV cache."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from qwen_infra.client import HttpStatusError
from qwen_infra.errors import CheckFailedError
from qwen_infra.verification.case import Case, CaseContext, CaseSkippedError, Outcome
from qwen_infra.verification.cases.models_listed import find_card
from qwen_infra.verification.facts import DeployedServer
from qwen_infra.verification.fields import as_object

__all__ = ["CASES", "KV_CACHE_TOLERANCE", "MIN_VERSION"]

MIN_VERSION = (0, 17)
"""The first vLLM that knows Qwen3.5 (its recipe)."""
KV_CACHE_TOLERANCE = 0.10
"""Share by which the predicted blocks may differ from vLLM's own: beyond it the plan's concurrency is wrong."""
WEIGHTS_PATH = "/qwen-infra/weights"
"""Where the gatekeeper tells which commit lies in the served folder (``qwen_infra/guard/gatekeeper.py``)."""
_TOLERATED = {
    "server-version": ", or 0.17 and newer where there is no plan",
    "server-kv-cache": " blocks within 10 %",
}
_BLOCKS = re.compile(r'^vllm:cache_config_info\{.*?\bnum_gpu_blocks="(\d+)"', re.MULTILINE)


def _planned(fact: str, value: object, deployed: DeployedServer) -> None:
    if deployed.is_simulated:
        raise CaseSkippedError("the nodes are simulated, so the server is not the one of the plan")
    if value is None:
        raise CaseSkippedError(f"no plan says which {fact} to expect")


async def _check_version(context: CaseContext) -> Outcome:
    try:
        payload = (await context.client.get_json("/version")).payload
    except HttpStatusError as error:
        if error.status != 404:
            raise
        owner = (await find_card(context)).get("owned_by")
        seems = f"; /v1/models says that {owner} owns the model" if owner else ""
        raise CheckFailedError(f"this is no vLLM{seems}", expected="vLLM's /version", found=error.what) from error
    version = str(as_object(payload).get("version") or "")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if not numbers:
        raise CheckFailedError("/version does not say vLLM's version", expected="a version", found=payload)
    if numbers < MIN_VERSION:
        raise CheckFailedError(f"vLLM {version} does not know Qwen3.5", expected="0.17 or newer", found=version)
    wanted = context.deployed.version
    if wanted is not None and not context.deployed.is_simulated and version.partition("+")[0] != wanted:
        raise CheckFailedError(f"vLLM {version} runs, not the plan's", expected=wanted, found=version)
    return Outcome(detail=f"vLLM {version}", expected=wanted or "0.17 or newer", actual=version)


async def _check_model_root(context: CaseContext) -> Outcome:
    wanted = context.deployed.model_root
    _planned("model", wanted, context.deployed)
    return _compare("the served model", wanted, (await find_card(context)).get("root"))


async def _check_context_length(context: CaseContext) -> Outcome:
    wanted = context.deployed.max_model_len
    _planned("context length", wanted, context.deployed)
    return _compare("the context length", wanted, (await find_card(context)).get("max_model_len"))


async def _check_image(context: CaseContext) -> Outcome:
    deployed = context.deployed
    _planned("image digest", deployed.image_digest, deployed)
    return _compare_all("the running image", deployed.image_digest, deployed.running_image_digests)


async def _check_revision(context: CaseContext) -> Outcome:
    deployed = context.deployed
    if deployed.revision is None:
        raise CaseSkippedError("no plan says which revision to expect")
    try:
        told = as_object((await context.client.get_json(WEIGHTS_PATH)).payload)
    except HttpStatusError as error:
        if error.status != 404:
            raise
        raise CaseSkippedError(f"the server does not tell: {error.server_message or error.what}") from error
    wanted, found = f"{deployed.repository}@{deployed.revision}", f"{told.get('repository')}@{told.get('revision')}"
    if wanted not in (found, f"{told.get('repository')}@{told.get('commit')}"):
        raise CheckFailedError("the served revision is not the plan's", expected=wanted, found=found)
    return Outcome(detail=f"{found}, commit {told.get('commit')}", expected=wanted, actual=found)


async def _check_kv_cache(context: CaseContext) -> Outcome:
    wanted = context.deployed.num_gpu_blocks
    _planned("number of KV cache blocks", wanted, context.deployed)
    assert wanted is not None
    found = _BLOCKS.search(await context.client.get_text("/metrics"))
    if found is None:
        raise CheckFailedError("/metrics does not tell num_gpu_blocks", expected="vllm:cache_config_info", found="none")
    actual = int(found[1])
    share = actual / wanted - 1
    if abs(share) > KV_CACHE_TOLERANCE:
        raise CheckFailedError(
            f"the KV cache has {abs(share):.0%} {'more' if share > 0 else 'fewer'} blocks than the plan predicted",
            expected=f"{wanted} within {KV_CACHE_TOLERANCE:.0%}",
            found=actual,
        )
    return Outcome(
        detail=f"{actual} blocks, {wanted} predicted ({share:+.1%})", expected=str(wanted), actual=str(actual)
    )


def _compare(what: str, wanted: Any, found: Any) -> Outcome:
    if found != wanted:
        raise CheckFailedError(f"{what} is not the plan's", expected=wanted, found=found)
    return Outcome(detail=f"{found}", expected=str(wanted), actual=str(found))


def _compare_all(what: str, wanted: Any, found: tuple[str, ...]) -> Outcome:
    if not found:
        raise CaseSkippedError(f"the cluster does not tell {what}")
    other = next((value for value in found if value != wanted), wanted)
    return _compare(what, wanted, other)


def _case(case_id: str, run: Callable[[CaseContext], Awaitable[Outcome]], proves: str, guards_against: str) -> Case:
    asks = "GET /version, /v1/models, /metrics or /qwen-infra/weights, against the plan and the pods"
    expects = f"the plan's {case_id.removeprefix('server-').replace('-', ' ')}{_TOLERATED.get(case_id, '')}"
    return Case(case_id, "server facts", proves, asks, expects, guards_against, 30.0, run)


CASES = (
    _case(
        "server-version",
        _check_version,
        "the running vLLM knows Qwen3.5 and is the plan's",
        "an image tag that moved, and `qwen3_5 not recognized` (vLLM #36217)",
    ),
    _case("server-model", _check_model_root, "the plan's model is served", "another folder behind the served name"),
    _case(
        "server-context-length",
        _check_context_length,
        "the server takes the plan's context length",
        "a --max-model-len that was shortened to fit",
    ),
    _case(
        "server-image", _check_image, "every pod runs the plan's image", "a node with an older image of the same tag"
    ),
    _case(
        "server-revision",
        _check_revision,
        "the files that are served are of the plan's revision",
        "a cache with another revision's files",
    ),
    _case(
        "server-kv-cache",
        _check_kv_cache,
        "the KV cache has the blocks that the plan predicted, within 10 %",
        "memory that something else takes; a prediction gone wrong, and with it the concurrency",
    ),
)
