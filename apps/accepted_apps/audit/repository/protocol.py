"""Git's smart protocol over HTTP (version 0): what a server advertises, and how one commit is asked for.

Spoken here rather than by a git program, so that every connection goes through the guard, at every redirect, and a
token is in no command line, environment or file.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from accepted_apps.audit.errors import NotARepository, RepositoryTrouble

# thin-pack makes no difference to who has nothing yet; some servers insist on it.
WANTED: Final = ("multi_ack_detailed", "no-done", "side-band-64k", "thin-pack", "ofs-delta", "shallow")
_HEADS: Final = b"refs/heads/"
_COMMIT: Final = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LONGEST: Final = 65520


@dataclass
class Advertised:
    """The branches of a repository. default: empty where the server does not say, or there is no commit."""

    branches: dict[str, str] = field(default_factory=dict)
    default: str = ""
    head: str = ""
    """The commit of HEAD; empty where there is none."""
    capabilities: frozenset[str] = frozenset()

    def default_branch(self) -> str:
        """By what the server says; else the one at HEAD's commit, main and master first."""
        if self.default in self.branches:
            return self.default
        same = [name for name, commit in self.branches.items() if commit == self.head]
        return next((name for name in ("main", "master") if name in same), same[0] if same else "")

    def names(self) -> list[str]:
        """Of all branches: the default one first."""
        default = self.default_branch()
        return sorted(self.branches, key=lambda name: (name != default, name))


class Packets:
    """Reads pkt-lines from chunks as they come."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()

    async def next(self) -> bytes | None:
        """The next line; None for a flush. Raises NotARepository, RepositoryTrouble at the end."""
        head = await self._take(4)
        try:
            length = int(head, 16)
        except ValueError:
            raise NotARepository("The server does not answer as a git server; check the URL.") from None
        if length in {0, 1, 2}:
            return None
        if not 4 <= length <= _LONGEST + 4:
            raise NotARepository("The server does not answer as a git server; check the URL.")
        return await self._take(length - 4)

    async def rest(self) -> AsyncIterator[bytes]:
        """What follows the lines, as it comes."""
        yield bytes(self._held)
        self._held.clear()
        async for chunk in self._chunks:
            yield chunk

    async def _take(self, size: int) -> bytes:
        while len(self._held) < size:
            try:
                self._held += await anext(self._chunks)
            except StopAsyncIteration:
                raise RepositoryTrouble("The server ended its answer too early; try again later.") from None
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def line(text: str) -> bytes:
    raw = text.encode()
    return f"{len(raw) + 4:04x}".encode() + raw


async def read_advertised(packets: Packets) -> Advertised:
    """What `/info/refs?service=git-upload-pack` answers. Raises NotARepository."""
    first = await packets.next()
    if first is None or not first.startswith(b"# service=git-upload-pack"):
        raise NotARepository("The server does not speak git's smart protocol at this URL; check it.")
    await packets.next()
    found = Advertised()
    while (one := await packets.next()) is not None:
        if one.startswith(b"ERR "):
            raise NotARepository("The git server refuses: " + _printable(one[4:]))
        ref, _, capabilities = one.rstrip(b"\n").partition(b"\0")
        if capabilities:
            found.capabilities = frozenset(capabilities.decode("utf-8", "replace").split())
            found.default = _default_of(found.capabilities)
        commit, _, name = ref.partition(b" ")
        if not _COMMIT.fullmatch(commit):
            continue
        if name == b"HEAD":
            found.head = commit.decode()
        elif name.startswith(_HEADS):
            found.branches[name[len(_HEADS) :].decode("utf-8", "replace")] = commit.decode()
    return found


def _default_of(capabilities: frozenset[str]) -> str:
    said = next((one for one in capabilities if one.startswith("symref=HEAD:")), "")
    return said.removeprefix("symref=HEAD:").removeprefix(_HEADS.decode())


def request_of(commit: str, known: frozenset[str], agent: str) -> bytes:
    """The body of `/git-upload-pack` that asks for one commit without its history."""
    names = {one.partition("=")[0] for one in known}
    if "shallow" not in names:
        raise NotARepository("The git server cannot give one commit without its history; it is too old.")
    used: list[str] = [one for one in WANTED if one in names]
    if "object-format" in names:
        used += [one for one in known if one.startswith("object-format=")]
    body = line(f"want {commit} {' '.join([*used, f'agent={agent}'])}\n")
    return body + line("deepen 1\n") + b"0000" + line("done\n")


async def pack_chunks(packets: Packets, *, banded: bool) -> AsyncIterator[bytes]:
    """The pack that follows the answer's lines. banded: the server wraps it in lines as well (side-band-64k)."""
    while (one := await packets.next()) is None or not one.startswith((b"NAK", b"ACK")):
        if one is not None and one.startswith(b"ERR "):
            raise NotARepository("The git server refuses: " + _printable(one[4:]))
    if not banded:
        async for chunk in packets.rest():
            yield chunk
        return
    while (one := await packets.next()) is not None:
        band, data = one[:1], one[1:]
        if band == b"\1":
            yield data
        elif band == b"\3":
            raise RepositoryTrouble("The git server gave up: " + _printable(data))


def _printable(raw: bytes) -> str:
    text = "".join(char for char in raw.decode("utf-8", "replace") if char.isprintable())[:200].strip()
    return text.rstrip(".") + "."
