"""The page as text: what it says, what it cannot do, and that nothing of a result becomes part of its markup."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from qwen_infra.benchmark.slo import parse_regression
from qwen_infra.planning import make_plans
from qwen_infra.reports import StackRecords, render_page, view_stack
from qwen_infra.reports.records import Unreadable
from qwen_infra.settings import load_stack_deployments
from tests.unit.reports.records import (
    LARGE,
    MINIATURE,
    build_benchmark,
    build_case,
    build_records,
    build_sweep,
    build_verification,
)

ROOT = Path(__file__).parents[3]
CSS = ROOT / "qwen_infra/reports/templates/report.css"
EVIL = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)> $x^2$ ' \" & \x00"


def render(records: StackRecords, *, with_plan: bool = False, **more: Any) -> str:
    plans = make_plans(load_stack_deployments(ROOT, "gb200"), "gb200") if with_plan else ()
    return render_page([view_stack(records, plans, regression=parse_regression(10, None), **more)])


@pytest.fixture(scope="module")
def full() -> str:
    runs = [build_benchmark(number, output_throughput=1000.0 - 150 * (number == 4)) for number in range(5)]
    wider = build_benchmark(0, deployment=LARGE.model_copy(update={"gpus": 8}))
    return render(
        build_records(
            wider,
            *runs,
            baseline=runs[1],
            verifications=(
                build_verification(1, build_case("a"), build_case("b", "failed", expected="4", actual="5")),
            ),
            sweeps=(build_sweep(),),
            unreadable=(Unreadable("benchmark-x.json", "the result cannot be read"),),
        ),
        with_plan=True,
    )


NOTHING: dict[str, Any] = {
    f"{statistic}_{name}_ms": None
    for name in ("ttft", "tpot", "itl", "e2el")
    for statistic in ("mean", "median", "p99")
}


class Markup(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def test_every_part_is_there(full: str) -> None:
    for heading in (
        "Deployment",
        "Memory of one GPU",
        "Verification",
        "Latency percentiles",
        "Distribution of time to first token",
        "Requests over time",
        "Output throughput over 5 runs",
        "Throughput against concurrency",
        "Two runs compared",
        "Kept benchmarks (6)",
        "ttft.first-choices-chunk.v1",
        "benchmark-x.json",
    ):
        assert heading in full, heading


def test_a_regression_is_said_in_words(full: str) -> None:
    assert "✗ 1 worse" in full
    assert "1 later run is more than 10 % worse in something" in full
    assert "✗ worse than the baseline allows" in full


def test_a_failed_case_shows_what_was_expected_and_what_came(full: str) -> None:
    assert "<dt>expected</dt><dd><code>4</code></dd><dt>came</dt><dd><code>5</code></dd>" in full


def test_the_page_has_no_script_and_refers_to_nothing_outside(full: str) -> None:
    for tag, attributes in Markup(full).elements:
        assert tag not in {"script", "iframe", "object", "embed", "base", "form"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:,")), (tag, name, value)
    assert "default-src 'none'" in full
    assert "url(http" not in full


def test_ids_are_unique_and_every_reference_has_its_target(full: str) -> None:
    elements = Markup(full).elements
    ids = Counter(attributes["id"] for _, attributes in elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    referred = {
        value
        for _, one in elements
        for name in ("href", "xlink:href")
        if (value := one.get(name) or "").startswith("#")
    }
    referred |= {f"#{name}" for name in re.findall(r"url\(#([^)]+)\)", full)}
    labels = {f"#{name}" for _, one in elements for name in (one.get("aria-labelledby") or "").split()}
    assert {name.removeprefix("#") for name in referred | labels} - set(ids) == set()


def test_every_picture_has_a_name_and_a_description(full: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", full, re.DOTALL)
    assert len(pictures) > 10
    for picture in pictures:
        assert re.match(r"<svg [^>]*role=\"img\"", picture)
        assert re.search(r"<title id=[^>]*>[^<]{8,}</title><desc id=[^>]*>[^<]{8,}</desc>", picture)


def test_pictures_have_the_pages_colours_and_no_others(full: str) -> None:
    pictures = " ".join(re.findall(r"<svg.*?</svg>", full, re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}\b", pictures)) == set()


def test_nothing_of_a_result_becomes_markup() -> None:
    facts = LARGE.model_copy(update={"server": EVIL, "image": EVIL, "arguments": EVIL, "model": EVIL})
    provenance = MINIATURE.model_copy(update={"description": EVIL, "server_version": EVIL, "hardware": EVIL})
    runs = [
        build_benchmark(
            number,
            provenance,
            deployment=facts,
            model_id=EVIL,
            notes=(EVIL,),
            prompts=EVIL,
            failed=1,
            errors={EVIL: 1},
            error_examples={EVIL: EVIL},
            partial=True,
            partial_because=EVIL,
        )
        for number in range(2)
    ]
    case = build_case(
        EVIL, "failed", detail=EVIL, proves=EVIL, family=EVIL, expected=EVIL, actual=EVIL, request_id=EVIL
    )
    verified = build_verification(1, case, provenance=provenance, server=EVIL)
    page = render(build_records(*runs, verifications=(verified,), unreadable=(Unreadable(EVIL, EVIL),)), note=EVIL)
    tags = {tag for tag, _ in Markup(page).elements}
    assert not tags & {"script", "img"}
    assert "<script" not in page.lower()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_what_a_stand_in_made_is_marked_wherever_it_appears() -> None:
    records = build_records(
        build_benchmark(1, MINIATURE),
        build_benchmark(2, MINIATURE),
        verifications=(build_verification(1, provenance=MINIATURE),),
        sweeps=(build_sweep(MINIATURE),),
    )
    page = render(records)
    assert "Some of these results are simulated" in page
    assert "These figures do not come from a GPU" in page
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert [picture for picture in pictures if "SIMULATED" not in picture] == []
    assert page.count('class="badge simulated"') >= 8


def test_a_page_of_gpus_only_says_nothing_of_simulation(full: str) -> None:
    assert "SIMULATED" not in full
    assert "simulated" not in re.sub(r"<style>.*?</style>", "", full, flags=re.DOTALL)


@pytest.mark.parametrize(
    "records",
    [
        build_records(build_benchmark(1, distributions={}, timeline={})),
        build_records(verifications=(build_verification(1),)),
        build_records(sweeps=(build_sweep(),)),
        build_records(build_benchmark(1, completed=0, success_rate=0.0, distributions={}, **NOTHING)),
        build_records(unreadable=(Unreadable("a", "b"),)),
    ],
    ids=["percentiles only", "verification only", "sweep only", "nothing answered", "unreadable only"],
)  # fmt: skip
def test_whatever_is_missing_the_page_says_so(records: StackRecords) -> None:
    page = render(records)
    assert page.startswith("<!doctype html>")
    assert "None" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def colours(theme: str) -> dict[str, str]:
    """The CSS variables of ``light``, ``dark`` or ``print``."""
    blocks = re.findall(r":root \{(.*?)\}", CSS.read_text("utf-8"), re.DOTALL)
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[("light", "dark", "print").index(theme)]))


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_text_and_marks_stand_out_from_their_ground(theme: str) -> None:
    found = colours(theme)
    for ground in ("surface", "page"):
        for name in ("ink", "muted", "link", "good", "bad", "warn"):
            assert contrast(found[name], found[ground]) >= 4.5, (theme, name, ground)
        for number in range(1, 5):
            assert contrast(found[f"series-{number}"], found[ground]) >= 3, (theme, number, ground)
    assert contrast(found["warn"], found["warn-surface"]) >= 4.5
