"""``qwen-infra policy``: the rules over the manifests of a stack, without a cluster and without Pulumi."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["policy"]


def policy(
    stack: Annotated[
        str | None, typer.Option(help="Stack whose file Pulumi.<stack>.yaml is read; default: the rules.")
    ] = None,
    pack_config: Annotated[
        Path | None, typer.Option(help="Configuration of the CrossGuard pack to check; the engine takes any.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Hold a stack against the rules; exit code 1 when a mandatory one is broken.

    Examples:
    qwen-infra policy
    qwen-infra policy --stack gb200
    """
    from dataclasses import asdict

    from qwen_infra.cli.output import print_json
    from qwen_infra.planning import make_plans
    from qwen_infra.policy import RULES
    from qwen_infra.policy.gate import evaluate_plans
    from qwen_infra.policy.pack_configuration import check_pack_configuration
    from qwen_infra.settings import load_stack_deployments

    if pack_config is not None:
        check_pack_configuration(pack_config)
    if stack is None:
        rules = [{"rule": rule.name, "says": rule.says, "mandatory_in": sorted(rule.strict_in)} for rule in RULES]
        if as_json:
            print_json(rules)
        else:
            for rule in RULES:
                print(f"{rule.name:<22}{', '.join(sorted(rule.strict_in)) or 'everywhere':<16}{rule.says}")
        return
    plans = make_plans(load_stack_deployments(Path(), stack))
    findings = evaluate_plans(plans)
    failed = any(finding.level == "mandatory" for finding in findings)
    if as_json:
        print_json({"stack": stack, "passed": not failed, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            print(f"{finding.level:<10}{finding.rule:<22}{finding.place}: {finding.what}\n{'':<32}mend: {finding.mend}")
        broken = len({finding.rule for finding in findings})
        print(f"{stack}: {len(RULES) - broken} of {len(RULES)} rules hold")
    raise typer.Exit(1 if failed else 0)
