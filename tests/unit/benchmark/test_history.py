import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from qwen_infra.benchmark import find_latest, list_results, read_result, write_result
from qwen_infra.errors import ConfigurationError
from tests.unit.benchmark.sample_result import build_result


def test_a_report_is_read_back_as_written(tmp_path):
    result = build_result()
    path = write_result(result, root=tmp_path, stack="gb200", kind="benchmark")
    assert path.parent == tmp_path / "gb200"
    assert read_result(path) == json.loads(result.model_dump_json())


def test_the_latest_of_a_kind_is_found(tmp_path):
    for number in range(5):
        write_result({"number": number}, root=tmp_path, stack="gb200", kind="benchmark")
    write_result({"number": 99}, root=tmp_path, stack="gb200", kind="verification")
    latest = find_latest(root=tmp_path, stack="gb200", kind="benchmark")
    assert latest is not None
    assert read_result(latest) == {"number": 4}


def test_without_results_there_is_no_latest(tmp_path):
    assert find_latest(root=tmp_path, stack="gb200", kind="benchmark") is None


def test_a_qualified_stack_keeps_its_last_part(tmp_path):
    assert write_result({}, root=tmp_path, stack="org/project/gb200", kind="benchmark").parent == tmp_path / "gb200"


def test_many_writers_lose_nothing_and_leave_no_drafts(tmp_path):
    def write(number: int) -> None:
        write_result({"number": number}, root=tmp_path, stack="gb200", kind="benchmark")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(60)))
    kept = list_results(root=tmp_path, stack="gb200", kind="benchmark")
    assert sorted(read_result(path)["number"] for path in kept) == list(range(60))
    assert len(list((tmp_path / "gb200").iterdir())) == 60


@pytest.mark.parametrize(
    ("stack", "kind"), [("", "benchmark"), ("a/..", "benchmark"), ("gb200", "../x"), ("gb200", "")]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, stack, kind):
    with pytest.raises(ConfigurationError):
        write_result({}, root=tmp_path, stack=stack, kind=kind)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "gb200").write_text("a file in the way")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_result({}, root=tmp_path, stack="gb200", kind="benchmark")


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_a_file_that_is_no_result_is_told(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ConfigurationError, match="result"):
        read_result(tmp_path / "x.json")
