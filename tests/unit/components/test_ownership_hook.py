"""The look before a creation, beside registrations that hold every thread of the event loop until it is done."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from qwen_infra.cluster import ClusterAccess, Kubectl
from qwen_infra.cluster.found_objects import ObjectPlace
from qwen_infra.components import ownership_hook


def test_objects_are_looked_up_while_registrations_hold_all_threads_of_the_loop(monkeypatch):
    looked_up = threading.Event()
    monkeypatch.setattr(ownership_hook, "find_objects", lambda _kubectl, _places: {})

    async def register_and_look() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(max_workers=1))
        registration = loop.run_in_executor(None, looked_up.wait)
        try:
            lookup = ownership_hook._Lookup(Kubectl(ClusterAccess(None, None)))
            place = ObjectPlace("v1", "Service", "vllm-server", "qwen")
            assert await asyncio.wait_for(lookup.find(place), timeout=30) is None
        finally:
            looked_up.set()
            await registration

    asyncio.run(register_and_look())
