"""What `pulumi --cwd fleet up` runs."""

from qwen_infra.fleet_program import run

run()
