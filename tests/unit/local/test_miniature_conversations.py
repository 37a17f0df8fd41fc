"""The miniature knows what it will be asked."""

from qwen_infra.local.miniature.conversations import CONVERSATIONS
from qwen_infra.verification.conversation import CHINESE_INTRODUCTION, ONE_SENTENCE_SUMMARY

LEARNED = [list(conversation.messages) for conversation in CONVERSATIONS]


def test_it_learned_the_verifications_chinese_introduction():
    assert CHINESE_INTRODUCTION["messages"] in LEARNED


def test_it_learned_the_verifications_summary():
    assert ONE_SENTENCE_SUMMARY["messages"] in LEARNED


def test_no_question_has_two_answers():
    questions = [str(messages) for messages in LEARNED]
    assert len(set(questions)) == len(questions)


def test_it_learned_to_call_a_tool():
    assert any(conversation.tools and "<tool_call>" in conversation.answer for conversation in CONVERSATIONS)
