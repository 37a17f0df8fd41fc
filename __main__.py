"""What `pulumi up` runs."""

from qwen_infra.program import run

run()
