import ssl

import pytest

from qwen_infra.client import Endpoint
from qwen_infra.client.endpoint import build_tls
from qwen_infra.errors import ConfigurationError


@pytest.mark.parametrize("url", ["http://h:8000", "http://h:8000/", "http://h:8000/v1", "http://h:8000/v1/"])
def test_a_url_is_kept_without_v1_and_slashes(url):
    assert Endpoint(url=url, model="m").url == "http://h:8000"


def test_a_path_before_v1_is_kept():
    assert Endpoint(url="https://gateway/team/v1", model="m").url == "https://gateway/team"


def test_the_key_is_not_shown():
    assert "sk-secret" not in repr(Endpoint(url="http://h", model="m", api_key="sk-secret"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h:8000",
        "ftp://h",
        "http://",
        "http://h:99999",
        "http://h:port",
        "http://h/?a=b",
        "http://[::1",
        "http://a b",
    ],
)
def test_a_url_that_cannot_be_used_is_a_configuration_error(url):
    with pytest.raises(ConfigurationError, match="URL"):
        Endpoint(url=url, model="m")


def test_a_url_with_credentials_is_refused_without_repeating_them():
    with pytest.raises(ConfigurationError) as caught:
        Endpoint(url="http://me:hunter2@h", model="m")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "sk-key\n", "sk key", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_without_repeating_it(key):
    with pytest.raises(ConfigurationError, match="API key") as caught:
        Endpoint(url="http://h", model="m", api_key=key)
    assert not key or key.strip() not in str(caught.value)


def test_a_missing_ca_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.pem"):
        Endpoint(url="https://h", model="m", ca_file=tmp_path / "none.pem")


def test_a_ca_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    ca_file = tmp_path / "ca.pem"
    ca_file.touch()
    monkeypatch.setattr(ssl, "create_default_context", refuse)  # root, which runs the tests in CI, may read every file
    with pytest.raises(ConfigurationError, match=r"cannot be read: Permission denied .*chmod"):
        build_tls(Endpoint(url="https://h", model="m", ca_file=ca_file))


@pytest.mark.parametrize(("url", "is_loopback"), [("http://127.0.0.1:1", True), ("http://gpu.example", False)])
def test_this_machines_own_addresses_are_known(url, is_loopback):
    assert Endpoint(url=url, model="m").is_loopback is is_loopback
