"""What every test of the project shares."""

from hypothesis import settings

# A property is about values: a machine that is busy with other tests must not make it fail by the clock.
settings.register_profile("qwen-infra", deadline=None)
settings.load_profile("qwen-infra")
