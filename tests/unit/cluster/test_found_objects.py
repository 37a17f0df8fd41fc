"""Many objects by one kubectl."""

import json
from pathlib import Path

from qwen_infra.cluster.found_objects import FoundObject, ObjectPlace, find_objects
from qwen_infra.cluster.kubectl import Kubectl

POLICY = ObjectPlace("networking.k8s.io/v1", "NetworkPolicy", "x", "serving")
SERVICE = ObjectPlace("v1", "Service", "x", "serving")
NAMESPACE = ObjectPlace("v1", "Namespace", "serving")


def kubectl_that_prints(folder: Path, answer: str) -> Kubectl:
    """A program that writes down what it was asked."""
    program = folder / "kubectl"
    (folder / "answer").write_text(answer, "utf-8")
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\ncat {folder}/answer\n', "utf-8")
    program.chmod(0o755)
    return Kubectl(program=str(program))


def live(kind: str, name: str, **meta: object) -> dict[str, object]:
    return {"kind": kind, "metadata": {"name": name, **meta}, "spec": {"a": 1}}


def test_a_place_names_its_api_group_and_version_so_that_no_other_kind_answers() -> None:
    assert POLICY.reference == "NetworkPolicy.v1.networking.k8s.io/x"
    assert SERVICE.reference == "Service.v1./x"
    assert [str(POLICY), str(NAMESPACE)] == ["NetworkPolicy serving/x", "Namespace serving"]


def test_all_objects_of_a_namespace_are_asked_for_in_one_request(tmp_path: Path) -> None:
    items = [live("Service", "x", labels={"a": "b"}), live("NetworkPolicy", "x", deletionTimestamp="now")]
    kubectl = kubectl_that_prints(tmp_path, json.dumps({"kind": "List", "items": items}))
    assert find_objects(kubectl, [POLICY, SERVICE]) == {
        SERVICE: FoundObject({"a": "b"}, {}, is_being_deleted=False, spec={"a": 1}),
        POLICY: FoundObject({}, {}, is_being_deleted=True, spec={"a": 1}),
    }
    asked = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert len(asked) == 1
    assert "get --namespace serving NetworkPolicy.v1.networking.k8s.io/x Service.v1./x --ignore-not-found" in asked[0]


def test_one_object_alone_is_no_list(tmp_path: Path) -> None:
    kubectl = kubectl_that_prints(tmp_path, json.dumps(live("Namespace", "serving")))
    assert set(find_objects(kubectl, [NAMESPACE])) == {NAMESPACE}


def test_where_nothing_is_kubectl_says_nothing(tmp_path: Path) -> None:
    assert find_objects(kubectl_that_prints(tmp_path, ""), [POLICY]) == {}
