"""The configuration of the CrossGuard pack (``--policy-pack-config``), checked before the engine takes it.

The engine passes over what it does not know: a rule that was to be switched off and is misspelt would stay on, and a
level of another rule would be lost, without a word (pulumi 3.259).
"""

import json
from pathlib import Path
from typing import Any

from qwen_infra.errors import ConfigurationError
from qwen_infra.policy.registry import RULES, find_rule

__all__ = ["check_pack_configuration"]

LEVELS = ("advisory", "mandatory", "disabled")
ADVICE = "-advice"
"""End of the name under which the pack tells a rule where it is not mandatory."""
_KEYS = {"licence": {"enforcementLevel", "allowedLicences"}}


def check_pack_configuration(path: Path) -> None:
    """Refuse what the engine would pass over, or stumble over later.

    Raises:
        ConfigurationError: no JSON object, no such rule, no such level, or a key that the rule does not have.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ConfigurationError(
            "the configuration is not JSON", where=str(path), found=str(error), expected='{"licence": …}'
        ) from None
    if not isinstance(found, dict):
        raise ConfigurationError(
            "the configuration must be an object of rules", where=str(path), expected='{"licence": …}'
        )
    for name, value in found.items():
        where = f"{path}: {name}"
        if name != "all":
            live = {rule.name for rule in RULES if rule.strict_in}
            stem = name.removesuffix(ADVICE)
            find_rule(stem if stem in live else name, str(path))
        _check_value(name, value, where)


def _check_value(name: str, value: Any, where: str) -> None:
    keys = _KEYS.get(name, {"enforcementLevel"})
    given = value if isinstance(value, dict) else {"enforcementLevel": value}
    if unknown := sorted(given.keys() - keys):
        raise ConfigurationError(
            "the rule has no such key", where=where, found=unknown[0], expected=", ".join(sorted(keys))
        )
    if given.get("enforcementLevel", LEVELS[0]) not in LEVELS:
        raise ConfigurationError(
            "there is no such level",
            where=where,
            found=given["enforcementLevel"],
            expected=f"one of: {', '.join(LEVELS)}",
        )
    licences = given.get("allowedLicences", [])
    if not isinstance(licences, list) or not all(isinstance(each, str) for each in licences):
        raise ConfigurationError(
            "this must be a list of licences",
            where=f"{where}.allowedLicences",
            found=licences,
            expected='["Apache-2.0"]',
        )
