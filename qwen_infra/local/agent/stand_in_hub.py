"""The Hub of a local cluster: every repository holds the miniature, or, for simulated servers, a file that says so.

So a stack file needs no change, whatever model and commit it names, and no node fetches hundreds of gigabytes.
"""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwen_infra.local.agent_process import AgentOptions
from qwen_infra.local.folders import StateFolder, write_atomically
from qwen_infra.local.hub import HubRepository, HubStandIn, serve_hub

__all__ = ["serve_stand_in"]

_log = logging.getLogger("qwen_infra.local.agent")
_TENSOR_BYTES = 1 << 20
_README = "A stand-in of qwen-infra's local cluster, without a model: its servers are simulated and read no weights.\n"


@contextmanager
def serve_stand_in(folder: StateFolder, options: AgentOptions) -> Iterator[HubStandIn]:
    """Serve while the block runs."""
    repository = HubRepository("any/any", any_commit=True)
    commit = repository.publish(options.model or _write_stand_in(folder.path / "stand-in-model"))
    _forget_other_weights(folder.storage, commit)
    with serve_hub((), fallback=repository) as hub:
        yield hub


def _forget_other_weights(storage: Path, commit: str) -> None:
    """A newer version of this program may bring another miniature; disks filled with the former one are given up.

    A server whose weights are gone is given the miniature itself, and its log says so.
    """
    mark = storage / "filled-from"
    if storage.exists() and (not mark.exists() or mark.read_text("utf-8") != commit):
        _log.info("the stand-in of the Hub has another miniature than before: the disks of the nodes are emptied")
        shutil.rmtree(storage)
    write_atomically(mark, commit)


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
