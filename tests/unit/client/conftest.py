import asyncio

import pytest

from qwen_infra.client import (
    Deadlines,
    Endpoint,
    InferenceClient,
    LoadClient,
)
from tests.unit.client.asking import KEY, PATIENT, Events, Stream


async def stream_with_httpx(url: str, deadlines: Deadlines, events: Events) -> None:
    async with InferenceClient(Endpoint(url=url, model="m", api_key=KEY), deadlines=deadlines) as client:
        await client.stream("/v1/completions", b"{}", lambda at, data: events.append((at, data)))


async def stream_with_aiohttp(url: str, deadlines: Deadlines, events: Events) -> None:
    async with LoadClient(Endpoint(url=url, model="m", api_key=KEY)) as client:
        await client.stream("/v1/completions", b"{}", lambda at, data: events.append((at, data)), deadlines=deadlines)


@pytest.fixture(params=[stream_with_httpx, stream_with_aiohttp])
def stream(request: pytest.FixtureRequest) -> Stream:
    """Both clients: what is said of a stream holds for either."""

    def run(url: str, deadlines: Deadlines = PATIENT) -> Events:
        events: Events = []
        asyncio.run(request.param(url, deadlines, events))
        return events

    return run
