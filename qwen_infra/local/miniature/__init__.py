"""A miniature Qwen3.5 that knows a handful of conversations by heart: tokenizer, configuration, training.

This folder is a recipe, run by the Python of the vLLM environment under a name of its own (miniature_store.py); it
imports nothing of the project.
"""
