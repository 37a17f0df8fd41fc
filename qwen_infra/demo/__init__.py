"""The demo: the gb200 stack deployed on the simulated cluster by the real engine, in one command."""

from qwen_infra.demo.run import run_demo, stop_demo

__all__ = ["run_demo", "stop_demo"]
