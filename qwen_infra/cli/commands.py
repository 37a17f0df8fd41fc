"""Which commands there are: one entry each, so that a command costs nothing until it is called.

To add one: write ``qwen_infra/cli/<module>.py`` with a typed function (or, for a group, a ``typer.Typer``) and an entry
here. The function's docstring is the help: its first line is the summary below, ``Example: qwen-infra …`` its end.
"""

from dataclasses import dataclass

__all__ = ["COMMANDS", "Command"]


@dataclass(frozen=True)
class Command:
    """One command.

    Args:
        section: heading under which ``--help`` lists it.
        name: what is typed after ``qwen-infra``.
        target: ``module:attribute`` of a function or a ``typer.Typer``; imported when the command runs.
        summary: what it does, in the words of the first line of its help, without the full stop.
    """

    section: str
    name: str
    target: str
    summary: str


_PLAN = "Before a deployment"
_CHECK = "Is it correct, is it fast"
_TEAM = "As a team"
_USE = "Using an endpoint"
_MACHINE = "On this machine"

COMMANDS = (
    Command(_PLAN, "init", "qwen_infra.cli.init:init", "Write a stack file that previews, from three questions"),
    Command(_PLAN, "doctor", "qwen_infra.cli.doctor:doctor", "Find what is missing on this machine and on the cluster"),
    Command(_PLAN, "fit", "qwen_infra.cli.fit:fit", "Predict memory, cache blocks and concurrency"),
    Command(_PLAN, "recommend", "qwen_infra.cli.recommend:recommend", "Rank the models that fit on some GPUs"),
    Command(_PLAN, "render", "qwen_infra.cli.render:render", "Print the Kubernetes objects that a stack deploys"),
    Command(_PLAN, "image", "qwen_infra.cli.image:app", "Name container images by content"),
    Command(_PLAN, "model", "qwen_infra.cli.model:app", "Name models by commit"),
    Command(_PLAN, "schema", "qwen_infra.cli.schema:schema", "Print the JSON Schema of the stack file"),
    Command(
        _PLAN, "download", "qwen_infra.cli.download:download", "Download a model so that it is whole and the right one"
    ),
    Command(_CHECK, "verify", "qwen_infra.cli.verify:verify", "Prove that a server answers correctly"),
    Command(_CHECK, "bench", "qwen_infra.cli.bench:bench", "Measure how fast a server answers"),
    Command(_CHECK, "sweep", "qwen_infra.cli.sweep:sweep", "Find the concurrency beyond which a server gives no more"),
    Command(
        _CHECK,
        "capacity",
        "qwen_infra.cli.capacity:capacity",
        "Tell cost, replicas and drain time from a kept benchmark",
    ),
    Command(_CHECK, "history", "qwen_infra.cli.history:history", "List the benchmarks that were kept, oldest first"),
    Command(_CHECK, "collect", "qwen_infra.cli.collect:collect", "Keep the results of scheduled verifications"),
    Command(_CHECK, "report", "qwen_infra.cli.report:report", "Write one HTML page of what was proven and measured"),
    Command(_CHECK, "baseline", "qwen_infra.cli.baseline:app", "Choose the run that the next ones are compared with"),
    Command(
        _TEAM,
        "stacks",
        "qwen_infra.cli.stacks:stacks",
        "List the stacks of this folder, or those a change touches",
    ),
    Command(_TEAM, "policy", "qwen_infra.cli.policy:policy", "Hold a stack against the rules"),
    Command(_TEAM, "drift", "qwen_infra.cli.drift:drift", "Say how what runs differs from what was deployed"),
    Command(_TEAM, "fleet", "qwen_infra.cli.fleet:app", "See what all stacks run, and roll a change through them"),
    Command(_TEAM, "comment", "qwen_infra.cli.comment:comment", "Tell a reviewer what a pull request would deploy"),
    Command(
        _USE,
        "client-config",
        "qwen_infra.cli.client_config:client_config",
        "Print ready-to-use settings of a client for an endpoint",
    ),
    Command(_USE, "chat", "qwen_infra.cli.chat:chat", "Talk to the model in the terminal"),
    Command(_USE, "connect", "qwen_infra.cli.connect:connect", "Open a local URL to an endpoint and keep it alive"),
    Command(_MACHINE, "demo", "qwen_infra.cli.demo:demo", "Deploy the gb200 stack on a simulated cluster"),
    Command(_MACHINE, "local", "qwen_infra.cli.local:app", "Run real Kubernetes with simulated GPU nodes"),
)
"""In the order of ``--help``: sections as they first appear, commands as they are listed."""
