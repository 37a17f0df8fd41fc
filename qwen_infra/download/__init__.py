"""What runs inside the cache Job: one file that needs only Python and ``huggingface_hub``."""
