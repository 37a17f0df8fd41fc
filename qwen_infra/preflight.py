"""Whether a plan can work on a cluster as it is, judged before anything is created; in previews too.

Pure: plan and facts in, an error out. What only time can tell (a node that is full now) is the readiness wait's job.
"""

from collections.abc import Sequence

from qwen_infra.benchmark.gate import build_gate
from qwen_infra.cluster.facts import ClusterFacts, Node
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError
from qwen_infra.manifests import render_objects
from qwen_infra.manifests.custom_kinds import CUSTOM_KINDS, find_custom_kinds
from qwen_infra.manifests.names import MANAGED_BY, STACK_LABEL
from qwen_infra.manifests.permissions import list_permissions
from qwen_infra.placing import list_intolerable_taints
from qwen_infra.planning import DeploymentPlan
from qwen_infra.planning.demand import pod_demand
from qwen_infra.planning.operations import is_placeholder
from qwen_infra.planning.rollout import SLOTS, generation_name
from qwen_infra.registry.reference import parse_reference

__all__ = ["check_preflight"]


def check_preflight(plan: DeploymentPlan, facts: ClusterFacts, *, stack: str) -> None:
    """Refuse what cannot work.

    Raises:
        EnvironmentMissingError: no suitable node, a missing permission, a missing Secret.
        ConfigurationError: a namespace that this stack would take over, a named node that does not exist.
    """
    _check_placeholders(plan, facts, stack)
    build_gate(plan.benchmark)  # refuses an unknown workload or metric before the server is there
    _check_permissions(plan, facts)
    _check_namespace(plan, facts, stack)
    _check_claim(plan, facts)
    _check_names(plan, facts, stack)
    _check_kinds(plan, facts)
    _check_nodes(plan, facts)
    _check_weights_nodes(plan, facts)
    _check_secret(plan, facts)


def _check_placeholders(plan: DeploymentPlan, facts: ClusterFacts, stack: str) -> None:
    """A stack file may come with zeros where one's own commit and digest belong; only simulated nodes take them."""
    if facts.simulated:
        return
    if is_placeholder(plan.cache.revision):
        raise ConfigurationError(
            "the revision is a placeholder: nothing can be downloaded by it",
            where="qwen-infra:model.revision",
            found=plan.cache.revision,
            mend=f"qwen-infra model pin --stack {stack}",
        )
    if is_placeholder(plan.server.image):
        image = parse_reference(plan.server.image)
        raise ConfigurationError(
            "the image's digest is a placeholder: nothing can be pulled by it",
            where="qwen-infra:server.image",
            found=plan.server.image,
            mend=f"qwen-infra image pin {image.name}:{image.tag or 'v0.32.0'} --stack {stack}",
        )


