import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.benchmark.prompts.datasets import Conversation, read_dataset
from qwen_infra.errors import ConfigurationError


def read(tmp_path, kind: str, text: str) -> list[Conversation]:
    path = tmp_path / "data"
    path.write_text(text, "utf-8")
    return read_dataset(kind, path)


def test_a_sharegpt_file_gives_the_users_messages(tmp_path):
    said = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}]
    entries = [{"conversations": said}, {"conversations": [{"from": "gpt", "value": "no question"}]}]
    assert read(tmp_path, "sharegpt", json.dumps(entries)) == [
        Conversation(({"role": "user", "content": "a"},), ("c",)),
    ]


def test_a_line_is_a_prompt_or_messages_with_a_limit_of_its_own(tmp_path):
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    text = '{"prompt": "你好", "output_tokens": 7}\n\n' + json.dumps({"messages": messages})
    found = read(tmp_path, "jsonl", text)
    assert [talk.messages[-1]["content"] for talk in found] == ["你好", "q"]
    assert [talk.output_tokens for talk in found] == [7, None]


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("jsonl", '{"prompt": "a"}\n{"promt": "b"}', "line 2 has neither a prompt nor messages"),
        ("jsonl", "{", "line 1 is not JSON"),
        ("jsonl", '{"messages": [{"role": "king", "content": "a"}]}', "line 1 has neither"),
        ("jsonl", "\n", "holds no prompt"),
        ("sharegpt", "{", "is not JSON"),
        ("sharegpt", '{"conversations": []}', "is not a list"),
        ("sharegpt", "[{}, 3]", "holds no prompt"),
    ],
)
def test_what_is_no_data_set_is_told_with_its_place(tmp_path, kind, text, problem):
    with pytest.raises(ConfigurationError, match=problem):
        read(tmp_path, kind, text)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_dataset("jsonl", tmp_path / "none")


def test_a_line_may_hold_the_line_ends_of_other_systems(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes('{"prompt": "one\u2028two\x85three"}\r\n{"prompt": "four"}\n'.encode())
    assert [found.messages[0]["content"] for found in read_dataset("jsonl", path)] == ["one\u2028two\x85three", "four"]


_KEYS = ["from", "value", "role", "content", "prompt", "messages", "conversations"]
_PART = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "human", "user"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["from", "value", "role", "content", "prompt", "messages", "conversations"]), inner
        )
    ),
    max_leaves=8,
)


@given(document=_PART)
def test_json_of_any_shape_is_a_data_set_or_one_of_our_errors(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("odd") / "data.json"
    path.write_text(json.dumps(document), "utf-8")
    for kind in ("sharegpt", "jsonl"):
        with suppress(ConfigurationError):
            assert read_dataset(kind, path)


@given(text=st.text(max_size=60))
def test_any_text_is_a_data_set_or_one_of_our_errors(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzz"
    path.write_text(text, "utf-8", newline="")
    for kind in ("sharegpt", "jsonl"):
        try:
            read_dataset(kind, path)
        except ConfigurationError:
            continue
