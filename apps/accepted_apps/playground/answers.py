"""Answers that are not simply a page: statuses, redirects, other types, other encodings, broken and endless bodies."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from email.utils import formatdate
from functools import lru_cache
from time import time

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

from accepted_apps.playground import content
from accepted_apps.playground.pages import Page, Section, html, listing, listing_response, number, render, state_of
from accepted_apps.playground.state import State

_MEGABYTE = 1_000_000
_ROBOTS = "User-agent: *\nDisallow: /private-area/\n"


async def missing(_request: Request) -> Response:
    """An honest 404."""
    return html("error.html", status=404, title="Page not found", text="We looked everywhere. It is not here.")


async def too_many(request: Request) -> Response:
    """429 for the first requests of a client."""
    wait = int(number(request, "retry_after", 1, most=3600))
    # Both forms of the header are allowed (RFC 9110): seconds, or a date.
    as_date = request.query_params.get("form") == "date"
    retry_after = formatdate(time() + wait, usegmt=True) if as_date else str(wait)
    if _is_early(request, "too-many"):
        text = f"You are sending requests too quickly. Try again in {wait} s."
        headers = {"Retry-After": retry_after}
        return html("error.html", status=429, headers=headers, title="Too many requests", text=text)
    return listing_response("Patience pays", "Thank you for waiting.")


async def unavailable(request: Request) -> Response:
    """503 for the first requests of a client."""
    if _is_early(request, "unavailable"):
        text = "We are down for maintenance and will be back soon."
        return html("error.html", status=503, title="Service unavailable", text=text)
    return listing_response("Back again", "Maintenance is over.")


def _is_early(request: Request, name: str) -> bool:
    state = state_of(request)
    asked = state.count(name, request.query_params.get("key", ""), state.client_of(request))
    return asked <= number(request, "times", 2, most=1_000_000)


async def redirect_chain(request: Request) -> Response:
    """Several redirects, of several kinds, to a page."""
    hops = int(number(request, "hops", 3, most=100))
    if hops == 0:
        return RedirectResponse("/plain", status_code=303)
    path = f"/redirect/chain?hops={hops - 1}"
    absolute = str(request.base_url).rstrip("/") + path
    return RedirectResponse(absolute if hops % 2 else path, status_code=(301, 302, 307, 308)[hops % 4])


async def redirect_loop(request: Request) -> Response:
    """Two pages that send to each other."""
    step = "b" if request.query_params.get("step") == "a" else "a"
    return RedirectResponse(f"/redirect/loop?step={step}", status_code=302)


async def redirect_metadata(_request: Request) -> Response:
    """To the metadata service of a cloud."""
    return RedirectResponse("http://169.254.169.254/latest/meta-data/", status_code=302)


async def redirect_private(_request: Request) -> Response:
    """To a private network."""
    return RedirectResponse("http://10.0.0.1/", status_code=302)


async def redirect_internal(request: Request) -> Response:
    """To a canary on another loopback address."""
    return RedirectResponse(f"{state_of(request).internal_urls[0]}/admin", status_code=302)


async def redirect_port(request: Request) -> Response:
    """To a canary on the site's own address, another port."""
    return RedirectResponse(f"{state_of(request).internal_urls[1]}/admin", status_code=302)


async def redirect_two_hops(_request: Request) -> Response:
    """To a harmless page that sends on to a canary."""
    return RedirectResponse("/redirect/internal", status_code=301)


async def redirect_to(request: Request) -> Response:
    """To wherever ?url= says, in whatever spelling."""
    target = request.query_params.get("url", "/plain")
    # Not RedirectResponse: it would rewrite the odd spellings that this page is for.
    return Response(status_code=302, headers={"Location": target})


async def huge(request: Request) -> Response:
    """A page of ?mb= megabytes, of unannounced length."""
    return StreamingResponse(_huge(int(number(request, "mb", 50, most=10_000))), media_type="text/html")


