from qwen_infra.cli.examples import split_examples


def test_one_example_follows_the_word():
    assert split_examples("Does it.\n\nExample: qwen-infra verify --url X") == (
        "Does it.",
        ["qwen-infra verify --url X"],
    )


def test_several_examples_stand_one_a_line_and_may_go_on_in_the_next():
    text, examples = split_examples("""Does it.

        Examples:
            qwen-infra fit --stack gb200
            qwen-infra fit --model M
              --tp 4
        """)

    assert text == "Does it."
    assert examples == ["qwen-infra fit --stack gb200", "qwen-infra fit --model M \\\n  --tp 4"]


def test_a_docstring_without_examples_stays_as_it_is():
    assert split_examples("Does it.") == ("Does it.", [])
