"""From a workload to the bodies of its requests: token ids, words of an exact length, data sets, conversations.

They are made before the first is sent, so that encoding delays none. No load is generated here.
"""

from qwen_infra.benchmark.prompts.prepare import PromptSet, prepare_prompts
from qwen_infra.benchmark.prompts.session import Session
from qwen_infra.benchmark.prompts.token_ids import Vocabulary, find_vocabulary

__all__ = ["PromptSet", "Session", "Vocabulary", "find_vocabulary", "prepare_prompts"]
