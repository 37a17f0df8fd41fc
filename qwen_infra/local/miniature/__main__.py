"""``python -m miniature_qwen35 DIR [RIGHT]``: make the miniature in DIR, or, from the one in RIGHT, the wrong one.

Needs torch, transformers and tokenizers.
"""

import sys
from pathlib import Path

from .training import train, train_wrong

if __name__ == "__main__":
    if len(sys.argv) > 2:
        train_wrong(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        train(Path(sys.argv[1]))
