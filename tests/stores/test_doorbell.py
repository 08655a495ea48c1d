"""The bell by itself: what is heard, what is lost, and that a loss is made good."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import wait_until

from accepted.stores.base import Change
from accepted.stores.doorbell import EVERYTHING, Doorbell

NEWS = Change(ready=True, cancelling=frozenset({"c"}), jobs=frozenset({"a", "b"}))


class Peer:
    def __init__(self, folder: Path) -> None:
        self.heard: list[Change] = []
        self.bell = Doorbell(folder, self.heard.append)


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[list[Peer]]:
    peers = [Peer(tmp_path / "bells") for _ in range(3)]
    yield peers
    for peer in peers:
        peer.bell.close()
        peer.bell.close()


async def test_everybody_else_hears_it(peers: list[Peer]) -> None:
    for peer in peers:
        assert peer.bell.listen()
    peers[0].bell.ring(NEWS)
    await wait_until(lambda: peers[1].heard and peers[2].heard)
    assert [peer.heard for peer in peers] == [[], [NEWS], [NEWS]]
    assert [peer.bell.heard_count for peer in peers] == [0, 1, 1]


def test_nobody_listens(peers: list[Peer], tmp_path: Path) -> None:
    peers[0].bell.ring(NEWS)
    assert not (tmp_path / "bells").exists()


async def test_a_long_list_becomes_everything(peers: list[Peer]) -> None:
    peers[1].bell.listen()
    peers[0].bell.ring(Change(ready=False, cancelling=frozenset(), jobs=frozenset(f"{n:036}" for n in range(2000))))
    await wait_until(lambda: peers[1].heard)
    assert peers[1].heard == [EVERYTHING]


async def test_a_full_buffer_becomes_everything(peers: list[Peer], tmp_path: Path) -> None:
    folder = tmp_path / "bells"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(folder / "deaf"))
        for _ in range(10_000):
            peers[0].bell.ring(NEWS)
        deaf.setblocking(False)
        try:
            while True:
                deaf.recv(65536)
        except BlockingIOError:
            pass
        peers[0].bell.ring(NEWS)
        assert b'"jobs": null' in deaf.recv(65536)
        peers[0].bell.ring(NEWS)
        assert b'"jobs": null' not in deaf.recv(65536)


async def test_many_at_once_may_be_too_many(peers: list[Peer]) -> None:
    """Read in one go, so many may mean that the kernel dropped some: look at everything."""
    peers[1].bell.listen()
    for n in range(2000):
        peers[0].bell.ring(Change(ready=False, cancelling=frozenset(), jobs=frozenset({f"{n}"})))
    await wait_until(
        lambda: any(c.jobs is None for c in peers[1].heard) or sum(len(c.jobs or ()) for c in peers[1].heard) == 2000
    )


async def test_the_dead_are_buried(peers: list[Peer], tmp_path: Path) -> None:
    folder = tmp_path / "bells"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(folder / "dead"))
    peers[1].bell.listen()
    peers[0].bell.ring(NEWS)
    await wait_until(lambda: peers[1].heard)
    assert not (folder / "dead").exists()


@pytest.mark.parametrize("line", [b"", b"nonsense", b"[]", b'{"ready": true}', b'{"ready":1,"cancelling":5,"jobs":[]}'])
async def test_nonsense_means_everything(peers: list[Peer], tmp_path: Path, line: bytes) -> None:
    peers[0].bell.listen()
    (bell,) = (tmp_path / "bells").iterdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        stranger.sendto(line, str(bell))
    await wait_until(lambda: peers[0].heard)
    assert peers[0].heard == [EVERYTHING]


async def test_a_deep_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 50) / "bells"
    folder.parent.mkdir()
    one, two = Peer(folder), Peer(folder)
    assert two.bell.listen()
    one.bell.ring(NEWS)
    await wait_until(lambda: two.heard)
    two.bell.close()
    one.bell.close()


def test_where_it_cannot_be_hung_up(tmp_path: Path) -> None:
    (tmp_path / "bells").write_text("a file", encoding="utf-8")
    peer = Peer(tmp_path / "bells")
    assert not peer.bell.listen()
    peer.bell.ring(NEWS)
    peer.bell.check()
    peer.bell.close()
