"""A verification report as JUnit XML, which every CI shows. Attributes as Jenkins and GitLab read them."""

from xml.etree import ElementTree

from qwen_infra.verification.result import CaseResult, VerificationReport

__all__ = ["render_junit"]


def render_junit(report: VerificationReport) -> str:
    """The report as one XML document, with its line end."""
    counts = {status: sum(case.status == status for case in report.cases) for status in ("failed", "skipped")}
    suite = ElementTree.Element(
        "testsuite",
        name=f"qwen-infra verify {report.level}",
        tests=str(len(report.cases)),
        failures=str(counts["failed"]),
        skipped=str(counts["skipped"]),
        errors="0",
        time=f"{report.duration_s:.3f}",
        timestamp=report.started_at.isoformat(timespec="seconds"),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("url", report.url),
        ("model", report.model),
        ("made_with", report.provenance.description),
        ("simulated", str(report.simulated).lower()),
        ("suite_version", report.suite_version),
    ):
        ElementTree.SubElement(properties, "property", name=name, value=_printable(value))
    for case in report.cases:
        suite.append(_render_case(case))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _render_case(case: CaseResult) -> ElementTree.Element:
    element = ElementTree.Element(
        "testcase", classname=f"verification.{case.family}", name=case.id, time=f"{case.duration_s:.3f}"
    )
    if case.status == "failed":
        failure = ElementTree.SubElement(element, "failure", message=_printable(case.detail))
        lines = (
            ("proves", case.proves),
            ("expected", case.expected),
            ("came", case.actual),
            ("request", case.request_id),
        )
        failure.text = _printable("\n".join(f"{label}: {value}" for label, value in lines if value))
    elif case.status == "skipped":
        ElementTree.SubElement(element, "skipped", message=_printable(case.detail))
    return element


def _printable(text: str) -> str:
    """Without what XML 1.0 cannot hold: control characters and lone surrogates."""
    return "".join(
        character
        if character in "\n\t" or (character.isprintable() and not 0xD800 <= ord(character) <= 0xDFFF)
        else "?"
        for character in text
    )
