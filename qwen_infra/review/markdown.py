"""A review as Markdown for a pull request: what matters in five lines, everything else folded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qwen_infra.benchmark import REFERENCE_FIGURES
from qwen_infra.benchmark.definitions import require_definition
from qwen_infra.review.downtime import Downtime
from qwen_infra.review.manifest_diff import ObjectChange
from qwen_infra.review.review import Proof, Review
from qwen_infra.review.server_change import ServerChange

__all__ = ["MARKER", "render_comment"]

MARKER = "<!-- qwen-infra preview -->"
"""First line of every comment, by which the next run finds the one to replace."""
LONGEST = 60_000
"""GitHub refuses a comment of more than 65536 characters."""
_LONGEST_DIFF_LINES = 120
_SAME_PERCENT = 0.05
"""What would be shown as 0.0 %."""
_FIGURES = (
    ("mean_ttft_ms", "mean TTFT (ms)"),
    ("p99_ttft_ms", "p99 TTFT (ms)"),
    ("mean_tpot_ms", "mean TPOT (ms)"),
    ("p99_tpot_ms", "p99 TPOT (ms)"),
    ("output_throughput", "output throughput (tok/s)"),
    ("request_throughput", "requests a second"),
)


def render_comment(reviews: Sequence[Review]) -> str:
    """One comment for all stacks, in the order of their names; never longer than a comment may be."""
    ordered = sorted(reviews, key=lambda review: review.stack)
    text = "\n".join([MARKER, *(line for review in ordered for line in _summary(review))])
    details = [
        _fold(title if len(ordered) == 1 else f"{review.stack}: {title}", lines)
        for review in ordered
        for title, lines in _details(review)
    ]
    left_out = 0
    for detail in details:
        if len(text) + len(detail) > LONGEST:
            left_out += 1
        else:
            text += f"\n{detail}"
    if left_out:
        why = "since a comment has a longest length: see `pulumi preview --diff`"
        text += f"\n\n{_count(left_out, 'section')} left out, {why}."
    text = text.encode("utf-8", "replace").decode()  # half a character of somebody's text cannot be printed
    return text.rstrip() + "\n"


def _summary(review: Review) -> Iterator[str]:
    yield f"### `{review.stack}`: {_headline(review)}"
    yield ""
    for error in review.errors:
        yield f"- **cannot be deployed**: {_inline(error)}"
    for line in review.policies:
        yield f"- {_inline(line)}"
    yield from _changes(review)
    for server in review.servers:
        yield from _server_line(server)
    if review.cost and review.cost[0] != review.cost[1]:
        yield f"- cost: {review.cost[0]} → {review.cost[1]}"
    elif review.cost:
        yield f"- cost: {review.cost[1]}, unchanged"
    elif review.servers:
        told = " → ".join(dict.fromkeys(review.gpus))
        yield f"- GPUs: {told} (no price is set: `operations.pricePerGpuHour`)"
    for proof in review.proofs:
        yield from _baseline_line(proof)
    if not review.policies and not review.errors:
        yield "- policy: no rule is violated, as far as this stack takes them (`policy.level`)"
    for line in review.warnings:
        yield f"- warning: {_inline(line)}"
    yield ""


def _headline(review: Review) -> str:
    if review.errors:
        return f"**the preview fails** ({_count(len(review.errors), 'error')})"
    if not review.changes:
        return "no changes"
    parts = [_count(len(review.objects), "object"), f"{_count(len(review.checks), 'check')} to run"]
    longest = max((item.longest_s for item in review.downtimes), default=0)
    parts.append(f"at most {_minutes(longest)} without answers" if longest else "no downtime expected")
    return ", ".join(parts)


def _changes(review: Review) -> Iterator[str]:
    for verb in ("create", "change", "replace", "delete"):
        names = [f"{item.kind} `{item.name}`" for item in review.objects if item.verb == verb]
        if names:
            shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
            yield f"- {verb}: {shown}"
    for downtime in review.downtimes:
        yield f"- downtime of `{downtime.server}`: {_downtime(downtime)}"
    for check in review.checks:
        first, more = check.reasons[0], len(check.reasons) - 1
        yield f"- {check.check} runs: {_inline(first)}{f' (and {more} more)' if more else ''}"


def _downtime(downtime: Downtime) -> str:
    longest = f"at most {_minutes(downtime.longest_s)}" if downtime.longest_s else "none"
    return f"{longest} ({downtime.reason})"


def _server_line(server: ServerChange) -> Iterator[str]:
    rows = {label: (before, after) for label, before, after in server.rows}
    cache, at_once = rows["of it KV cache"], rows["full-length requests at once"]
    if cache[1] is not None:
        what = f"KV cache {_arrow(*cache)} per GPU, full-length requests at once {_arrow(*at_once)}"
        yield f"- memory of `{server.name}` (predicted): fits; {what}"


def _details(review: Review) -> Iterator[tuple[str, list[str]]]:
    for server in review.servers:
        yield f"Memory and size of {server.name}", _server_table(server)
    if review.checks:
        rows = [f"- {item.check} (`{item.name}`): {_inline(why)}" for item in review.checks for why in item.reasons]
        yield "Why checks run", rows
    for proof in review.proofs:
        yield f"Last proof of {proof.server}", _proof_table(proof, review.stack)
    for change in review.objects:
        yield change.title, _diff(change)


def _server_table(server: ServerChange) -> list[str]:
    rows = [f"| {label} | {before or '–'} | {after or '–'} |" for label, before, after in server.rows]
    return ["| | before | after |", "|---|---|---|", *rows]


def _baseline_line(proof: Proof) -> Iterator[str]:
    """The figures that a reader asks for first, against the baseline; nothing where none was set."""
    told = [
        f"{label} {proof.figures[key]}, {_change(key, proof)}"
        for key, label in (_FIGURES[4], _FIGURES[1])
        if key in proof.figures and _change(key, proof)
    ]
    if told:
        yield f"- last benchmark of `{proof.server}` against its baseline: {'; '.join(told)}"


def _proof_table(proof: Proof, stack: str) -> list[str]:
    """The last checks, and the benchmark's figures beside the baseline's and, for its workload, the reference's."""
    reference = REFERENCE_FIGURES if proof.benchmark.startswith("benchmark reference") else {}
    columns: dict[str, Mapping[str, Any]] = {"measured": proof.figures}
    if proof.baseline:
        columns["baseline"] = proof.baseline
        columns["change"] = {key: _change(key, proof) for key, _ in _FIGURES}
    if reference:
        columns["reference, 4 x GB200"] = reference
    measured = [(key, label) for key, label in _FIGURES if key in proof.figures]
    said = [_inline(proof.verification), _inline(proof.benchmark), f"made with: {_inline(proof.made_with)}"]
    if measured and not proof.baseline:
        said.append(f"no baseline to compare with: `qwen-infra baseline set --stack {stack}`")
    lines = [f"- {line}" for line in said]
    if not measured:
        return lines
    head = f"| last benchmark | {' | '.join(columns)} |"
    rows = [
        f"| {label} | {' | '.join(_cell(values.get(key)) for values in columns.values())} |" for key, label in measured
    ]
    return [*lines, "", head, "|---" * (1 + len(columns)) + "|", *rows]


