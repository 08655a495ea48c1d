"""A commit's files through dulwich: git in Python, for machines without the git program."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from accepted_apps.audit.errors import BranchMissing, NotARepository, RepositoryEmpty

from .unpack import Entry

if TYPE_CHECKING:
    from dulwich.repo import Repo

_DEPTH: Final = 200


class DulwichObjects:
    """Reads a repository; made by `open`."""

    by = "dulwich"

    def __init__(self, repo: Repo) -> None:
        self._repo = repo

    @classmethod
    @contextmanager
    def open(cls, source: Path, work: Path, *, pack: bool) -> Iterator[DulwichObjects]:
        """Raises NotARepository."""
        from dulwich.errors import NotGitRepository
        from dulwich.repo import Repo

        try:
            repo = _indexed(source, work) if pack else Repo(str(source))
        except NotGitRepository:
            raise NotARepository("The folder is no git repository.") from None
        except Exception as error:  # dulwich has no common error for what is damaged
            kind = type(error).__name__
            raise NotARepository(f"What the git server sent cannot be unpacked ({kind}); try again later.") from None
        with repo:
            yield cls(repo)

    def resolve(self, branch: str) -> tuple[str, str]:
        heads = self._repo.refs.as_dict(b"refs/heads")  # type: ignore[arg-type]
        if not heads:
            raise RepositoryEmpty("The repository has no branch yet; commit something first.")
        if not branch:
            said = self._repo.refs.read_ref(b"HEAD") or b""  # type: ignore[arg-type]
            branch = said.removeprefix(b"ref: refs/heads/").decode("utf-8", "replace")
        name = branch.encode()
        if name not in heads:
            names = ", ".join(sorted(one.decode("utf-8", "replace") for one in heads)[:10])
            raise BranchMissing(f"The repository has no branch {branch!r}; it has {names}.", field="branch")
        return branch, heads[name].decode()  # type: ignore[index]

    def entries(self, commit: str) -> Iterator[Entry]:
        store = self._repo.object_store
        try:
            waiting = [(b"", store[commit.encode()].tree, 0)]  # type: ignore[attr-defined, index]
            while waiting:
                folder, tree, depth = waiting.pop()
                for name, mode, sha in store[tree].iteritems():  # type: ignore[attr-defined]
                    path = folder + name
                    if stat.S_ISDIR(mode) and depth < _DEPTH:
                        waiting.append((path + b"/", sha, depth + 1))
                    elif stat.S_ISREG(mode):
                        yield Entry(path, sha.decode(), store[sha].raw_length())
        except (KeyError, AttributeError):
            raise NotARepository("The git repository lacks some of its objects; try again later.") from None

    def read(self, entries: Iterator[Entry]) -> Iterator[tuple[Entry, bytes]]:
        for entry in entries:
            yield entry, self._repo.object_store[entry.blob.encode()].as_raw_string()  # type: ignore[index]


def _indexed(pack: Path, work: Path) -> Repo:
    from dulwich.repo import Repo

    repo = Repo.init_bare(str(work), mkdir=True)
    with pack.open("rb") as file:
        repo.object_store.add_thin_pack(file.read, None)
    pack.unlink()
    return repo
