"""``qwen-infra …``: arguments in, results out; the work is in the other packages, imported when a command needs it."""
