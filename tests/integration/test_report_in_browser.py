"""The report in a headless Chromium: what a reader meets in light, dark, on a phone and on paper."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from qwen_infra.benchmark.slo import parse_regression
from qwen_infra.planning import make_plans
from qwen_infra.reports import render_page, view_stack
from qwen_infra.settings import load_stack_deployments
from tests.browser import open_browser, read_axe
from tests.unit.reports.records import (
    MINIATURE,
    build_benchmark,
    build_case,
    build_records,
    build_sweep,
    build_verification,
)

ROOT = Path(__file__).parents[2]
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "is_mobile": True},
}
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
TOO_WIDE = """[...document.querySelectorAll('body *')].filter(one => !one.closest('.scroll, .hidden, .skip, svg')
    && one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(one => one.outerHTML.slice(0, 99))"""
CLIPPED = """[...document.querySelectorAll('svg')].flatMap(svg => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter(text => {
        const own = text.getBoundingClientRect();
        return own.left < box.left - 1 || own.right > box.right + 1
            || own.top < box.top - 1 || own.bottom > box.bottom + 1;
    }).map(text => svg.querySelector('title').textContent + ': ' + text.textContent);
})"""


@dataclass
class Watched:
    """A page, what it wrote to the console, and what it asked for beside itself."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything on it: a GPU's series with a regression, a stand-in's, failures, sweeps, a plan."""
    runs = [build_benchmark(number, output_throughput=1000.0 - 150 * (number == 4)) for number in range(5)]
    simulated = [build_benchmark(number, MINIATURE) for number in (5, 6)]
    failed = build_case("chat-thinking-on", "failed", family="thinking", expected="thinking", actual="no " * 80)
    records = build_records(
        *runs,
        *simulated,
        baseline=runs[1],
        verifications=(build_verification(1), build_verification(2, build_case(), failed)),
        sweeps=(build_sweep(),),
    )
    plans = make_plans(load_stack_deployments(ROOT, "gb200"), "gb200")
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_page([view_stack(records, plans, regression=parse_regression(10, None))]), "utf-8")
    return path


@pytest.fixture(params=VIEWS)
def watched(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    settings = VIEWS[request.param]
    context = browser.new_context(**settings, offline=True, bypass_csp=False)
    found = Watched(context.new_page())
    found.page.on("console", lambda message: found.console.append(message.text))
    found.page.on("pageerror", lambda error: found.console.append(str(error)))
    found.page.on("request", lambda asked: found.requests.append(asked.url))
    found.page.goto(report.as_uri())
    yield found
    context.close()


def test_it_opens_offline_and_asks_for_nothing_but_itself(watched: Watched, report: Path) -> None:
    watched.page.evaluate(OPEN_ALL)
    watched.page.mouse.wheel(0, 20_000)
    assert watched.console == []
    assert [url for url in watched.requests if not url.startswith("data:")] == [report.as_uri()]


def test_nothing_is_wider_than_the_screen_but_tables_that_scroll(watched: Watched) -> None:
    watched.page.evaluate(OPEN_ALL)
    assert watched.page.evaluate(TOO_WIDE) == []


def test_no_text_of_a_picture_is_cut_off(watched: Watched) -> None:
    assert watched.page.evaluate(CLIPPED) == []


def test_pictures_follow_light_and_dark(browser: Browser, report: Path) -> None:
    found = {}
    for theme in ("light", "dark"):
        page = browser.new_page(color_scheme=theme)
        page.goto(report.as_uri())
        found[theme] = page.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill")
        page.close()
    assert found == {"light": "rgb(22, 25, 29)", "dark": "rgb(232, 235, 239)"}


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_fault_in_its_accessibility(browser: Browser, report: Path, view: str) -> None:
    settings = VIEWS[view]
    context = browser.new_context(**settings, bypass_csp=True)  # axe is a script, and the page allows none
    page = context.new_page()
    page.goto(report.as_uri())
    page.evaluate(OPEN_ALL)
    page.evaluate(read_axe())
    found = page.evaluate("axe.run()")
    context.close()
    assert [
        (fault["id"], node["html"][:120], node["failureSummary"])
        for fault in found["violations"]
        for node in fault["nodes"]
    ] == []
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}


def test_it_prints_in_black_on_white_with_all_cases_and_every_picture(browser: Browser, report: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(report.as_uri())
    pictures = page.locator("figure svg").count()
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill") == "rgb(0, 0, 0)"
    assert page.locator("figure svg").count() == pictures
    assert all(page.locator("figure svg").nth(place).is_visible() for place in range(pictures))
    assert page.locator("details.family td").first.is_visible()
    assert not page.locator("nav").first.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()


def test_a_mark_tells_its_run_when_pointed_at(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    titles = page.locator("svg use title").all_text_contents()
    assert "2026-11-01 16:00: 850 tok/s" in titles
    page.close()
