"""Where a repository is: what a person may write for it, and what is refused before anything is asked."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from accepted_apps.audit.errors import InvalidInput

if TYPE_CHECKING:
    from accepted_apps.audit.settings import AuditSettings

FIELD: Final = "github_repo"
_URL_MAX: Final = 2048
_SHORT: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_SSH: Final = re.compile(r"(?:ssh://)?git@([\w.-]+)[:/](?!\d+/)([\w./~-]+)", re.ASCII)
_HOST_FIRST: Final = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?/", re.ASCII)
_BRANCH: Final = re.compile(r"(?![-/.])(?!.*(\.\.|//|@\{|/\.))[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])")


@dataclass(frozen=True, slots=True)
class Place:
    """Either `url`, of the repository on its server without credentials, or `path`, of a folder of this machine.

    branch: empty for the default one. owner, repo: how people call it.
    """

    owner: str
    repo: str
    branch: str = ""
    url: str = ""
    path: str = ""

    @property
    def name(self) -> str:
        return f"{self.owner}/{self.repo}" if self.owner else self.repo


def parse_place(given: str, branch: str, settings: AuditSettings) -> Place:
    """Raises InvalidInput, naming the parameter."""
    text = given.strip()
    if not text:
        raise _refused("is empty; write owner/repo, the URL of a git repository")
    if len(text) > _URL_MAX or not text.isprintable():
        raise _refused("is no address: it is too long, or holds characters that no address has")
    if branch and not _is_branch(branch):
        raise InvalidInput(f"branch {branch[:100]!r} is no name that a branch can have.", field="branch")
    if text.startswith(("/", "~", "./", "../", "file:")):
        return _local(text, branch, settings)
    if _SHORT.fullmatch(text) and ".." not in text:
        return _hosted(f"{settings.github_url.rstrip('/')}/{text}", branch, settings)
    if ssh := _SSH.fullmatch(text):
        return _hosted(f"https://{ssh[1]}/{ssh[2]}", branch, settings)
    if _HOST_FIRST.match(text):
        text = f"https://{text}"
    return _hosted(text, branch, settings)


def _hosted(text: str, branch: str, settings: AuditSettings) -> Place:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _refused("is no URL that can be read") from None
    scheme = parts.scheme.lower()
    if scheme not in {"https", "http"} or not host:
        raise _refused("is neither owner/repo nor an https URL; other ways to reach a repository are not served")
    if parts.username is not None or parts.password is not None:
        raise _refused("holds a user name or a password; leave them out, and send a token as `token`")
    if scheme == "http" and not _may_be_plain(host, port, settings):
        if host.lower() not in {"github.com", "www.github.com", "gitlab.com", "bitbucket.org"}:
            raise _refused("is a plain http URL; use https")
        scheme = "https"
    names = [unquote(one) for one in parts.path.split("/") if one]
    names, tree_branch = _without_page(names)
    if len(names) < 1 or any(one in {".", ".."} or "/" in one or not one.isprintable() for one in names):
        raise _refused("names no repository; write owner/repo, or the URL of one")
    if _is_github(host, settings) and len(names) != 2:
        raise _refused("names no repository of GitHub; write owner/repo")
    *owner, repo = names
    repo = repo.removesuffix(".git")
    if not repo:
        raise _refused("names no repository; write owner/repo, or the URL of one")
    bare = host.lower().removeprefix("www.") if host.lower() == "www.github.com" else host.lower()
    authority = f"[{bare}]" if ":" in bare else bare
    authority += f":{port}" if port else ""
    path = "/".join(quote(one, safe="~@+") for one in [*owner, names[-1]])
    return Place("/".join(owner), repo, branch or tree_branch, url=f"{scheme}://{authority}/{path}")


def _may_be_plain(host: str, port: int | None, settings: AuditSettings) -> bool:
    """Plain http is for what the operator has allowed by name or address, and for nothing else."""
    if host in settings.allow or f"{host}:{port or 80}" in settings.allow:
        return True
    for entry in settings.allow:
        with suppress(ValueError):
            if ip_address(host) in ip_network(entry, strict=False):
                return True
    return False


def _is_github(host: str, settings: AuditSettings) -> bool:
    return host.lower() in {"github.com", "www.github.com", urlsplit(settings.github_url).hostname}


def _without_page(names: list[str]) -> tuple[list[str], str]:
    """The URL of a page of a branch, as people copy it from their browser: `/owner/repo/tree/BRANCH`."""
    for word in ("tree", "blob"):
        if word in names[2:]:
            at = names.index(word, 2)
            owner = names[: at - 1] if names[at - 1] == "-" else names[:at]
            branch = "/".join(names[at + 1 :]) if word == "tree" else "".join(names[at + 1 : at + 2])
            return owner, branch if _is_branch(branch) else ""
    return names, ""


def _local(text: str, branch: str, settings: AuditSettings) -> Place:
    if not settings.local_repositories or text.startswith("file:"):
        raise _refused("is a path of this machine, where no repository may be audited by its path; use an https URL")
    try:
        path = Path(text).resolve(strict=True)
        allowed = any(path.is_relative_to(Path(one).expanduser().resolve()) for one in settings.local_repositories)
        fits = allowed and path.is_dir()
    except (OSError, RuntimeError, ValueError):
        fits = False
    if not fits:
        # One answer for all of them: whether a path exists elsewhere is nobody's business.
        raise _refused("is not below a folder of this machine whose repositories may be audited")
    return Place("", path.name, branch, path=str(path))


def _is_branch(name: str) -> bool:
    return len(name) <= 250 and _BRANCH.fullmatch(name) is not None and not name.endswith(".lock")


def _refused(said: str) -> InvalidInput:
    return InvalidInput(f"{FIELD} {said}.", field=FIELD)
