"""The vendored definitions are whole, and say where they are from."""

import json
from importlib.resources import files

from qwen_infra.local.custom_kinds import read_definitions
from qwen_infra.manifests.custom_kinds import CUSTOM_KINDS


def test_every_kind_that_we_write_has_its_definition() -> None:
    served = {
        (f"{definition['spec']['group']}/{version['name']}", definition["spec"]["names"]["kind"])
        for definition in read_definitions().values()
        for version in definition["spec"]["versions"]
    }
    assert served >= CUSTOM_KINDS.keys()


def test_every_vendored_file_has_a_version_a_licence_and_a_checksum() -> None:
    folder = files("qwen_infra.local").joinpath("custom_resources")
    rows = json.loads(folder.joinpath("sources.json").read_text("utf-8"))
    assert all(row["version"].startswith("v") and row["licence"] and len(row["sha256"]) == 64 for row in rows)
    packed = {path.name for path in folder.iterdir() if path.name.endswith(".gz")}
    assert packed == {row["file"] for row in rows}
