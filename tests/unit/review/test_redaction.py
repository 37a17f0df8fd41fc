"""Whatever is secret in a preview is nowhere in its comment."""

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_infra.review import Preview, render_comment, review_preview
from qwen_infra.review.redaction import HIDDEN, SECRET_SIGNATURE, redact
from tests.unit.review.test_comment import document

KEYS = st.text("ABCDEFGHJKMNPQRSTUVWXYZ23456789-_", min_size=12, max_size=40).map(lambda text: f"Zq{text}9")
"""Texts that occur nowhere else in a preview."""


def in_secret_data(value: str) -> dict[str, Any]:
    return {"kind": "Secret", "metadata": {"name": "s"}, "data": {"key": base64.b64encode(value.encode()).decode()}}


PLACES = {
    "stringData": lambda value: {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": value}},
    "data": in_secret_data,
    "marked": lambda value: {"spec": {"x": {SECRET_SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": value}}},
    "ciphertext": lambda value: {"spec": {"x": {SECRET_SIGNATURE: "1b47", "ciphertext": value}}},
    "variable": lambda value: {"spec": {"env": [{"name": "HF_TOKEN", "value": value}]}},
    "key": lambda value: {"spec": {"apiKey": value}},
    "password": lambda value: {"spec": {"deep": [{"password": value}]}},
    "flag": lambda value: {"spec": {"args": ["serve", "--api-key", value]}},
    "flag-and-value": lambda value: {"spec": {"args": [f"--api-key={value}"]}},
    "command": lambda value: {"spec": {"command": f"serve --hf-token {value} --port 1"}},
}


@settings(deadline=None, max_examples=40)
@given(KEYS, st.sampled_from(sorted(PLACES)), st.sampled_from(["oldState", "newState"]))
def test_a_secret_is_nowhere_in_the_comment(secret: str, place: str, state: str) -> None:
    value = document("update")
    step = next(item for item in value["steps"] if ":Deployment::" in item["urn"])
    step[state]["inputs"] |= PLACES[place](secret)
    step["newState"]["inputs"]["metadata"] = {"name": "d", "annotations": {"unrelated": "changes"}}
    if place not in {"flag-and-value", "command"}:  # these are hidden where they stand, and not known elsewhere
        value["diagnostics"] = [{"severity": "error", "message": f"the server said {secret}"}]
    told = render_comment([review_preview(Preview.model_validate(value))])
    assert secret not in told
    assert base64.b64encode(secret.encode()).decode() not in told


@settings(deadline=None, max_examples=40)
@given(KEYS)
def test_an_output_of_the_stack_that_is_a_secret_is_hidden(secret: str) -> None:
    value = document("update")
    outputs = value["steps"][0]["oldState"]["outputs"]
    outputs["deployments"]["vllm-qwen35-4b"]["verification"] = f"passed with {secret}"
    outputs["password"] = secret
    assert secret not in render_comment([review_preview(Preview.model_validate(value))])


def test_where_a_secret_is_stays_readable() -> None:
    reference = {"env": [{"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "api-key"}}}]}
    assert redact(reference) == reference
    assert redact({"secretName": "s", "tokenizer": "t"}) == {"secretName": "s", "tokenizer": "t"}


def test_known_forms_of_tokens_are_hidden_wherever_they_stand() -> None:
    text = json.dumps(redact({"note": "use hf_abcdefghijklmnop or sk-abcdefghijkl"}))
    assert text.count(HIDDEN) == 2


def test_hiding_twice_is_hiding_once() -> None:
    once = redact(document("update"))
    assert redact(once) == once
