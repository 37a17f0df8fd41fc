"""A review as Markdown for a pull request: what matters in five lines, everything else folded."""

from collections.abc import Iterator, Sequence

from qwen_infra.benchmark import REFERENCE_FIGURES
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
        yield f"Last proof of {proof.server}", _proof_table(proof)
    for change in review.objects:
        yield change.title, _diff(change)


def _server_table(server: ServerChange) -> list[str]:
    rows = [f"| {label} | {before or '–'} | {after or '–'} |" for label, before, after in server.rows]
    return ["| | before | after |", "|---|---|---|", *rows]


def _proof_table(proof: Proof) -> list[str]:
    """The last benchmark against its baseline: the reference deployment's figures, where it ran that workload."""
    baseline = REFERENCE_FIGURES if proof.benchmark.startswith("benchmark reference") else {}
    measured = [(label, proof.figures[key], baseline.get(key, "–")) for key, label in _FIGURES if key in proof.figures]
    rows = [f"| {label} | {value} | {reference} |" for label, value, reference in measured]
    table = ["", "| last benchmark | measured | reference, 4 x GB200 |", "|---|---|---|", *rows] if rows else []
    said = [_inline(proof.verification), _inline(proof.benchmark), f"made with: {_inline(proof.made_with)}"]
    return [*(f"- {line}" for line in said), *table]


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
