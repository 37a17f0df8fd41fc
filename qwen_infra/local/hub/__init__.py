"""A stand-in for the Hub: what ``huggingface_hub`` asks of one, over real HTTP, from folders on disk, with faults.

The Hub's own protocol as seen with huggingface_hub 1.31 to 2.4; nothing of its Xet transfer, which every file has an
ordinary way beside.
"""

from qwen_infra.local.hub.faults import HubFaults
from qwen_infra.local.hub.repository import HubRepository
from qwen_infra.local.hub.server import HubStandIn, serve_hub

__all__ = ["HubFaults", "HubRepository", "HubStandIn", "serve_hub"]
