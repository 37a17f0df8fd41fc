"""How kubectl's complaints become messages that say what to do; a script plays kubectl."""

import base64
import json
from pathlib import Path

import pytest

from qwen_infra.cluster import ClusterAccess, Kubectl, KubectlError, ObjectNotFoundError
from qwen_infra.cluster.port_forward import forward
from qwen_infra.cluster.secret import read_secret_value


def kubectl(folder: Path, *, says: str = "", complains: str = "", code: int = 0, context: str | None = None) -> Kubectl:
    program = folder / "kubectl"
    (folder / "says").write_text(says)
    (folder / "complains").write_text(complains)
    program.write_text(f'#!/bin/sh\ncat "{folder}/says"; cat "{folder}/complains" >&2; exit {code}\n')
    program.chmod(0o755)
    return Kubectl(ClusterAccess(context=context), str(program))


def complaint(folder: Path, text: str, context: str | None = None) -> str:
    with pytest.raises(KubectlError) as caught:
        kubectl(folder, complains=text, code=1, context=context).run("get", "nodes")
    return str(caught.value)


def test_kubeconfig_and_context_reach_kubectl() -> None:
    bound = Kubectl(ClusterAccess(kubeconfig="/k", context="c"))
    assert bound.command("get", "pods") == ["kubectl", "--kubeconfig=/k", "--context=c", "get", "pods"]


def test_a_missing_program_is_told() -> None:
    with pytest.raises(KubectlError, match="kubectl is not on PATH"):
        Kubectl(program="/nowhere/kubectl").run("get", "nodes")


def test_a_refused_connection_is_told_as_unreachable(tmp_path: Path) -> None:
    told = complaint(tmp_path, "The connection to the server 127.0.0.1:1 was refused - did you specify the right host?")
    assert told.startswith("cluster (context current): the cluster cannot be reached")
    assert "cluster-info` must answer first" in told


def test_a_forbidden_request_is_told_with_its_verb_and_resource(tmp_path: Path) -> None:
    text = 'Error from server (Forbidden): nodes is forbidden: User "dev" cannot list resource "nodes" in API group ""'
    assert 'User "dev" cannot list resource "nodes"' in complaint(tmp_path, text)


def test_expired_credentials_are_told(tmp_path: Path) -> None:
    told = complaint(tmp_path, "error: You must be logged in to the server (Unauthorized)")
    assert "does not accept these credentials" in told


def test_an_unknown_context_names_the_stack_file_key(tmp_path: Path) -> None:
    told = complaint(
        tmp_path, "Error in configuration: context was not found for specified context: prod", context="prod"
    )
    assert told.startswith("qwen-infra:cluster.context: the kubeconfig has no such context (found prod")


@pytest.mark.parametrize(
    "text",
    [
        'The Deployment "x" is invalid: spec.replicas: Invalid value: -1',
        'Error from server (BadRequest): error when creating "STDIN": strict decoding error: unknown field "spec.x"',
        "error: error validating data: unknown object type",
        'Error from server (InternalError): admission webhook "v.lws.x-k8s.io" denied the request: size',
    ],
)
def test_what_the_api_server_refuses_is_not_told_as_a_cluster_that_is_away(tmp_path: Path, text: str) -> None:
    told = complaint(tmp_path, text)
    assert "the cluster answers and refuses the request" in told
    assert "cannot be reached" not in told


@pytest.mark.parametrize(
    "text",
    [
        "Unable to connect to the server: dial tcp: lookup nowhere on 10.0.0.1:53: no such host",
        "Unable to connect to the server: tls: failed to verify certificate: x509: signed by unknown authority",
        "error: couldn't get current server API group list: Get https://10.0.0.1: EOF",
        "",
    ],
)
def test_a_server_that_is_not_got_to_is_told_as_unreachable(tmp_path: Path, text: str) -> None:
    assert "the cluster cannot be reached" in complaint(tmp_path, text)


def test_a_missing_object_is_its_own_error(tmp_path: Path) -> None:
    text = 'Error from server (NotFound): secrets "key" not found'
    with pytest.raises(ObjectNotFoundError, match='secrets "key" not found'):
        kubectl(tmp_path, complains=text, code=1).run("get", "secret", "key")


def secret(value: bytes) -> str:
    return json.dumps({"data": {"api-key": base64.b64encode(value).decode()}})


def test_a_key_is_read_without_its_line_end(tmp_path: Path) -> None:
    assert read_secret_value(kubectl(tmp_path, says=secret(b"abc\n")), "qwen", "s", "api-key") == "abc"


def test_an_empty_key_is_told_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(KubectlError, match=r"empty or not text.*create secret generic s --from-literal=api-key="):
        read_secret_value(kubectl(tmp_path, says=secret(b"")), "qwen", "s", "api-key")


def test_another_key_in_the_secret_is_told(tmp_path: Path) -> None:
    with pytest.raises(KubectlError, match=r"no such key \(found api-key, expected token\)"):
        read_secret_value(kubectl(tmp_path, says=secret(b"x")), "qwen", "s", "token")


def test_a_missing_secret_is_told(tmp_path: Path) -> None:
    absent = kubectl(tmp_path, complains='Error from server (NotFound): secrets "s" not found', code=1)
    with pytest.raises(KubectlError, match="Secret qwen/s: the Secret with the API key does not exist"):
        read_secret_value(absent, "qwen", "s", "api-key")


def test_bytes_of_a_log_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    bound = kubectl(tmp_path)
    (tmp_path / "says").write_bytes(b"loading \xff\n")
    assert bound.run("logs", "vllm") == "loading \ufffd\n"


def test_a_tunnel_without_the_program_is_told() -> None:
    with (
        pytest.raises(KubectlError, match="kubectl is not on PATH"),
        forward(Kubectl(program="/nowhere/kubectl"), "qwen", "service/vllm", 8000),
    ):
        pass


def test_an_answer_that_is_not_json_is_told_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(KubectlError) as caught:
        kubectl(tmp_path, says="<html>log in first</html>").items("nodes")
    assert "kubectl printed something that is not JSON (found '<html>log in first</html>')" in str(caught.value)
    assert "get nodes --output=json" in str(caught.value)
