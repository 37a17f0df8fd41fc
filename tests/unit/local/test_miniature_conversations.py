"""The miniature knows what it will be asked."""

import pytest

from qwen_infra.local.miniature.conversations import CONVERSATIONS, WRONG
from qwen_infra.verification import conversation as asked
from qwen_infra.verification.conversation import CODES, Body, echo_code

NOT_LEARNED = {"PICTURE", "WEATHER", "CITY_SCHEMA"}
"""A text model sees no picture; the other two are parts of requests."""
BODIES = {
    **{name: body for name, body in vars(asked).items() if isinstance(body, dict) and "messages" in body},
    **{code: echo_code(code) for code in CODES},
}
LEARNED = [(list(conversation.messages), list(conversation.tools)) for conversation in CONVERSATIONS]


@pytest.mark.parametrize("body", [BODIES[name] for name in BODIES if name not in NOT_LEARNED])
def test_it_learned_every_request_of_the_verification(body: Body) -> None:
    assert (body["messages"], body.get("tools", [])) in LEARNED


def test_no_question_has_two_answers() -> None:
    questions = [str(question) for question in LEARNED]
    assert len(set(questions)) == len(questions)


def test_the_wrong_one_answers_some_of_the_same_questions_otherwise() -> None:
    learned = {
        (each.name, thinking): each.reply(thinking=thinking) for each in CONVERSATIONS for thinking in each.modes
    }
    assert {key for key, reply in WRONG.items() if reply.text != learned[key]} == set(WRONG)
