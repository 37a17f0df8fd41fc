"""The cluster: reachable, new enough, which permissions, namespace, custom kinds, storage, Secrets."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from qwen_infra.cluster import Kubectl, KubectlError, ObjectNotFoundError
from qwen_infra.doctor.finding import Finding, missing, ok, unknown
from qwen_infra.doctor.needs import Need, custom_kinds, referenced_objects, storage_classes
from qwen_infra.manifests.custom_kinds import CUSTOM_KINDS

__all__ = ["can_reach", "examine_needs", "examine_permissions", "reach"]

KUBERNETES_MINIMUM = (1, 30)


def reach(kubectl: Kubectl) -> Finding:
    """Whether the cluster answers, and its version."""
    what = "cluster"
    try:
        version = kubectl.read("version", "--output=json").get("serverVersion", {})
    except KubectlError as error:
        return missing(
            what, f"{error.what}{f': {error.found}' if error.found else ''}", error.mend or "kubectl version"
        )
    numbers = (_number(version.get("major")), _number(version.get("minor")))
    found = (
        f"{kubectl.access.context or 'current context'}, Kubernetes {version.get('gitVersion', 'of unknown version')}"
    )
    if numbers < KUBERNETES_MINIMUM:
        return missing(what, found, f"upgrade it to {KUBERNETES_MINIMUM[0]}.{KUBERNETES_MINIMUM[1]} or newer")
    return ok(what, found)


def _number(told: object) -> int:
    """Of a version such as ``30+``; 0 where there is none."""
    return int("".join(filter(str.isdigit, str(told))) or 0)


def can_reach(finding: Finding) -> bool:
    """Whether more can be asked of the cluster."""
    return finding.status == "ok" or "Kubernetes" in finding.found


def examine_permissions(
    kubectl: Kubectl, namespace: str, permissions: Mapping[tuple[str, str], Sequence[str]]
) -> list[Finding]:
    """One row for all that is refused, with one command that grants it; asked of the API server one by one."""
    asked = [(verb, *resource) for resource, verbs in permissions.items() for verb in verbs]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda needed: _can_i(kubectl, namespace, *needed), asked))
    refused = [needed for needed, allowed in zip(asked, answers, strict=True) if allowed is False]
    unclear = [needed for needed, allowed in zip(asked, answers, strict=True) if allowed is None]
    if not refused and not unclear:
        return [ok("permissions", f"all {len(answers)} that `pulumi up` needs in namespace {namespace}")]
    rows = []
    if refused:
        told = f"not allowed in namespace {namespace}: {_by_resource(refused)}"
        rows.append(missing("permissions", told, _grant(namespace, permissions)))
    if unclear:
        rows.append(unknown("permissions not told", f"no answer for {_by_resource(unclear)}"))
    return rows


def _by_resource(needed: Sequence[tuple[str, str, str]]) -> str:
    """``create/patch deployments.apps, list pods``."""
    verbs: dict[str, list[str]] = {}
    for verb, group, resource in needed:
        verbs.setdefault(_resource(group, resource), []).append(verb)
    return ", ".join(f"{'/'.join(found)} {resource}" for resource, found in verbs.items())


def _grant(namespace: str, permissions: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """One command, for an administrator, that allows everything that ``pulumi up`` needs, whatever was allowed before.

    kubectl gives each verb for each resource, which is a little more than needed, in this one namespace.
    """
    verbs = dict.fromkeys(verb for found in permissions.values() for verb in found)
    resources = ",".join(_resource(group, resource) for group, resource in permissions)
    return (
        f"kubectl -n {namespace} create role qwen-infra --verb={','.join(verbs)} --resource={resources} && "
        f"kubectl -n {namespace} create rolebinding qwen-infra --role=qwen-infra --user=<you>"
    )


def _resource(group: str, resource: str) -> str:
    """As kubectl names it: ``deployments.apps``, ``pods/log``."""
    return f"{resource}.{group}" if group else resource


def _can_i(kubectl: Kubectl, namespace: str, verb: str, group: str, resource: str) -> bool | None:
    name, _, sub = resource.partition("/")
    attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": name}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {**attributes, "subresource": sub} if sub else attributes},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    try:
        answer = kubectl.read("create", "--raw", path, "--filename=-", stdin=json.dumps(review))
    except KubectlError:
        return None
    return bool(answer.get("status", {}).get("allowed"))


def examine_needs(
    kubectl: Kubectl, namespace: str, objects: Sequence[Mapping[str, Any]], *, creates_namespace: bool
) -> list[Finding]:
    """What the stack's objects need and do not bring: namespace, custom kinds, storage classes, Secrets."""
    exists, row = _namespace(kubectl, namespace, creates_namespace=creates_namespace)
    rows = [row, *_custom_kinds(kubectl, objects), *_storage_classes(kubectl, objects)]
    rows += [
        _referenced(kubectl, namespace, need) if exists else _in_a_namespace_to_come(namespace, need)
        for need in referenced_objects(objects)
    ]
    return rows