def _check_permissions(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    """Every missing verb in one message, by resource."""
    needed = list_permissions(plan, namespace_exists=facts.namespace_labels is not None)
    missing = {
        (group, resource): refused
        for (group, resource), verbs in needed.items()
        if (refused := [verb for verb in verbs if not facts.allows(verb, group, resource)])
    }
    if missing:
        (_, resource), verbs = next(iter(missing.items()))
        question = f"kubectl auth can-i {verbs[0]} {resource} -n {plan.cluster.namespace}"
        named = ", ".join(
            f"{'/'.join(refused)} {name}{f'.{group}' if group else ''}" for (group, name), refused in missing.items()
        )
        raise EnvironmentMissingError(
            f"these credentials may not: {named}",
            where=f"namespace {plan.cluster.namespace}",
            mend=f"ask for a Role with them; try `{question}`",
        )


def _check_namespace(plan: DeploymentPlan, facts: ClusterFacts, stack: str) -> None:
    labels, namespace = facts.namespace_labels, plan.cluster.namespace
    if labels is None and not plan.cluster.create_namespace:
        raise EnvironmentMissingError(
            "the namespace does not exist, and the stack is told not to create it",
            where="qwen-infra:cluster.namespace",
            found=namespace,
            mend=f"kubectl create namespace {namespace}",
        )
    owner = (labels or {}).get(STACK_LABEL, stack)
    if labels is not None and plan.cluster.create_namespace and owner != stack:
        raise ConfigurationError(
            f"the namespace belongs to stack {owner}; two stacks may share it, and only one creates it",
            where="qwen-infra:cluster.namespace",
            found=namespace,
            mend="pulumi config set --path 'qwen-infra:cluster.createNamespace' false",
        )
    if (
        labels is not None
        and plan.cluster.create_namespace
        and labels.get("app.kubernetes.io/managed-by") != MANAGED_BY
    ):
        raise ConfigurationError(
            f"the namespace exists already and was not created by qwen-infra, so stack {stack} will not take it over",
            where="qwen-infra:cluster.namespace",
            found=namespace,
            mend="pulumi config set --path 'qwen-infra:cluster.createNamespace' false",
        )


def _check_claim(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    """A claim that exists lies in a namespace that exists."""
    claim, namespace = plan.cache.storage.claim_name, plan.cluster.namespace
    if claim is not None and facts.namespace_labels is None and plan.cluster.create_namespace:
        raise ConfigurationError(
            f"the claim {claim} cannot exist yet: the stack would first create its namespace",
            where="qwen-infra:cache.claimName",
            found=f"no namespace {namespace}",
            expected=f"the claim {namespace}/{claim}",
            mend=f"kubectl create namespace {namespace}, make the claim there, then pulumi config set --path "
            "'qwen-infra:cluster.createNamespace' false",
        )


def _check_names(plan: DeploymentPlan, facts: ClusterFacts, stack: str) -> None:
    """Two stacks may share a namespace, never an object."""
    keys = {"Service": "qwen-infra:endpoint.serviceName"}
    names = [generation_name(plan.server.name, slot) for slot in (SLOTS if plan.server.rollout.is_gated else SLOTS[:1])]
    makers = [(kind, name) for name in names for kind in ("Deployment", "LeaderWorkerSet")]
    for kind, name in (*makers, ("Service", plan.endpoint.service_name)):
        taken = (facts.objects or {}).get((kind, name))
        if taken is None or taken.labels.get(STACK_LABEL) == stack:
            continue
        owner = f"stack {taken.labels[STACK_LABEL]}" if STACK_LABEL in taken.labels else "somebody else"
        key = keys.get(kind, "qwen-infra:server.name")
        raise ConfigurationError(
            f"the namespace has a {kind} of this name already, which belongs to {owner}",
            where=key,
            found=f"{plan.cluster.namespace}/{name}",
            expected="a name that is free",
            mend=f"pulumi config set --path '{key}' {name[:30].strip('-')}-{stack[:9].lower()}",
        )


def _check_kinds(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    """Every missing kind in one message, each with what brings it and the command that installs it."""
    if facts.served_kinds is None:
        return
    missing = sorted(find_custom_kinds(render_objects(plan)) - facts.served_kinds)
    if missing:
        kinds = [CUSTOM_KINDS[item] for item in missing]
        raise EnvironmentMissingError(
            f"the cluster has no {' and no '.join(f'{kind} ({version})' for version, kind in missing)}, "
            f"which comes with {' and with '.join(dict.fromkeys(kind.part_of for kind in kinds))}",
            where=kinds[0].key,
            mend=" && ".join(dict.fromkeys(kind.install for kind in kinds)),
        )


def _check_nodes(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    server, gpu = plan.server, plan.server.gpu
    named = [node for node in facts.nodes if node.labels.get("kubernetes.io/hostname") == server.node]
    if server.node and not named:
        known = ", ".join(node.labels.get("kubernetes.io/hostname", node.name) for node in facts.nodes)
        raise ConfigurationError(
            "the cluster has no such node",
            where="qwen-infra:server.node",
            found=server.node,
            expected=f"one of: {known or 'the cluster has no node at all'}",
            mend="pulumi config set --path 'qwen-infra:server.node' <host name>",
        )
    candidates = named if server.node else list(facts.nodes)
    right = [node for node in candidates if gpu.is_on(node.labels)]
    if not right:
        label = gpu.node_label_key or ""
        seen = sorted({node.labels.get(label, "no GPU label") for node in candidates})
        raise EnvironmentMissingError(
            f"no {'such ' if server.node else ''}node has this GPU" if label else "the cluster has no node",
            where="qwen-infra:server.gpu",
            found=", ".join(seen) or "no node",
            expected=gpu.selector,
            mend=f"look with `kubectl get nodes{f' -L {label}' if label else ''}`, "
            "then choose that GPU or another cluster",
        )
    _check_taints(plan, right)
    _check_size(plan, right)


def _check_taints(plan: DeploymentPlan, right: Sequence[Node]) -> None:
    """At least one node must take the pods; what a node passes through by itself is not judged."""
    taints = [list_intolerable_taints(plan, node) for node in right]
    if all(taints):
        first = taints[0][0]
        path = f"qwen-infra:server.tolerations[{len(plan.server.pod.tolerations)}].key"
        raise EnvironmentMissingError(
            "every node that has what the server needs has a taint that its pods do not accept",
            where="qwen-infra:server.tolerations",
            found=", ".join(sorted({str(taint) for found in taints for taint in found})),
            mend=f"pulumi config set --path '{path}' {first.key}, or kubectl taint nodes <node> {first.key}-",
        )


def _check_size(plan: DeploymentPlan, right: Sequence[Node]) -> None:
    """One pod must fit on an empty node: its devices, processors and memory."""
    server, gpu = plan.server, plan.server.gpu
    for resource, count in gpu.devices.items():
        most = max(node.count(resource) for node in right)
        if most < count:
            raise EnvironmentMissingError(
                f"no node has enough GPUs for {_ranks(plan)}",
                where="qwen-infra:server.tensorParallelSize",
                found=f"at most {most} x {resource} on a {gpu.name} node",
                expected=f"{count}",
                mend=f"pulumi config set --path 'qwen-infra:server.tensorParallelSize' {most or 1}, or spread a "
                "replica over several nodes with qwen-infra:server.nodes",
            )
    for resource, key in (("cpu", "cpuRequest"), ("memory", "memoryRequest")):
        told = [node.amounts[resource] for node in right if resource in node.amounts]
        if told and max(told) < pod_demand(server)[resource]:
            largest = max(right, key=lambda node: node.amounts.get(resource, 0))
            raise EnvironmentMissingError(
                f"no node has enough {'processors' if resource == 'cpu' else resource} for a pod of {server.name}",
                where=f"qwen-infra:server.resources.{key}",
                found=f"at most {largest.allocatable[resource]}, on {largest.name}",
                expected=getattr(server.resources, f"{resource}_request"),
                mend=f"pulumi config set --path 'qwen-infra:server.resources.{key}' <less>, or a larger node",
            )


def _ranks(plan: DeploymentPlan) -> str:
    arguments = plan.server.arguments
    found = f"tensor parallel size {arguments.tensor_parallel_size}"
    if arguments.pipeline_parallel_size or arguments.data_parallel_size:
        found += (
            f", pipeline {arguments.pipeline_parallel_size or 1} and data {arguments.data_parallel_size or 1} on "
            f"{plan.server.nodes_per_replica} node(s)"
        )
    return found


def _check_weights_nodes(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    """Folders of nodes need names of nodes, as soon as the server could land on one without the weights."""
    cache, gpu = plan.cache, plan.server.gpu
    hosts = [node.labels.get("kubernetes.io/hostname", node.name) for node in facts.nodes if gpu.is_on(node.labels)]
    right = sorted(hosts)
    for name in cache.nodes:
        if name not in right:
            raise ConfigurationError(
                "this node does not exist, or has another GPU",
                where="qwen-infra:cache.nodes",
                found=name,
                expected=f"a node with {gpu.selector}" if gpu.node_label_key else f"one of: {', '.join(right)}",
                mend=f"look with `kubectl get nodes{f' -L {gpu.node_label_key}' if gpu.node_label_key else ''}`",
            )
    if cache.storage.kind == "hostPath" and cache.storage.download and not cache.nodes and len(right) > 1:
        raise ConfigurationError(
            f"{len(right)} nodes {'have this GPU' if gpu.node_label_key else 'may run the server'}: the weights would "
            "lie on one, and the server might start on another",
            where="qwen-infra:cache.nodes",
            expected=f"some of: {', '.join(right)}",
            mend=f"pulumi config set --path 'qwen-infra:cache.nodes[0]' {right[0]}, or a cache.kind that nodes share",
        )


def _check_secret(plan: DeploymentPlan, facts: ClusterFacts) -> None:
    if plan.endpoint.creates_key:
        return
    secret, namespace = plan.endpoint.key_secret, plan.cluster.namespace
    if secret.key not in facts.secret_keys.get(secret.secret_name, frozenset()):
        found = ", ".join(sorted(facts.secret_keys.get(secret.secret_name, ()))) or "no such Secret"
        raise EnvironmentMissingError(
            "the Secret with the API key is missing, or has no such key",
            where="qwen-infra:endpoint.apiKey",
            found=found,
            expected=f"Secret {namespace}/{secret.secret_name} with the key {secret.key}",
            mend=f"kubectl --namespace {namespace} create secret generic {secret.secret_name} "
            f"--from-literal={secret.key}=$(openssl rand -hex 32)",
        )
