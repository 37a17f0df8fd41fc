from qwen_infra.benchmark import REFERENCE_FIGURES, WORKLOADS, render_benchmark_table
from tests.unit.benchmark.sample_result import MINIATURE, build_result


def line_of(table: str, label: str) -> str:
    return next(line for line in table.splitlines() if line.startswith(label))


def test_the_reference_column_stands_beside_the_result():
    table = render_benchmark_table(build_result(mean_ttft_ms=7500.123), reference=REFERENCE_FIGURES)
    assert line_of(table, "Mean TTFT (ms)").split()[-2:] == ["7500.12", "308.19"]


def test_every_figure_of_the_reference_is_shown_once():
    table = render_benchmark_table(build_result(), reference=REFERENCE_FIGURES)
    cells = [line.split()[-2:] for line in table.splitlines()]
    rows = [pair[1] for pair in cells if len(pair) == 2 and pair[0] == pair[1]]
    assert sorted(map(float, rows)) == sorted(REFERENCE_FIGURES.values())


def test_it_keeps_to_80_columns_whatever_the_texts():
    result = build_result(
        MINIATURE,
        errors={"protocol": 3},
        error_examples={"protocol": "the connection broke " * 20},
        partial=True,
        partial_because="the server is gone: " + "no connection " * 20,
        notes=("some answers were short " * 10,),
        workload=WORKLOADS["reference"].model_copy(update={"name": "a" * 60}),
    )
    table = render_benchmark_table(result, reference=REFERENCE_FIGURES)
    assert max(map(len, table.splitlines())) <= 80


def test_the_heading_says_what_answered():
    assert "on the CPU with a miniature model" in render_benchmark_table(build_result(MINIATURE)).splitlines()[0]


def test_figures_of_a_stand_in_are_marked_as_such():
    assert "do not come from a GPU" in render_benchmark_table(build_result(MINIATURE))
    assert "do not come from a GPU" not in render_benchmark_table(build_result())


def test_a_figure_without_a_value_is_a_dash():
    assert line_of(render_benchmark_table(build_result(mean_ttft_ms=None)), "Mean TTFT").endswith(" -")


def test_without_a_reference_there_is_one_column():
    assert "GB200" not in line_of(render_benchmark_table(build_result()), "Mean TTFT")
    assert len(line_of(render_benchmark_table(build_result()), "Mean TTFT (ms)").split()) == 4
