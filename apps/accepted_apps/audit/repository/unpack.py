"""From a pack file, or a repository of this machine, to plain files in a folder. Blocking; for a process that can be
killed and limited.

Nothing is checked out: the blobs of regular files are written one by one. So there is no hook, no filter of
.gitattributes, no LFS, no submodule and no link, whatever the repository holds.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from accepted_apps.audit.errors import BranchMissing, NotARepository, RepositoryEmpty, RepositoryTooLarge

_DEPTH: Final = 60
_PATH_MAX: Final = 1000
_MAGIC: Final = b"PACK"


@dataclass(frozen=True, slots=True)
class Limits:
    """files, total (bytes): of the whole repository. one: bytes of a file; a larger one is left out."""

    files: int
    total: int
    one: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file of a commit, by its path in the repository."""

    path: bytes
    blob: str
    size: int


@dataclass(slots=True)
class Unpacked:
    """files: written; left_out: too large, or of a name that no checkout should have."""

    by: str
    files: int = 0
    left_out: int = 0


class Objects(Protocol):
    """A commit's files, through one library or program."""

    by: str

    def resolve(self, branch: str) -> tuple[str, str]:
        """Branch and commit in a repository of this machine. Raises BranchMissing, RepositoryEmpty."""

    def entries(self, commit: str) -> Iterator[Entry]:
        """Files in any order; sizes before anything is read. Links and submodules are not among them."""

    def read(self, entries: Iterator[Entry]) -> Iterator[tuple[Entry, bytes]]: ...


def choose(wanted: str) -> str:
    """`git` or `dulwich`: what the setting `git` means here."""
    if wanted == "auto":
        return "git" if shutil.which("git") else "dulwich"
    return wanted


def is_git_folder(path: Path) -> bool:
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


@contextmanager
def opened(source: Path, work: Path, by: str) -> Iterator[Objects]:
    """`source`: a pack file, or the folder of a repository. `work`: an empty folder to work in."""
    pack = source.is_file()
    if pack and not _is_pack(source):
        raise NotARepository("What the git server sent is no pack of objects; try again later.")
    if by == "git":
        yield GitObjects(source, work) if pack else GitObjects(None, source)
        return
    from .by_dulwich import DulwichObjects

    with DulwichObjects.open(source, work, pack=pack) as objects:
        yield objects


def _is_pack(file: Path) -> bool:
    with file.open("rb") as opened_file:
        return opened_file.read(len(_MAGIC)) == _MAGIC


