"""``python -m miniature_qwen35 DIR``: make the miniature in DIR. Needs torch, transformers and tokenizers."""

import sys
from pathlib import Path

from .training import train

if __name__ == "__main__":
    train(Path(sys.argv[1]))
