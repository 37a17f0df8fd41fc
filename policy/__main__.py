"""The CrossGuard front of the rules in ``qwen_infra.policy``: nothing is decided here.

It runs in an environment of its own (``make policy``), since ``pulumi_policy`` pins an older protobuf than the
program's Pulumi. Use: ``pulumi preview --policy-pack policy [--policy-pack-config FILE]``.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from qwen_infra.policy import RULES, Rule
from qwen_infra.policy.reading import drop_nulls
from qwen_infra.policy.rule import Context

UNKNOWN = "(known after the update)"
SERVER = "qwen:infra:VllmServer"
LICENCES = PolicyConfigSchema(
    {"allowedLicences": {"type": "array", "items": {"type": "string"}, "default": ["Apache-2.0", "MIT"]}}
)


def is_manifest(resource_type: str) -> bool:
    """Whether a resource is a Kubernetes object."""
    return resource_type.startswith("kubernetes:")


def plain(properties: Any) -> Any:
    """A resource's properties as plain maps and lists, without nulls, as the rules read them."""
    return drop_nulls(copy_known(properties))


def copy_known(value: Any) -> Any:
    """A copy with words in place of what is not known yet.

    The engine hands over proxies that refuse to give a value which is only known during the update; one such value, as
    the digest of the weights in a new stack's preview, must not keep a rule from looking at all the others.
    """
    if isinstance(value, Mapping):
        return {key: copy_known(get_known(value, key)) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [copy_known(get_known(value, at)) for at in range(len(value))]
    return value


def get_known(holder: Any, key: Any) -> Any:
    """One value of a map or list, or words in place of one that is not known yet."""
    try:
        return holder[key]
    except UnknownValueError:
        return UNKNOWN


def tell(rule: Rule, manifest: Mapping[str, Any], context: Context, report: ReportViolation) -> None:
    """Report each violation of one object."""
    for found in rule.check(manifest, context):
        report(f"{found.place}: {found.what}. To mend it: {found.mend}", None)


def validate_each(rule: Rule) -> ResourceValidationPolicy:
    """A rule that is mandatory everywhere: it refuses an object before the object is made."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if is_manifest(args.resource_type):
            licences = args.get_config().get("allowedLicences")
            context = Context(allowed_licences=tuple(licences)) if licences else Context()
            tell(rule, plain(args.props), context, report)

    schema = LICENCES if rule.name == "licence" else None
    return ResourceValidationPolicy(rule.name, rule.says, validate, EnforcementLevel.MANDATORY, schema)


def validate_all(rule: Rule, *, strict: bool) -> StackValidationPolicy:
    """A rule that is mandatory in some environments, or looks at several objects: judged when all are known."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        if (rule.level(find_environment(args)) == "mandatory") is strict:
            objects = [plain(item.props) for item in args.resources if is_manifest(item.resource_type)]
            for item in objects:
                tell(rule, item, Context(objects=objects), report)

    level = EnforcementLevel.MANDATORY if strict else EnforcementLevel.ADVISORY
    return StackValidationPolicy(rule.name if strict else f"{rule.name}-advice", rule.says, validate, level)


def find_environment(args: StackValidationArgs) -> str | None:
    """The environment that the stack file names; the server component has it among its outputs."""
    found = (plain(item.props).get("environment") for item in args.resources if item.resource_type == SERVER)
    return next((name for name in found if name), None)


def make_policies(rule: Rule) -> list[ResourceValidationPolicy | StackValidationPolicy]:
    """The policies of one rule."""
    if rule.strict_in:
        return [validate_all(rule, strict=True), validate_all(rule, strict=False)]
    return [validate_all(rule, strict=True) if rule.needs_stack else validate_each(rule)]


PolicyPack("qwen-infra", [policy for rule in RULES for policy in make_policies(rule)])
