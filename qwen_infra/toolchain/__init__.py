"""The programs that a local deployment needs, resolved and, where they are missing, built from source.

``ensure`` is the way in; ``python -m qwen_infra.toolchain`` is the same for a shell. Starting the programs is not here.
"""

from qwen_infra.toolchain.programs import PROGRAMS
from qwen_infra.toolchain.resolution import Toolchain, ensure, install_provider

__all__ = ["PROGRAMS", "Toolchain", "ensure", "install_provider"]
