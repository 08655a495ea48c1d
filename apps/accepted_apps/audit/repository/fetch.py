"""One commit of a repository as a pack file, over the guarded client."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from accepted.guard import AddressPolicy, AddressRefused, guarded_client
from accepted_apps.audit.errors import (
    AddressNotAllowed,
    BranchMissing,
    NotARepository,
    RepositoryEmpty,
    RepositoryMissing,
    RepositoryTooLarge,
    RepositoryTooSlow,
    RepositoryTrouble,
    TokenRefused,
)
from accepted_apps.audit.settings import AuditSettings

from .place import Place
from .protocol import Advertised, Packets, pack_chunks, read_advertised, request_of

# Some servers speak the smart protocol only to what calls itself git.
_AGENT: Final = "git/accepted-audit"
_REFS: Final = "/info/refs"
_REDIRECTS: Final = 5
_BRANCHES_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class Fetched:
    """A commit in a pack file. branch: by name, also where the default one was asked for."""

    pack: Path
    branch: str
    commit: str
    size: int


async def fetch(place: Place, token: str | None, folder: Path, settings: AuditSettings) -> Fetched:
    """Fetch the newest commit of the branch into `folder`. Raises AuditError; no message holds the token."""
    async with _connected(place, settings, "clone_timeout") as client:
        return await _Fetching(client, place, token, settings).run(folder / "fetched.pack")


async def look_up(place: Place, token: str | None, settings: AuditSettings) -> Advertised:
    """The branches of a repository, without fetching it. Raises AuditError; no message holds the token."""
    async with _connected(place, settings, "wait") as client:
        return await _Fetching(client, place, token, settings).branches()


@asynccontextmanager
async def _connected(place: Place, settings: AuditSettings, bound: str) -> AsyncIterator[httpx.AsyncClient]:
    """`bound`: the setting that says for how many seconds. What goes wrong meanwhile becomes an AuditError."""
    seconds: float = getattr(settings, bound)
    try:
        async with asyncio.timeout(seconds), _client(settings) as client:
            yield client
    except TimeoutError:
        raise RepositoryTooSlow(
            f"The server of {place.name} did not give all within {seconds:g} s (`{bound}`)."
        ) from None
    except AddressRefused as refused:
        raise AddressNotAllowed(
            f"github_repo leads to {refused.host}, which {refused.reason}; only addresses on the public internet are "
            "fetched from.",
            field="github_repo",
        ) from None
    except httpx.TimeoutException:
        raise RepositoryTrouble(f"The server of {place.name} does not answer; try again later.") from None
    except httpx.HTTPError as error:
        kind = type(error).__name__
        raise RepositoryTrouble(f"The connection to the server of {place.name} failed ({kind}).") from None


@asynccontextmanager
async def _client(settings: AuditSettings) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity", "Pragma": "no-cache"}
    policy = AddressPolicy(allow=settings.allow)
    async with guarded_client(policy, timeout=30.0, follow_redirects=False, headers=headers) as client:
        yield client


class _Fetching:
    def __init__(self, client: httpx.AsyncClient, place: Place, token: str | None, settings: AuditSettings) -> None:
        self._client, self._place, self._settings = client, place, settings
        self._url = place.url
        self._origin = _origin(place.url)
        self._login = None if not token else f"Basic {base64.b64encode(f'x-access-token:{token}'.encode()).decode()}"

    async def run(self, target: Path) -> Fetched:
        known = await self.branches()
        if not known.branches:
            raise RepositoryEmpty(f"{self._place.name} has no branch yet; push a commit first.")
        branch = self._place.branch or known.default_branch()
        if branch not in known.branches:
            raise BranchMissing(self._no_branch(branch, known), field="branch")
        commit = known.branches[branch]
        return Fetched(target, branch, commit, await self._pack(commit, known, target))

    async def branches(self) -> Advertised:
        url = f"{self._url}{_REFS}?service=git-upload-pack"
        for _ in range(_REDIRECTS + 1):
            async with self._client.stream("GET", url, headers=self._headers(url)) as answer:
                if answer.is_redirect:
                    url = self._redirected(url, answer.headers.get("location", ""))
                    continue
                self._judge(answer)
                if answer.headers.get("content-type") != "application/x-git-upload-pack-advertisement":
                    raise NotARepository(
                        f"What answers at {self._place.url} is no git repository; check the URL.", field="github_repo"
                    )
                self._url = url.partition(_REFS)[0]
                bounded = _bounded(
                    answer.aiter_bytes(), self._settings.refs_bytes, "refs_bytes", "The list of branches"
                )
                return await read_advertised(Packets(bounded))
        raise RepositoryTrouble(f"The server of {self._place.name} redirects in circles.")

    async def _pack(self, commit: str, known: Advertised, target: Path) -> int:
        url, size = f"{self._url}/git-upload-pack", 0
        headers = {
            **self._headers(url),
            "Content-Type": "application/x-git-upload-pack-request",
            "Accept": "application/x-git-upload-pack-result",
        }
        body = request_of(commit, known.capabilities, _AGENT)
        async with self._client.stream("POST", url, headers=headers, content=body) as answer:
            self._judge(answer)
            bounded = _bounded(answer.aiter_bytes(), self._settings.clone_bytes, "clone_bytes", self._place.name)
            banded = "side-band-64k" in known.capabilities
            pack = pack_chunks(Packets(bounded), banded=banded)
            with target.open("wb") as file:
                async for chunk in pack:
                    # The page cache takes it; what a disk delays is less than one hop to another thread costs.
                    file.write(chunk)
                    size += len(chunk)
        return size

    def _headers(self, url: str) -> dict[str, str]:
        """The token goes to the server that it was given for, and to no other that this one redirects to."""
        return {"Authorization": self._login} if self._login and _origin(url) == self._origin else {}

    def _redirected(self, url: str, location: str) -> str:
        target = urljoin(url, location)
        parts = urlsplit(target)
        downgraded = url.startswith("https:") and parts.scheme != "https"
        if downgraded or parts.scheme not in {"http", "https"} or not parts.path.endswith(_REFS):
            raise NotARepository(
                f"{self._place.url} redirects to what is no git repository; check the URL.", field="github_repo"
            )
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}?service=git-upload-pack"

    def _judge(self, answer: httpx.Response) -> None:
        name, status = self._place.name, answer.status_code
        if status == 200:
            return
        if status in {401, 403} and self._login:
            raise TokenRefused(
                f"The server of {name} does not take the token (status {status}); check that it may read the "
                "repository.",
                field="token",
            )
        if status in {401, 403, 404, 410, 451}:
            hint = "check its name and the token's rights" if self._login else "check its name, or send a token"
            raise RepositoryMissing(
                f"There is no repository {name}, or it is private (status {status}); {hint}.", field="github_repo"
            )
        if status == 429 or status >= 500:
            raise RepositoryTrouble(f"The server of {name} cannot answer now (status {status}); try again later.")
        raise NotARepository(f"The server of {name} answers with status {status}; check the URL.", field="github_repo")

    def _no_branch(self, branch: str, known: Advertised) -> str:
        names = sorted(known.branches, key=lambda name: (name not in {"main", "master"}, name))
        more = len(names) - _BRANCHES_NAMED
        listed = ", ".join(names[:_BRANCHES_NAMED]) + (f" and {more} more" if more > 0 else "")
        wanted = f"has no branch {branch!r}" if branch else "does not say which branch is the default one"
        return f"{self._place.name} {wanted}; it has {listed}."


async def _bounded(chunks: AsyncIterator[bytes], limit: int, setting: str, what: str) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise RepositoryTooLarge(f"{what} is larger than {limit} bytes (`{setting}`).", field="github_repo")
        yield chunk


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
