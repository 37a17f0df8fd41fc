"""The real vLLM for every contract test. Where it cannot be had, these tests fail; none is skipped."""

import pytest

from qwen_infra.local import ensure_vllm
from tests.contract.interpreter import VllmInterpreter


@pytest.fixture(scope="session")
def vllm() -> VllmInterpreter:
    """vLLM's own environment; `make contract` has installed it, else it is installed now."""
    return VllmInterpreter(ensure_vllm().with_name("python"))