def unpack(objects: Objects, commit: str, target: Path, limits: Limits) -> Unpacked:
    """Write the commit's files below `target`. Raises RepositoryTooLarge, NotARepository."""
    found = Unpacked(objects.by)
    chosen = _chosen(objects.entries(commit), limits, found)
    for entry, data in objects.read(chosen):
        path = target / os.fsdecode(entry.path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Names that differ in case only are one file on some systems: the first one stays.
            with path.open("xb") as file:
                file.write(data)
            found.files += 1
        except OSError:
            found.left_out += 1
    return found


def _chosen(entries: Iterator[Entry], limits: Limits, found: Unpacked) -> Iterator[Entry]:
    count = total = 0
    for entry in entries:
        count += 1
        if count > limits.files:
            raise RepositoryTooLarge(
                f"The repository has more than {limits.files} files (`repository_files`).", field="github_repo"
            )
        if entry.size > limits.one or not is_safe(entry.path):
            found.left_out += 1
            continue
        total += entry.size
        if total > limits.total:
            raise RepositoryTooLarge(
                f"The repository is larger than {limits.total} bytes unpacked (`repository_bytes`).",
                field="github_repo",
            )
        yield entry


def is_safe(path: bytes) -> bool:
    """A path that stays below its folder, and out of what git programs take for their own."""
    parts = path.split(b"/")
    if len(path) > _PATH_MAX or len(parts) > _DEPTH or b"\0" in path or b"\\" in path:
        return False
    return all(part and len(part) <= 255 and part not in {b".", b".."} and not _is_dot_git(part) for part in parts)


def _is_dot_git(part: bytes) -> bool:
    """As some file systems read it, too: case, characters that they skip, trailing dots, short names."""
    text = unicodedata.normalize("NFKC", part.decode("utf-8", "replace")).casefold()
    plain = "".join(char for char in text if unicodedata.category(char) != "Cf").rstrip(". ")
    return plain.partition(":")[0] in {".git", "git~1"}


# ── by the git program ──


class GitObjects:
    """`repository`: a git directory or a checkout; with a pack, a new one in `folder`."""

    by = "git"

    def __init__(self, pack: Path | None, folder: Path) -> None:
        self._folder = folder
        if pack is not None:
            self._index(pack)

    def resolve(self, branch: str) -> tuple[str, str]:
        if not branch:
            branch = self._try("symbolic-ref", "--short", "HEAD")
        commit = self._try("rev-parse", "--verify", "--quiet", "--end-of-options", f"refs/heads/{branch}^{{commit}}")
        if commit:
            return branch, commit
        names = self._try("for-each-ref", "--format=%(refname:short)", "--count=11", "refs/heads").split()
        if not names:
            raise RepositoryEmpty("The repository has no branch yet; commit something first.")
        raise BranchMissing(
            f"The repository has no branch {branch!r}; it has {', '.join(names[:10])}"
            f"{' and more' if len(names) > 10 else ''}.",
            field="branch",
        )

    def entries(self, commit: str) -> Iterator[Entry]:
        with self._running("ls-tree", "-r", "-z", "--long", "--full-tree", commit) as (_, output):
            for line in _records(output):
                head, _, path = line.partition(b"\t")
                mode, kind, blob, size = head.split()
                if kind == b"blob" and mode in {b"100644", b"100755", b"100664"}:
                    yield Entry(path, blob.decode(), int(size))

    def read(self, entries: Iterator[Entry]) -> Iterator[tuple[Entry, bytes]]:
        with self._running("cat-file", "--batch") as (asked, output):
            for entry in entries:
                asked.write(f"{entry.blob}\n".encode())
                asked.flush()
                head = output.readline().split()
                if len(head) != 3 or head[1] != b"blob":
                    raise NotARepository("The git repository lacks some of its objects; try again later.")
                data = output.read(int(head[2]))
                output.read(1)
                yield entry, data

    def _index(self, pack: Path) -> None:
        self._folder.mkdir()
        self._checked("init", "--quiet", "--bare", "--template=", str(self._folder))
        with pack.open("rb") as file:
            self._checked("index-pack", "--stdin", "--threads=1", stdin=file)
        pack.unlink()

    def _checked(self, *words: str, stdin: IO[bytes] | int = subprocess.DEVNULL) -> None:
        done = subprocess.run(  # noqa: S603  our own arguments, no shell
            self._command(*words), stdin=stdin, capture_output=True, env=self._environment(), check=False
        )
        if done.returncode:
            raise NotARepository("What the git server sent cannot be unpacked; try again later.")

    def _try(self, *words: str) -> str:
        """Its output; empty where it fails."""
        done = subprocess.run(  # noqa: S603  our own arguments, no shell
            self._command(*words), stdin=subprocess.DEVNULL, capture_output=True, env=self._environment(), check=False
        )
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""

    @contextmanager
    def _running(self, *words: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        process = subprocess.Popen(  # noqa: S603  as above
            self._command(*words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment(),
        )
        assert process.stdin is not None  # noqa: S101 - see where it is made
        assert process.stdout is not None  # noqa: S101 - see where it is made
        whole = False
        try:
            yield process.stdin, process.stdout
            whole = True
        finally:
            if not whole:
                process.kill()
            process.stdin.close()
            process.stdout.close()
            code = process.wait()
        if code:
            raise NotARepository("The git repository cannot be read; check it with git fsck.")

    def _command(self, *words: str) -> list[str]:
        # safe.directory: the operator has allowed the folder, whoever owns it.
        safe = ["-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"]
        where = ["-C", str(self._folder)] if self._folder.is_dir() else []
        return ["git", *safe, "-c", "pack.windowMemory=64m", "-c", "core.bigFileThreshold=16m", *where, *words]

    def _environment(self) -> dict[str, str]:
        """Nothing of the machine's or a user's configuration, no prompt, no transport at all."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.devnull,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
        }


def _records(output: IO[bytes]) -> Iterator[bytes]:
    held = b""
    while chunk := output.read1(65536) if hasattr(output, "read1") else output.read(65536):
        *whole, held = (held + chunk).split(b"\0")
        yield from whole
