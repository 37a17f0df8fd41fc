"""The CrossGuard pack's configuration: what the engine would pass over is refused with one line."""

import json
from pathlib import Path

import pytest

from qwen_infra.errors import ConfigurationError
from qwen_infra.policy.pack_configuration import check_pack_configuration


def write(folder: Path, text: str) -> Path:
    path = folder / "pack.json"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"all": "advisory"},
        {"replicas-spread": "disabled", "image-digest-advice": "mandatory"},
        {"licence": {"allowedLicences": ["Apache-2.0"], "enforcementLevel": "advisory"}},
    ],
)
def test_what_the_pack_understands_is_accepted(value: object, tmp_path: Path) -> None:
    check_pack_configuration(write(tmp_path, json.dumps(value)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "the configuration is not JSON"),
        ("[]", "the configuration must be an object of rules"),
        ('{"image-tagg": "disabled"}', "there is no such rule, did you mean image-tag?"),
        ('{"host-namespaces-advice": "disabled"}', "there is no such rule, did you mean host-namespaces?"),
        ('{"licence": "off"}', "there is no such level (found off, expected one of: advisory, mandatory, disabled)"),
        ('{"licence": {"licences": []}}', "the rule has no such key (found licences"),
        ('{"image-tag": {"allowedLicences": []}}', "the rule has no such key (found allowedLicences"),
        (
            '{"licence": {"allowedLicences": "MIT"}}',
            "pack.json: licence.allowedLicences: this must be a list of licences",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_it(text: str, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_pack_configuration(write(tmp_path, text))
    assert expected in str(caught.value)
