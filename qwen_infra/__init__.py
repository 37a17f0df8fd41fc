"""qwen-infra: serve Qwen3.5 with vLLM on Kubernetes, proven correct and fast enough by the deployment itself."""

__version__ = "0.1.0"
