"""What both drivers share of httpx: where requests go, what they carry, what its errors mean."""

from __future__ import annotations

import ipaddress
import mimetypes
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from accepted.client.flow import Broken, FilePart, Request
from accepted.client.policy import Policy
from accepted.errors import ConfigurationError
from accepted.files import UploadFile
from accepted.version import __version__

Files = list[tuple[str, tuple[str, Any, str]]]


class Wire:
    """One server's address and the credentials for it. `shown` is the address without any."""

    def __init__(self, url: str, *, key: str | None, token: str | None, prefix: str, policy: Policy) -> None:
        if key and token:
            raise ConfigurationError("give key= or token=, not both")
        self.policy = policy
        self.shown = _checked(url)
        self.prefix = prefix.rstrip("/")
        self._url = url
        self._secret = key or token

    def options(self) -> dict[str, Any]:
        """Keywords of the httpx client."""
        headers = {"User-Agent": f"accepted-python/{__version__}"}
        if self._secret:
            headers["Authorization"] = f"Bearer {self._secret}"
        return {
            "base_url": self._url,
            "headers": headers,
            # Each followed job holds a connection for as long as it runs.
            "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20),
            # A proxy configured for the internet does not lead to this machine's own services.
            "trust_env": not _is_loopback(urlsplit(self._url).hostname or ""),
        }

    def arguments(self, request: Request, files: Files) -> dict[str, Any]:
        """Arguments of `build_request`."""
        timeout = self.policy.timeout
        made: dict[str, Any] = {
            "method": request.method,
            "url": self.prefix + request.path,
            "headers": dict(request.headers),
            "timeout": httpx.Timeout(timeout, read=request.silence or timeout),
        }
        if request.query:
            made["params"] = dict(request.query)
        if files:
            made["data"] = {"arguments": (request.body or b"{}").decode()}
            made["files"] = files
        elif request.body is not None:
            made["content"] = request.body
            made["headers"].setdefault("Content-Type", "application/json")
        return made


def broken(error: httpx.RequestError) -> Broken:
    """The connection error that this was, as flows know it."""
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if isinstance(error, httpx.TimeoutException):
        detail = "no connection in time" if unsent else "no answer in time"
    else:
        detail = str(error) or type(error).__name__
    made = Broken(detail, unsent=unsent)
    made.__cause__ = error
    return made


@contextmanager
def opened(parts: Sequence[FilePart]) -> Iterator[Files]:
    """The files of a request for httpx, opened anew for each try. Raises OSError."""
    with ExitStack() as stack:
        files: Files = []
        for name, given in parts:
            if isinstance(given, os.PathLike):
                file = given if isinstance(given, UploadFile) else UploadFile.of(given)
                content = stack.enter_context(file.path.open("rb"))
                files.append((name, (file.filename, content, file.media_type)))
            else:
                filename = Path(str(getattr(given, "name", name))).name
                guessed = mimetypes.guess_type(filename)[0] or "application/octet-stream"
                files.append((name, (filename, given, guessed)))
        yield files


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        raise ConfigurationError(f"expected the address of a server such as http://127.0.0.1:8000, got {shown!r}")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
