import pytest

from qwen_infra.simulator.answers import Conversation, answer, complete_text


def content(*messages: tuple[str, str]) -> str:
    reply = answer(Conversation(list(messages)), tools=[], tool_choice=None, is_parallel=True)
    assert reply.content is not None
    return reply.content


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is 17 + 25? Answer with the number only.", "42"),
        ("What is 17 + 25?", "17 + 25 = 42"),
        ("What is 6 times 7? Just the number.", "42"),
        ("Count from 1 to 5.", "1, 2, 3, 4, 5"),
        ("Reply with exactly: hello world", "hello world"),
        ("Say 'pong'", "pong"),
        ("Reply with the word PONG.", "PONG"),
        ("What is the capital of France?", "Paris"),
    ],
)
def test_a_known_question_has_its_answer(question, expected):
    assert content(("user", question)) == expected


def test_the_chinese_self_introduction_is_chinese_and_names_the_model():
    assert content(("user", "你好,请介绍一下你自己")).startswith("我是Qwen3.5")


def test_the_reference_summary_names_the_family():
    assert "Qwen3.5" in content(
        ("system", "You are a helpful assistant."), ("user", "Summarize Qwen3.5 in one sentence.")
    )


def test_an_unknown_question_gets_an_answer_that_says_it_is_simulated():
    assert "simulated" in content(("user", "Why is the sky blue?"))


def test_an_unknown_chinese_question_gets_a_chinese_answer_that_says_it_is_simulated():
    assert "模拟" in content(("user", "天空为什么是蓝色的?"))


def test_an_order_of_the_system_prompt_is_followed():
    assert content(("system", "Always answer with the word BANANA."), ("user", "Hello!")) == "BANANA"


def test_a_fact_of_an_earlier_turn_is_remembered():
    turns = [("user", "My name is Ada."), ("assistant", "Hello Ada."), ("user", "What is my name?")]
    assert "Ada" in content(*turns)


def test_a_fact_that_was_never_told_is_not_known():
    assert content(("user", "What is my name?")) == "I do not know."


def test_the_result_of_a_tool_is_told():
    turns = [("user", "Weather?"), ("assistant", ""), ("tool", "21 degrees")]
    assert "21 degrees" in content(*turns)


def test_a_sum_as_a_bare_prompt_is_continued_with_its_value():
    assert complete_text("2 + 3 =") == " 5"


def test_an_unknown_bare_prompt_has_no_known_continuation():
    assert complete_text("Once upon a time") is None
