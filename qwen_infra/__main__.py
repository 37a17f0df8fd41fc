"""``python -m qwen_infra`` is ``qwen-infra``."""

from qwen_infra.cli.main import main

main()
