"""A git server over HTTP on loopback, with what real ones do: private repositories, redirects, trouble, long waits."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import HTTPGitApplication

Start = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: `path` without the query; `authorization` as it came, empty without one."""

    method: str
    path: str
    authorization: str


@dataclass
class GitServer:
    """Serves bare repositories by name (`shop/api`) on a port of its own.

    private: those that need a token as the password. moved: from one name to another, or to a whole URL. trouble: a
    status for each request about a name. held: names whose packs do not come while it is set.
    """

    repositories: dict[str, Path]
    host: str = "127.0.0.1"
    port: int = 0
    private: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    trouble: dict[str, int] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    visits: list[Visit] = field(default_factory=list)

    def start(self) -> GitServer:
        self._open = threading.Event()
        repositories = {f"/{name}": Repo(str(path)) for name, path in self.repositories.items()}
        repositories |= {f"{name}.git": repo for name, repo in repositories.items()}
        self._git = HTTPGitApplication(DictBackend(repositories))  # type: ignore[arg-type]
        self._server = _Server((self.host, self.port), _Quiet)
        self._server.set_app(self._answer)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def release(self) -> None:
        """Let packs that are held come."""
        self.held.clear()
        self._open.set()

    def reset(self) -> None:
        self.release()
        self._open.clear()
        for state in (self.private, self.moved, self.trouble, self.visits):
            state.clear()

    def close(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.visits.append(Visit(environ["REQUEST_METHOD"], path, environ.get("HTTP_AUTHORIZATION", "")))
        name = path.removeprefix("/").partition("/info/")[0].removesuffix("/git-upload-pack").removesuffix(".git")
        if name in self.trouble:
            return _plain(start, f"{self.trouble[name]} Trouble")
        if name in self.moved:
            base = self.moved[name] if "://" in self.moved[name] else f"{self.url}/{self.moved[name]}"
            place = f"{base}{path[len(name) + 1 :]}?{environ.get('QUERY_STRING', '')}"
            return _plain(start, "301 Moved Permanently", ("Location", place))
        if name in self.private and not _shows(environ, self.private[name]):
            return _plain(start, "401 Unauthorized", ("WWW-Authenticate", 'Basic realm="git"'))
        if name in self.held and path.endswith("/git-upload-pack"):
            return self._held(start)
        return self._git(environ, start)

    def _held(self, start: Start) -> Iterator[bytes]:
        """An answer that begins and does not go on."""
        start("200 OK", [("Content-Type", "application/x-git-upload-pack-result")])
        yield b"0008NAK\n"
        self._open.wait(60)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients that go away in the middle are part of the play."""


class _Quiet(WSGIRequestHandler):
    def get_stderr(self) -> Any:
        """As above: what a client broke off is no news."""
        return io.StringIO()

    def log_message(self, *_: Any) -> None:
        pass


def _plain(start: Start, status: str, *headers: tuple[str, str]) -> list[bytes]:
    start(status, [("Content-Type", "text/plain"), *headers])
    return [status.encode()]


def _shows(environ: dict[str, Any], token: str) -> bool:
    kind, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    return kind == "Basic" and base64.b64decode(given).decode().rpartition(":")[2] == token
