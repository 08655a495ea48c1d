"""Where webhooks may go: what is looked at when one is registered, and again at each connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from accepted.guard import AddressPolicy, AddressRefused

URL_MAX: Final = 2000
"""Longest URL, in characters."""


async def check_url(url: str, allow: Sequence[str]) -> None:
    """Refuse what nobody could deliver to: ValueError with a sentence for the one who registers it.

    Names are not looked up, since what they stand for may change until something is sent; a literal address in any
    of its forms, and a name of this very machine, are refused now.
    """
    if len(url) > URL_MAX:
        raise ValueError(f"expected at most {URL_MAX} characters")
    if not url.isascii() or any(char <= " " or char == "\x7f" for char in url):
        raise ValueError("expected a URL in ASCII without spaces; write other characters percent-encoded")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"expected a URL such as https://example.org/hook ({error})") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("expected a URL such as https://example.org/hook")
    if "@" in parts.netloc:
        raise ValueError("leave out the user name and password: the signature says who is calling")
    if parts.fragment:
        raise ValueError("leave out the part from # on: it is never sent")
    if port == 0:
        raise ValueError("0 is no port")
    refused = await refused_for_ever(url, allow)
    if refused is not None:
        raise ValueError(f"{host} {refused}; use a public address, or let the operator name it in webhook_allow")


async def refused_for_ever(url: str, allow: Sequence[str]) -> str | None:
    """Why a URL leads to no public address whatever the DNS says; None when only the DNS can tell."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        await AddressPolicy(allow, resolver=_this_machine).resolve(parts.hostname or "", port)
    except AddressRefused as refused:
        return refused.reason
    except OSError:
        pass
    return None


async def _this_machine(host: str, port: int) -> Sequence[str]:  # noqa: ARG001  a Resolver
    """The names that RFC 6761 keeps for the machine itself; no other is known here."""
    if host == "localhost" or host.endswith(".localhost"):
        return ["127.0.0.1"]
    raise OSError