def _cell(value: Any) -> str:
    return "–" if value is None or value == "" else str(value)


def _change(key: str, proof: Proof) -> str:
    """Against the baseline, in percent, and whether that is better; empty where one of both is missing."""
    measured, before = proof.figures.get(key), proof.baseline.get(key)
    if not isinstance(measured, int | float) or not isinstance(before, int | float) or not before:
        return ""
    change = 100 * (measured - before) / before
    if abs(change) < _SAME_PERCENT:
        return "the same"
    direction = require_definition(key).better == "higher"
    return f"{change:+.1f} % ({'better' if (change > 0) == direction else 'worse'})"


def _diff(change: ObjectChange) -> list[str]:
    if not change.diff:
        return ["Only values change that are secret or known after the deployment."]
    shown = list(change.diff[:_LONGEST_DIFF_LINES])
    if len(change.diff) > _LONGEST_DIFF_LINES:
        shown.append(f"  … {len(change.diff) - _LONGEST_DIFF_LINES} more lines")
    fence = "`" * max(3, 1 + max((_run(line) for line in shown), default=0))
    return [f"{fence}diff", *shown, fence]


def _run(line: str) -> int:
    """The longest run of backquotes, since a fence must be longer."""
    longest = current = 0
    for character in line:
        current = current + 1 if character == "`" else 0
        longest = max(longest, current)
    return longest


def _fold(title: str, lines: Sequence[str]) -> str:
    body = "\n".join(lines)
    return f"<details><summary>{_escape(title)}</summary>\n\n{body}\n\n</details>"


def _inline(text: str) -> str:
    """A line of somebody else's text, which cannot begin a block or a tag of its own."""
    return _escape(" ".join(text.split()))


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "\\|")


def _arrow(before: str | None, after: str | None) -> str:
    return f"{before} → {after}" if before is not None and before != after else f"{after}"


def _minutes(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
