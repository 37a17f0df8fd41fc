"""``make vllm-flags``: writes the snapshot of vLLM's flags anew, from the real parser."""

import json
from typing import Any

from qwen_infra.local import ensure_vllm
from tests.contract.interpreter import ROOT, VllmInterpreter

SNAPSHOT = ROOT / "qwen_infra/vllm_flags/flags.json"


def render_snapshot(described: dict[str, Any]) -> str:
    """The file's text: one flag a line, so that a change of vLLM reads as one."""
    lines = ",\n  ".join(json.dumps(flag) for flag in described["flags"])
    return f'{{"version": {json.dumps(described["version"])},\n "flags": [\n  {lines}\n]}}\n'


def main() -> None:
    described = VllmInterpreter(ensure_vllm().with_name("python")).call("flags", {})
    SNAPSHOT.write_text(render_snapshot(described), "utf-8")
    print(f"wrote {len(described['flags'])} flags of vLLM {described['version']} to {SNAPSHOT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
