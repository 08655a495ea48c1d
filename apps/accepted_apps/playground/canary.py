"""The canary: an 'internal' server that no preview may ever reach, and that notes whoever does."""

import asyncio
from dataclasses import dataclass

from accepted_apps.playground.streams import StreamServer

SECRET = "playground-internal-secret"  # noqa: S105 - a marker to look for in results, no secret
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n"
    b"<!doctype html><title>Internal</title><p>" + SECRET.encode() + b"</p>"
)


@dataclass
class Hit:
    """One connection that arrived. `request_line` stays empty when it was opened and not used."""

    address: str
    peer: str
    request_line: str = ""


class Canary(StreamServer):
    """Notes a connection when it is accepted: to connect at all is already the mistake."""

    def __init__(self, hits: list[Hit]) -> None:
        super().__init__()
        self._hits = hits

    @property
    def url(self) -> str:
        """Where it listens."""
        return "http://{}:{}".format(*self.address)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note the connection, then answer anything with a page that holds `SECRET`."""
        hit = Hit(address="{}:{}".format(*self.address), peer=writer.get_extra_info("peername")[0])
        self._hits.append(hit)
        head = await reader.readuntil(b"\r\n\r\n")
        hit.request_line = head.split(b"\r\n", 1)[0].decode("latin-1")
        writer.write(_ANSWER)
        await writer.drain()
