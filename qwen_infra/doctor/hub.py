"""The Hub: whether it answers, whether the repository is there, and whether its licence is accepted."""

import os

import httpx

from qwen_infra.doctor.finding import Finding, missing, ok, unknown

__all__ = ["examine_hub"]

DEFAULT_HUB = "https://huggingface.co"
TIMEOUT_S = 10.0


def examine_hub(repository: str, revision: str, endpoint: str | None, token: str | None = None) -> Finding:
    """What the Hub, or its mirror, says of the repository's ``config.json``; asked from this machine.

    A Hub that does not answer here may well answer on the nodes, which are what downloads; so that is unknown, not
    missing.
    """
    hub = (endpoint or os.environ.get("HF_ENDPOINT") or DEFAULT_HUB).rstrip("/")
    what = f"Hub: {repository}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{hub}/{repository}/resolve/{revision}/config.json"
    try:
        answer = httpx.head(url, headers=headers, timeout=TIMEOUT_S, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        found = f"{hub} does not answer this machine ({type(error).__name__}); the nodes download, not this machine"
        return unknown(what, found, f"curl -I {hub} on a node; for a mirror set qwen-infra:cache.hubEndpoint")
    return _judge(answer, what, hub, repository, revision)


def _judge(answer: httpx.Response, what: str, hub: str, repository: str, revision: str) -> Finding:
    code = answer.headers.get("X-Error-Code", "")
    if code == "GatedRepo":
        mend = f"accept the licence at {hub}/{repository}, then put a token into qwen-infra:cache.hubToken"
        return missing(what, "its licence is not accepted for this token, or there is no token", mend)
    if code == "RevisionNotFound":
        mend = "pulumi config set --path 'qwen-infra:model.revision' main"
        return missing(what, f"there is no revision {revision}", mend)
    if answer.status_code in {401, 403, 404} or code == "RepoNotFound":
        mend = f"look at {hub}/{repository}; a private repository needs qwen-infra:cache.hubToken"
        return missing(what, f"no such repository, or it is private (HTTP {answer.status_code})", mend)
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        return unknown(what, f"{hub} answers HTTP {answer.status_code}", f"curl -I {hub}/{repository}")
    return ok(what, f"{hub} has revision {revision}")
