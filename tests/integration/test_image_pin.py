"""``qwen-infra image pin`` against the distribution project's own registry, whose protocol the others speak.

Images of a few bytes are pushed by its own API. The registry wants tokens, as Docker Hub does, and checks them itself.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from qwen_infra import toolchain
from qwen_infra.local.ports import find_free_ports
from tests.integration.harness import ROOT
from tests.integration.token_realm import ISSUER, SERVICE, make_key, make_token, serve_realm

REPOSITORY = "vllm/vllm-openai"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
ACCOUNT = ("reader", "secret")
START_TIMEOUT_S = 240
STACK = """\
# what we serve
config:
  qwen-infra:cluster:
    identifier: test # ours
  qwen-infra:model:
    name: Qwen3.5-4B
    precision: bf16
  qwen-infra:server:
    gpu: {gpu}   # a comment that stays
    maxModelLen: 32768
    image: '{image}' # the image
"""


@pytest.fixture(scope="module")
def program() -> Path:
    return toolchain.ensure(["registry"]).path("registry")


@contextmanager
def serve_registry(program: Path, folder: Path, realm: str) -> Iterator[str]:
    """``host:port`` of a registry with three tags."""
    (port,) = find_free_ports(1)
    (folder / "jwks.json").write_text(json.dumps(make_key().to_jwks()))
    configuration = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"inmemory": {}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {"token": {"realm": realm, "issuer": ISSUER, "service": SERVICE, "jwks": str(folder / "jwks.json")}},
    }
    (folder / "registry.yaml").write_text(yaml.safe_dump(configuration))
    environment = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
    with (folder / "registry.log").open("w") as log:
        command = [str(program), "serve", str(folder / "registry.yaml")]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        host = f"127.0.0.1:{port}"
        with httpx.Client(base_url=f"http://{host}", trust_env=False) as client:
            wait_until_it_answers(client, process, folder / "registry.log")
            push_everything(client)
        yield host
    finally:
        process.terminate()
        process.wait(timeout=120)


def wait_until_it_answers(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.get("/v2/")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


def push_everything(client: httpx.Client) -> None:
    client.headers["Authorization"] = f"Bearer {make_token(f'repository:{REPOSITORY}:pull,push')}"
    both = [push_image(client, architecture) for architecture in ("amd64", "arm64")]
    push_manifest(client, "v0.32.0", INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": both})
    push_manifest(client, "intel-only", INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": both[:1]})
    push_image(client, "arm64", tag="single")


def push_image(client: httpx.Client, architecture: str, tag: str | None = None) -> dict[str, Any]:
    """Descriptor of an image without layers, as an index lists it."""
    config = json.dumps({"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
    digest = digest_of(config.encode())
    started = client.post(f"/v2/{REPOSITORY}/blobs/uploads/").raise_for_status()
    place = httpx.URL(started.headers["Location"]).copy_merge_params({"digest": digest})
    client.put(place, content=config, headers={"Content-Type": "application/octet-stream"}).raise_for_status()
    blob = {"mediaType": CONFIG, "digest": digest, "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": blob, "layers": []}
    content = json.dumps(manifest).encode()
    push_manifest(client, tag or digest_of(content), MANIFEST, manifest)
    platform = {"architecture": architecture, "os": "linux"}
    return {"mediaType": MANIFEST, "digest": digest_of(content), "size": len(content), "platform": platform}


def push_manifest(client: httpx.Client, name: str, media_type: str, manifest: Mapping[str, Any]) -> None:
    content = json.dumps(manifest).encode()
    place = f"/v2/{REPOSITORY}/manifests/{name}"
    client.put(place, content=content, headers={"Content-Type": media_type}).raise_for_status()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture(scope="module")
def host(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_realm() as realm, serve_registry(program, tmp_path_factory.mktemp("registry"), realm) as found:
        yield found


def pin(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "qwen_infra", "image", "pin", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def write_stack(folder: Path, image: str, gpu: str = "GB200") -> Path:
    path = folder / "Pulumi.mine.yaml"
    path.write_text(STACK.format(image=image, gpu=gpu), "utf-8")
    return path


def served_digest(host: str, tag: str) -> str:
    headers = {
        "Accept": f"{INDEX}, {MANIFEST}",
        "Authorization": f"Bearer {make_token(f'repository:{REPOSITORY}:pull')}",
    }
    answer = httpx.get(f"http://{host}/v2/{REPOSITORY}/manifests/{tag}", headers=headers, trust_env=False)
    digest: str = answer.raise_for_status().headers["Docker-Content-Digest"]
    return digest


def test_the_registry_itself_refuses_who_has_no_token(host: str) -> None:
    answer = httpx.get(f"http://{host}/v2/{REPOSITORY}/manifests/v0.32.0", trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")


def test_the_digest_of_an_index_is_written_into_the_stack_file_and_nothing_else_changes(
    host: str, tmp_path: Path
) -> None:
    tag = f"{host}/{REPOSITORY}:v0.32.0"
    path = write_stack(tmp_path, tag)
    before = path.read_text("utf-8")
    done = pin(tmp_path, tag, "--stack", "mine")
    assert done.returncode == 0, done.stderr
    pinned = f"{tag}@{served_digest(host, 'v0.32.0')}"
    assert done.stdout.strip() == pinned
    assert path.read_text("utf-8") == before.replace(f"'{tag}'", pinned)


def test_an_index_without_the_nodes_processor_is_refused_and_the_file_left_alone(host: str, tmp_path: Path) -> None:
    tag = f"{host}/{REPOSITORY}:intel-only"
    path = write_stack(tmp_path, tag)
    before = path.read_text("utf-8")
    done = pin(tmp_path, tag, "--stack", "mine")
    assert done.returncode == 1
    assert "this image is not made for arm64, which the nodes have" in done.stderr
    assert path.read_text("utf-8") == before
    write_stack(tmp_path, tag, gpu="H200")
    assert pin(tmp_path, tag, "--stack", "mine").returncode == 0


def test_a_single_image_tells_its_processor_by_its_configuration(host: str, tmp_path: Path) -> None:
    done = pin(tmp_path, f"{host}/{REPOSITORY}:single", "--json")
    assert json.loads(done.stdout)["architectures"] == ["arm64"]
    assert json.loads(done.stdout)["digest"] == served_digest(host, "single")


def test_an_unknown_tag_is_told_in_one_line(host: str, tmp_path: Path) -> None:
    done = pin(tmp_path, f"{host}/{REPOSITORY}:v9")
    assert done.returncode == 1
    assert "there is no such image" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_digest_that_is_there_is_found_again(host: str, tmp_path: Path) -> None:
    digest = served_digest(host, "v0.32.0")
    done = pin(tmp_path, f"{host}/{REPOSITORY}@{digest}")
    assert done.stdout.strip() == f"{host}/{REPOSITORY}@{digest}"


def test_a_registry_that_gives_tokens_to_accounts_only_gets_them(program: Path, tmp_path: Path) -> None:
    with serve_realm(ACCOUNT) as realm, serve_registry(program, tmp_path, realm) as host:
        tag = f"{host}/{REPOSITORY}:v0.32.0"
        refused = pin(tmp_path, tag)
        assert refused.returncode == 3
        assert "set REGISTRY_USER and REGISTRY_PASSWORD" in refused.stderr
        user, password = ACCOUNT
        assert pin(tmp_path, tag, REGISTRY_USER=user, REGISTRY_PASSWORD=password).returncode == 0
        assert pin(tmp_path, tag, REGISTRY_USER=user, REGISTRY_PASSWORD="wrong").returncode == 3