def _namespace(kubectl: Kubectl, namespace: str, *, creates_namespace: bool) -> tuple[bool, Finding]:
    what = f"namespace {namespace}"
    try:
        kubectl.get("namespace", namespace)
    except ObjectNotFoundError:
        if creates_namespace:
            return False, ok(what, "not there; the stack creates it")
        return False, missing(
            what, "not there, and the stack is told not to create it", f"kubectl create namespace {namespace}"
        )
    except KubectlError as error:
        return True, unknown(what, error.what)
    return True, ok(what, "there")


def _custom_kinds(kubectl: Kubectl, objects: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for version, kind in custom_kinds(objects):
        group = version.partition("/")[0]
        found = _look(lambda version=version: kubectl.read("get", "--raw", f"/apis/{version}"))  # type: ignore[misc]
        if isinstance(found, KubectlError) and not isinstance(found, ObjectNotFoundError):
            yield unknown(f"kind {kind}", found.what)
            continue
        served = () if isinstance(found, ObjectNotFoundError) else found.get("resources", ())
        kinds = {item["kind"] for item in served}
        if kind in kinds:
            yield ok(f"kind {kind}", version)
        else:
            known = CUSTOM_KINDS.get((version, kind))
            mend = known.install if known else f"install the custom resource definitions of {group}"
            yield missing(f"kind {kind}", f"the cluster has no {version} {kind}", mend)


def _storage_classes(kubectl: Kubectl, objects: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    wanted = storage_classes(objects)
    if not wanted:
        return
    found = _look(lambda: kubectl.items("storageclasses"))
    if isinstance(found, KubectlError):
        yield unknown("storage class", found.what)
        return
    names = [item["metadata"]["name"] for item in found]
    marked = "storageclass.kubernetes.io/is-default-class"
    default = [
        item["metadata"]["name"] for item in found if item["metadata"].get("annotations", {}).get(marked) == "true"
    ]
    known = ", ".join(names) or "none"
    mend = "pulumi config set --path 'qwen-infra:cache.storageClass' <name>"
    for name in wanted:
        if name is None and not default:
            yield missing("default storage class", f"no class is marked as the default; there are: {known}", mend)
        elif name is None or name in names:
            yield ok("storage class", name or f"{default[0]} (the default)")
        else:
            yield missing(f"storage class {name}", f"not there; there are: {known}", mend)


def _referenced(kubectl: Kubectl, namespace: str, need: Need) -> Finding:
    what = f"{need.kind} {namespace}/{need.name}"
    found = _look(lambda: kubectl.get("--namespace", namespace, need.kind, need.name))
    if isinstance(found, ObjectNotFoundError):
        return missing(what, "not there", _creation(namespace, need))
    if isinstance(found, KubectlError):
        return unknown(what, found.what)
    keys = found.get("data") or {}
    if need.key and need.key not in keys:
        return missing(
            what, f"no key {need.key}; its keys: {', '.join(sorted(keys)) or 'none'}", _creation(namespace, need)
        )
    return ok(what, f"there{f', with the key {need.key}' if need.key else ''}")


def _in_a_namespace_to_come(namespace: str, need: Need) -> Finding:
    first = f"set createNamespace to false, kubectl create namespace {namespace}, then {_creation(namespace, need)}"
    return missing(f"{need.kind} {namespace}/{need.name}", "not there, nor is its namespace", first)


def _creation(namespace: str, need: Need) -> str:
    if need.kind == "persistentvolumeclaim":
        return f"kubectl -n {namespace} apply -f <a claim named {need.name}>"
    kind = "secret generic" if need.kind == "secret" else need.kind
    return f"kubectl -n {namespace} create {kind} {need.name} --from-literal={need.key or 'KEY'}=..."


def _look(question: Callable[[], Any]) -> Any:
    """The answer, or the error as a value."""
    try:
        return question()
    except KubectlError as error:
        return error
