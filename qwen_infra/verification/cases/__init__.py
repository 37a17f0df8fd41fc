"""One file a case; :mod:`qwen_infra.verification.registry` lists them."""
