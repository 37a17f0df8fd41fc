"""The miniature knows what it will be asked, and the wrong one has an answer of its own to some of it."""

import pytest

from qwen_infra.local.miniature.conversations import CONTINUATIONS, CONVERSATIONS, Reply
from qwen_infra.local.miniature.mistakes import MISTAKES, Mistake, wrong_replies
from qwen_infra.verification import conversation as asked
from qwen_infra.verification.conversation import CODES, Body, echo_code

NOT_FOR_TEXT = {"PICTURE"}
BODIES = {
    **{name: body for name, body in vars(asked).items() if isinstance(body, dict) and "messages" in body},
    **{code: echo_code(code) for code in CODES},
}
LEARNED = [(list(conversation.messages), list(conversation.tools)) for conversation in CONVERSATIONS]
REPLIES = {
    (conversation.name, thinking): conversation.replies(thinking=thinking)
    for conversation in CONVERSATIONS
    for thinking in conversation.modes
}


@pytest.mark.parametrize("name", sorted(BODIES.keys() - NOT_FOR_TEXT))
def test_it_learned_every_request_of_the_verification(name: str) -> None:
    body: Body = BODIES[name]
    assert (body["messages"], body.get("tools", [])) in LEARNED


def test_it_learned_how_the_bare_prompt_of_the_verification_goes_on() -> None:
    assert "The capital of France is" in dict(CONTINUATIONS)


def test_no_question_is_there_twice() -> None:
    questions = [str(question) for question in LEARNED]
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize("replies", REPLIES.values(), ids=map(str, REPLIES))
def test_the_replies_to_a_prompt_share_it_fully(replies: tuple[Reply, ...]) -> None:
    assert sum(reply.share for reply in replies) == pytest.approx(1)


def test_an_answer_that_a_grammar_may_hold_is_also_learned_right_after_the_thinking() -> None:
    assert any("</think><tool_call>" in reply.text for reply in REPLIES["Berlin", True])


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_another_answer_to_a_question_that_the_right_one_knows(mistake: Mistake) -> None:
    right = REPLIES[mistake.conversation, mistake.thinking]
    assert mistake.reply.text not in [reply.text for reply in right]


def test_each_mistake_has_a_prompt_of_its_own() -> None:
    assert len(wrong_replies()) == len(MISTAKES)
