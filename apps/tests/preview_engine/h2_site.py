"""A small HTTP/2 server on loopback, made of the `h2` package, that keeps what a client shows of itself."""

from __future__ import annotations

import asyncio
import ssl

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event, RemoteSettingsChanged, RequestReceived, WindowUpdated

from .servers import _Listener


class H2Site(_Listener):
    """Answers each request with `body`, or with a reset of its stream when that is None."""

    def __init__(self, tls: ssl.SSLContext, body: bytes | None = b"<h1>over HTTP/2</h1>") -> None:
        super().__init__("127.0.0.5")
        tls.set_alpn_protocols(["h2"])
        self.tls = tls
        self.body = body
        self.requests: list[list[tuple[str, str]]] = []
        """Header fields in the order sent, `:method` and its like included."""
        self.settings: dict[int, int] = {}
        self.window = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65536):
            for event in connection.receive_data(data):
                self._meet(connection, event)
            writer.write(connection.data_to_send())
            await writer.drain()

    def _meet(self, connection: H2Connection, event: Event) -> None:
        if isinstance(event, RemoteSettingsChanged) and not self.settings:
            self.settings = {int(code): setting.new_value for code, setting in event.changed_settings.items()}
        elif isinstance(event, WindowUpdated) and event.stream_id == 0:
            self.window = self.window or (event.delta or 0)
        elif isinstance(event, RequestReceived):
            assert event.stream_id is not None
            self.requests.append([(str(name), str(value)) for name, value in event.headers or ()])
            if self.body is None:
                connection.reset_stream(event.stream_id, error_code=2)
                return
            connection.send_headers(event.stream_id, [(":status", "200"), ("content-type", "text/html")])
            connection.send_data(event.stream_id, self.body, end_stream=True)
