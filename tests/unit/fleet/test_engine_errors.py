"""The reasons among what Pulumi prints when an update fails."""

from qwen_infra.fleet.engine import list_errors

PRINTED = """Updating (staging-eu):
 +  kubernetes:core/v1:ConfigMap guard **creating failed** error: before hook "ownership" failed: ConfigMap qwen/x
 +  pulumi:pulumi:Stack qwen-infra-staging-eu creating (0s) error: update failed
Diagnostics:
  kubernetes:core/v1:ConfigMap (guard):
    error: before hook "ownership" failed: ConfigMap qwen/x: the object already exists

  pulumi:pulumi:Stack (qwen-infra-staging-eu):
    warning: HOOK
    \x1b[31merror: \x1b[0mupdate failed

Resources:
    2 created
"""


def test_the_reasons_stand_in_the_diagnostics_and_the_outcome_is_none() -> None:
    told = 'before hook "ownership" failed: ConfigMap qwen/x: the object already exists'
    assert list_errors(PRINTED.splitlines()) == (told,)


def test_an_update_that_never_began_tells_its_error_alone() -> None:
    assert list_errors(["error: the stack is currently locked by 1 lock(s)"]) == (
        "the stack is currently locked by 1 lock(s)",
    )


def test_what_is_said_twice_is_told_once() -> None:
    assert list_errors(["Diagnostics:", "  error: a", "  error: Preview failed: a", "  error: preview failed"]) == (
        "a",
    )


def test_a_run_without_an_error_has_no_reason() -> None:
    assert list_errors(["Diagnostics:", "  warning: a", "Resources:"]) == ()
