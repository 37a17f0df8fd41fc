"""Reads a repository's ``config.json`` and safetensors headers from the Hub, to derive a custom model from them.

The only module of the catalogue that touches the network; import it only where that is wanted.
Not here: what the files mean (``hub_config.py``) and downloading weights (``qwen_infra.download``).
"""

import json
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    NotASafetensorsRepoError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    SafetensorsParsingError,
)

from qwen_infra.catalog.hub_config import derive_model
from qwen_infra.catalog.models import Model
from qwen_infra.errors import ConfigurationError, EnvironmentMissingError

__all__ = ["HubUnreachableError", "UnreadableRepositoryError", "fetch_model", "find_commit"]

_WHERE = "qwen-infra:model.custom"
_TIMEOUT_S = 10.0


class UnreadableRepositoryError(ConfigurationError):
    """The repository, the revision, or the files that describe a model are not there."""


class HubUnreachableError(EnvironmentMissingError):
    """The Hub cannot be reached or refuses."""


def fetch_model(
    repository: str, *, revision: str = "main", endpoint: str | None = None, token: str | None = None
) -> Model:
    """The model of a repository, derived from its files; weights are not downloaded, only their headers.

    Args:
        repository: ``owner/name``.
        revision: commit, tag or branch.
        endpoint: of a mirror; None for the Hub.
        token: for gated repositories; None to ask without one.

    Raises:
        UnreadableRepositoryError: no such repository or revision, or it has no configuration or safetensors files.
        HubUnreachableError: no connection, or the Hub answers with another error.
        IncompleteModelError: the configuration lacks what its architecture needs.
    """
    api = HfApi(endpoint=endpoint, token=token if token is not None else False)
    try:
        commit = api.model_info(repository, revision=revision, timeout=_TIMEOUT_S).sha or revision
        path = api.hf_hub_download(repository, "config.json", revision=commit)
        counts = api.get_safetensors_metadata(repository, revision=commit, timeout=_TIMEOUT_S).parameter_count
    except (
        RepositoryNotFoundError,
        RevisionNotFoundError,
        EntryNotFoundError,
        NotASafetensorsRepoError,
        SafetensorsParsingError,
        HFValidationError,
    ) as error:
        if isinstance(error, LocalEntryNotFoundError):
            raise _unreachable(repository, error) from error
        raise UnreadableRepositoryError(
            f"the model's files cannot be read: {_one_line(error)}",
            where=_WHERE,
            found=f"{repository}@{revision}",
            mend="check the name and the revision; a gated or private repository needs HF_TOKEN",
        ) from error
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise _unreachable(repository, error) from error
    return derive_model(
        repository, _read_config(repository, Path(path)), {str(name): count for name, count in counts.items()}
    )


def find_commit(
    repository: str, revision: str = "main", *, endpoint: str | None = None, token: str | None = None
) -> str:
    """The commit that a branch or a tag of a repository names now.

    Raises:
        UnreadableRepositoryError: no such repository or revision.
        HubUnreachableError: no connection, or the Hub answers with another error.
    """
    api = HfApi(endpoint=endpoint, token=token if token is not None else False)
    try:
        commit = api.model_info(repository, revision=revision, timeout=_TIMEOUT_S).sha
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise UnreadableRepositoryError(
            f"the Hub has no such revision: {_one_line(error)}",
            where=repository,
            found=revision,
            mend="look at the repository's page; a gated or private one needs HF_TOKEN",
        ) from error
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        raise HubUnreachableError(
            f"the Hub did not say which commit {revision} is: {_one_line(error)}",
            where=repository,
            mend="check the network and qwen-infra:cache.hubEndpoint (or HF_ENDPOINT)",
        ) from error
    if not commit:
        raise HubUnreachableError(
            "the Hub names no commit",
            where=repository,
            found=revision,
            mend="name the commit itself, from the repository's page",
        )
    return commit


def _read_config(repository: str, path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UnreadableRepositoryError(
            "config.json is not JSON",
            where=_WHERE,
            found=repository,
            mend="describe the model in the stack file: docs/other-models.md",
        ) from error
    if not isinstance(config, dict):
        raise UnreadableRepositoryError(
            "config.json is not an object",
            where=_WHERE,
            found=repository,
            mend="describe the model in the stack file: docs/other-models.md",
        )
    return config


def _unreachable(repository: str, error: Exception) -> HubUnreachableError:
    return HubUnreachableError(
        f"the Hub did not give {repository}: {_one_line(error)}",
        where=_WHERE,
        mend="check the network and qwen-infra:cache.hubEndpoint, or describe the model in the stack file",
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
