"""What a pull request would do to a stack, told to its reviewer: from ``pulumi preview --json`` to Markdown.

Pure: JSON in, text out. No cluster, no engine, no clock; the same preview is always the same comment.
"""

from qwen_infra.review.markdown import render_comment
from qwen_infra.review.preview import Preview, read_preview
from qwen_infra.review.review import Review, review_preview

__all__ = ["Preview", "Review", "read_preview", "render_comment", "review_preview"]
