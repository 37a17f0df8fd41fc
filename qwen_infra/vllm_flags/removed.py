"""Flags that older guides name and vLLM 0.32 has no more, with what took their place.

``make contract`` asserts that the real parser refuses each of them.
"""

__all__ = ["REMOVED_FLAGS"]

REMOVED_FLAGS = {
    "--swap-space": "removed with the V1 engine; qwen-infra:server.kvOffloadingGib keeps cache in host memory",
    "--disable-log-requests": "requests are no longer logged unless asked for; leave it out",
    "--guided-decoding-backend": "use --structured-outputs-config.backend",
    "--enable-reasoning": "the reasoning parser alone turns it on: qwen-infra:server.thinking",
    "--num-scheduler-steps": "removed with the V1 engine; leave it out",
    "--use-v2-block-manager": "removed with the V1 engine; leave it out",
    "--max-seq-len-to-capture": "removed with the V1 engine; use --max-cudagraph-capture-size",
    "--num-lookahead-slots": "removed with the V1 engine; use qwen-infra:server.mtpTokens",
    "--speculative-model": "use qwen-infra:server.mtpTokens",
    "--num-speculative-tokens": "use qwen-infra:server.mtpTokens",
    "--preemption-mode": "removed with the V1 engine; leave it out",
    "--worker-use-ray": "use --distributed-executor-backend",
    "--engine-use-ray": "removed; leave it out",
    "--task": "a generating model needs none; use --runner for others",
}
"""Flag to what replaces it."""
