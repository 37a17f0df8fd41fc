"""How the tests of the clients ask a scripted server: with which key, and how long they wait."""

import asyncio
from collections.abc import Callable

from qwen_infra.client import (
    Deadlines,
    Endpoint,
    InferenceClient,
)

__all__ = ["KEY", "MAX_BODY_BYTES", "PATIENT", "Events", "Stream", "get"]

PATIENT = Deadlines(connect_s=60.0, first_byte_s=60.0, between_chunks_s=60.0, total_s=120.0)
"""A test about a deadline shortens that one: a busy machine, too, is late for nothing else."""

KEY = "sk-the-very-key"
MAX_BODY_BYTES = 400_000
Events = list[tuple[float, str]]
Stream = Callable[..., Events]


def get(url: str, deadlines: Deadlines = PATIENT, path: str = "/v1/models") -> object:
    """What ``GET`` brings."""

    async def ask() -> object:
        endpoint = Endpoint(url=url, model="m", api_key=KEY)
        async with InferenceClient(endpoint, deadlines=deadlines, max_body_bytes=MAX_BODY_BYTES) as client:
            return (await client.get_json(path)).payload

    return asyncio.run(ask())
