"""A server that behaves as vLLM 0.32 does on the paths that this project uses, with known timings and faults.

``create_app`` gives the application, ``python -m qwen_infra.simulator`` serves it, ``run_simulator`` does
in a process of its own. No figure from it is a measurement.
"""

from qwen_infra.simulator.app import create_app
from qwen_infra.simulator.faults import FAULTS
from qwen_infra.simulator.process import run_simulator
from qwen_infra.simulator.profile import INSTANT, REFERENCE, TimingProfile, load_profile
from qwen_infra.simulator.settings import SimulatorSettings

__all__ = [
    "FAULTS",
    "INSTANT",
    "REFERENCE",
    "SimulatorSettings",
    "TimingProfile",
    "create_app",
    "load_profile",
    "run_simulator",
]