async def _huge(megabytes: int) -> AsyncIterator[bytes]:
    yield listing("Rather a lot", "The list goes on.").encode()
    for _ in range(megabytes):
        yield b"<p>And so on, and so forth, at some length.</p>\n".ljust(100) * (_MEGABYTE // 100)


async def endless(request: Request) -> Response:
    """A page that never ends; ?bytes= at a time, so 1 is a trickle."""
    chunk = b"." * int(number(request, "bytes", 16_384, most=_MEGABYTE))
    return StreamingResponse(_endless(state_of(request), chunk), media_type="text/html")


async def _endless(state: State, chunk: bytes) -> AsyncIterator[bytes]:
    yield listing("To be continued", "This page has no end.").encode()
    while not state.closing.is_set():
        yield chunk
        await state.pause(0.05)


async def gzip_bomb(request: Request) -> Response:
    """A small answer that unpacks to ?mb= megabytes."""
    body = await asyncio.to_thread(_bomb, int(number(request, "mb", 200, most=2_000)))
    return Response(body, media_type="text/html", headers={"Content-Encoding": "gzip"})


@lru_cache(maxsize=4)
def _bomb(megabytes: int) -> bytes:
    """Gzip of a page and many spaces, put together from one compressed megabyte repeated.

    A full flush leaves the compressor without memory and at a whole byte, so what follows it can be written again.
    """
    page = listing("Small parcel", "It unpacks.").encode()
    spaces = b" " * _MEGABYTE
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = compressor.compress(page) + compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(spaces) + compressor.flush(zlib.Z_FULL_FLUSH)
    checksum = zlib.crc32(page)
    for _ in range(megabytes):
        checksum = zlib.crc32(spaces, checksum)
    length = (len(page) + megabytes * _MEGABYTE) & 0xFFFFFFFF
    trailer = checksum.to_bytes(4, "little") + length.to_bytes(4, "little")
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + head + block * megabytes + compressor.flush() + trailer


async def reset(request: Request) -> Response:
    """The connection is reset: in the middle of the page, or before it with ?at=start."""
    page = listing("Half a page", "The rest never arrives.").encode()
    if request.query_params.get("at") == "start":
        _reset(request)
        return Response(page)
    return StreamingResponse(_half(request, page), media_type="text/html", headers={"Content-Length": str(len(page))})


async def _half(request: Request, page: bytes) -> AsyncIterator[bytes]:
    state = state_of(request)
    yield page[: len(page) // 2]
    # The client shall have its half before the reset overtakes it.
    await state.pause(0.05)
    _reset(request)
    # Starlette ends this when it hears of the disconnect.
    await state.closing.wait()


def _reset(request: Request) -> None:
    if request.client is not None:
        state_of(request).reset_connection((request.client.host, request.client.port))


async def wrong_header(_request: Request) -> Response:
    """UTF-8, said so by the page, called Latin-1 by the header."""
    return _encoded("utf-8", declared="utf-8", header="text/html; charset=iso-8859-1")


async def latin_1(_request: Request) -> Response:
    """Latin-1 that nobody declares."""
    return _encoded("latin-1")


async def utf_16(_request: Request) -> Response:
    """UTF-16 with a byte order mark."""
    return _encoded("utf-16")


async def shift_jis(_request: Request) -> Response:
    """Shift_JIS, declared in the page only."""
    return _encoded("shift_jis", declared="Shift_JIS", japanese=True)


async def truncated(_request: Request) -> Response:
    """UTF-8 that ends in the middle of a character."""
    page = _encoded("utf-8", declared="utf-8", header="text/html; charset=utf-8")
    cut = bytes(page.body).rindex("é".encode()) + 1
    return Response(bytes(page.body)[:cut], media_type=page.media_type)


def _encoded(encoding: str, *, declared: str = "", header: str = "text/html", japanese: bool = False) -> Response:
    text = render("encoding.html", declared=declared, japanese=japanese)
    # Through a header of its own, as Starlette would add charset=utf-8 to the media type.
    return Response(text.encode(encoding), headers={"Content-Type": header})


async def pdf(_request: Request) -> Response:
    """A document."""
    return Response(_PDF, media_type="application/pdf")


async def image(_request: Request) -> Response:
    """A picture."""
    return Response(content.product_image(200), media_type="image/svg+xml")


async def data(_request: Request) -> Response:
    """The product list as JSON."""
    return JSONResponse(content.products_json())


async def lie(_request: Request) -> Response:
    """A document that is called a page."""
    return Response(_PDF, headers={"Content-Type": "text/html; charset=utf-8"})


async def robots(request: Request) -> Response:
    """The rules for robots."""
    delay = state_of(request).crawl_delay
    return PlainTextResponse(_ROBOTS if delay is None else f"{_ROBOTS}Crawl-delay: {delay}\n")


async def private_area(_request: Request) -> Response:
    """The page that robots are asked not to read."""
    return listing_response("Back office", "Robots are asked not to read this.")


async def http_error(request: Request, error: Exception) -> Response:
    """Every HTTP error as a page."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return await missing(request)
    return html("error.html", status=status, title=f"Error {status}", text=getattr(error, "detail", ""))


_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)

STATUSES = Section(
    "Statuses",
    (
        Page("/missing", "Not found", "404, and honest about it.", "fails at once, no escalation", missing),
        Page(
            "/too-many?times=2&retry_after=1",
            "Too many requests",
            "429 with Retry-After for the first ?times= requests of a client; ?key= starts anew, "
            "?form=date gives a date.",
            "waits as told, then goes on",
            too_many,
        ),
        Page(
            "/unavailable?times=2",
            "Service unavailable",
            "503 for the first ?times= requests of a client; ?key= starts anew.",
            "escalates",
            unavailable,
        ),
    ),
)

REDIRECTS = Section(
    "Redirects",
    (
        Page(
            "/redirect/chain?hops=3",
            "Chain",
            "?hops= redirects of several kinds, then a page.",
            "tier 1",
            redirect_chain,
        ),
        Page("/redirect/loop", "Loop", "Two pages that send to each other for ever.", "fails: too many", redirect_loop),
        Page(
            "/redirect/metadata",
            "To the metadata service",
            "302 to 169.254.169.254.",
            "refused in every tier",
            redirect_metadata,
        ),
        Page(
            "/redirect/private", "To a private network", "302 to 10.0.0.1.", "refused in every tier", redirect_private
        ),
        Page(
            "/redirect/internal",
            "To another loopback address",
            "302 to a canary on 127.0.0.9.",
            "refused in every tier",
            redirect_internal,
        ),
        Page(
            "/redirect/port",
            "To another port",
            "302 to a canary on the site's own address.",
            "refused in every tier",
            redirect_port,
        ),
        Page(
            "/redirect/two-hops",
            "In two hops",
            "301 to a page of the site, from there to a canary.",
            "refused in every tier",
            redirect_two_hops,
        ),
        Page("/redirect/to?url=/plain", "To anywhere", "302 to ?url=, spelled as given.", "depends", redirect_to),
    ),
)

ENCODINGS = Section(
    "Encodings",
    (
        Page("/encoding/wrong-header", "Wrong header", "UTF-8; the header says Latin-1.", "tier 1", wrong_header),
        Page("/encoding/latin-1", "Undeclared Latin-1", "Latin-1 that nobody declares.", "tier 1", latin_1),
        Page("/encoding/utf-16", "UTF-16", "UTF-16 with a byte order mark.", "tier 1", utf_16),
        Page("/encoding/shift-jis", "Shift_JIS", "Japanese, declared in the page only.", "tier 1", shift_jis),
        Page("/encoding/truncated", "Truncated UTF-8", "Ends in the middle of a character.", "tier 1", truncated),
    ),
)

TYPES = Section(
    "Other types",
    (
        Page("/type/pdf", "PDF", "A document instead of a page.", "fails: not a page", pdf),
        Page("/type/image", "Picture", "An SVG picture instead of a page.", "fails: not a page", image),
        Page("/type/json", "JSON", "Data instead of a page.", "fails: not a page", data),
        Page("/type/lie", "PDF called HTML", "A document that the header calls a page.", "fails: not a page", lie),
    ),
)

HOSTILE = Section(
    "Broken and hostile",
    (
        Page("/huge?mb=50", "Huge page", "?mb= megabytes, of unannounced length.", "cut off at the size limit", huge),
        Page(
            "/endless",
            "Endless page",
            "Never ends; ?bytes= at a time.",
            "cut off at the size or time limit",
            endless,
        ),
        Page(
            "/gzip-bomb?mb=200",
            "Gzip bomb",
            "A thousandth of ?mb= on the wire.",
            "cut off at the size limit, unpacked",
            gzip_bomb,
        ),
        Page(
            "/reset",
            "Connection reset",
            "TCP reset in the middle of the page (?at=start: before it).",
            "escalates",
            reset,
        ),
    ),
)

POLITENESS = Section(
    "Politeness",
    (
        Page("/robots.txt", "robots.txt", "Disallows /private-area/; crawl delay by setting.", "honoured", robots),
        Page(
            "/private-area/ledger",
            "Disallowed page",
            "A normal page that robots.txt asks not to read.",
            "refused, unless robots.txt is set to be ignored",
            private_area,
        ),
    ),
)
