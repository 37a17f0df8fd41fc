"""One file a family of cases; :mod:`qwen_infra.verification.registry` lists them."""
