"""The Hub of a local cluster: every repository holds the miniature, or, for simulated servers, a file that says so.

So a stack file needs no change, whatever model and commit it names, and no node fetches hundreds of gigabytes.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwen_infra.local.agent_process import AgentOptions
from qwen_infra.local.folders import StateFolder
from qwen_infra.local.hub import HubRepository, HubStandIn, serve_hub

__all__ = ["serve_stand_in"]

_TENSOR_BYTES = 1 << 20
_README = "A stand-in of qwen-infra's local cluster, without a model: its servers are simulated and read no weights.\n"


@contextmanager
def serve_stand_in(folder: StateFolder, options: AgentOptions) -> Iterator[HubStandIn]:
    """Serve while the block runs."""
    repository = HubRepository("any/any", any_commit=True)
    repository.publish(options.model or _write_stand_in(folder.path / "stand-in-model"))
    with serve_hub((), fallback=repository) as hub:
        yield hub


def _write_stand_in(folder: Path) -> Path:
    """A repository's usual files; the weights are one tensor of zeros."""
    folder.mkdir(exist_ok=True)
    header = json.dumps(
        {"stand_in": {"dtype": "U8", "shape": [_TENSOR_BYTES], "data_offsets": [0, _TENSOR_BYTES]}}
    ).encode()
    weights = len(header).to_bytes(8, "little") + header + bytes(_TENSOR_BYTES)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen-infra-stand-in"}), "utf-8")
    (folder / "README.md").write_text(_README, "utf-8")
    return folder
