from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.simulator.faults import FaultSwitch
from qwen_infra.simulator.generation import Limits, TokenPlan, plan_tokens
from qwen_infra.simulator.reply import Reply, ToolCall

THOUGHT = Reply(reasoning="I think.", content="The answer is 42, and more text follows.")


def plan(reply: Reply = THOUGHT, faults: tuple[str, ...] = (), **limits: object) -> TokenPlan:
    return plan_tokens(reply, Limits(**{"max_tokens": 1000, **limits}), FaultSwitch(faults))  # type: ignore[arg-type]


def test_reasoning_and_content_are_shown_apart():
    made = plan()
    assert made.text_of("reasoning") == "I think.\n"
    assert made.text_of("content") == "\n\nThe answer is 42, and more text follows."


def test_an_answer_ends_with_a_token_that_shows_nothing():
    made = plan()
    assert made.pieces[-1].text == ""
    assert made.finish_reason == "stop"


def test_max_tokens_cuts_the_answer():
    made = plan(max_tokens=3)
    assert (len(made.pieces), made.finish_reason) == (3, "length")


def test_an_answer_that_just_fits_is_not_cut():
    whole = plan()
    assert plan(max_tokens=len(whole.pieces)) == whole


@given(st.integers(1, 500))
def test_with_ignore_eos_there_are_exactly_max_tokens(max_tokens):
    made = plan(max_tokens=max_tokens, ignore_eos=True)
    assert (len(made.pieces), made.finish_reason) == (max_tokens, "length")


def test_min_tokens_lengthens_the_answer():
    assert len(plan(min_tokens=200).pieces) == 200


def test_a_stop_string_ends_the_content_before_it():
    made = plan(stop=("42",))
    assert made.text_of("content") == "\n\nThe answer is "
    assert (made.finish_reason, made.stop_reason) == ("stop", "42")


def test_a_stop_string_may_be_kept():
    assert plan(stop=("42",), include_stop=True).text_of("content").endswith("is 42")


def test_a_stop_string_across_tokens_is_found():
    assert plan(stop=("wer is 4",)).text_of("content") == "\n\nThe ans"


def test_the_first_of_several_stop_strings_counts():
    assert plan(stop=("more", "42")).stop_reason == "42"


def test_a_stop_string_before_min_tokens_does_not_count():
    assert plan(stop=("think",), min_tokens=10).stop_reason is None


@given(st.text(alphabet="abc ", min_size=1, max_size=60), st.text(alphabet="abc ", min_size=1, max_size=4))
def test_the_text_before_a_stop_string_is_what_a_search_gives(content, stop):
    made = plan(Reply(content=content), stop=(stop,))
    expected = content.split(stop)[0] if stop in content else content
    assert made.text_of("content") == expected


def test_a_call_shows_its_name_and_then_its_arguments():
    made = plan(Reply(tool_calls=(ToolCall("get_weather", '{"city": "Paris"}'),)))
    assert made.text_of("call") == "get_weather"
    assert made.text_of("arguments") == '{"city": "Paris"}'


def test_no_blank_line_shows_between_thinking_and_a_call():
    made = plan(Reply(reasoning="I call.", tool_calls=(ToolCall("f", "{}"),)))
    assert made.text_of("content") == ""


def test_an_endless_plan_goes_on_with_filler():
    made = plan(faults=("endless-stream",))
    assert made.output_tokens is None
    assert len(made.take(0, 5000)) == 5000
    assert len(made.take(4990, 5000)) == 10
