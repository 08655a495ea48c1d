"""What a request gives, checked while it is still a request: nothing that cannot be analysed is stored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from accepted import UploadFile
from accepted.http.uploads import Form
from accepted_apps.sales.errors import BadExport, BadMarketplace, BadProduct, SalesError
from accepted_apps.sales.model import MARKETPLACES, File
from accepted_apps.sales.reading.export import check_export
from accepted_apps.sales.reading.limits import Limits

EXPORTS: Final[dict[str, File]] = {"revenue_csv": "revenue", "design_csv": "design"}
"""The fields of the exports."""
KEYWORD_MAX: Final = 200
"""Characters of a main keyword."""

_TEXTS: Final = ("asin_or_url", "marketplace", "main_keyword")
_HEAD: Final = 256 * 1024
"""Bytes at the beginning of a file that show whether it is an export. A workbook is looked at as a whole."""
_ALIASES: Final = {"GB": "UK", "USA": "US"} | {
    host: shop.code for shop in MARKETPLACES.values() for host in (shop.host.upper(), shop.host[4:].upper())
}


def given_in(form: Form) -> dict[str, Any]:
    """The arguments of the task. What a front end sends besides, and empty fields, is left alone. Raises SalesError."""
    given: dict[str, Any] = {}
    for name in _TEXTS:
        value = form.fields.get(name, [""])[-1]
        if not isinstance(value, str):
            raise SalesError("expected text.", field=name)
        if value.strip():
            given[name] = value.strip()
    if "asin_or_url" not in given:
        raise BadProduct("expected an ASIN, or the address of a product page.", field="asin_or_url")
    given.setdefault("marketplace", _shop_of(given["asin_or_url"]))
    for name in EXPORTS:
        files = form.files.get(name, [])
        if len(files) > 1:
            raise BadExport(f"expected one file, got {len(files)}.", field=name)
        if files:
            given[name] = files[0]
        elif any(form.fields.get(name, ())):
            raise BadExport("expected a file, not text.", field=name)
    if not any(name in given for name in EXPORTS):
        raise BadExport(
            "one of the two exports is needed at least: send revenue_csv, design_csv or both.", field="revenue_csv"
        )
    return given


def marketplace_of(text: str) -> str:
    """The code of a marketplace, however it is written: `de`, `GB`, `amazon.de`. Raises BadMarketplace."""
    wanted = text.strip().upper()
    code = _ALIASES.get(wanted, wanted)
    if code not in MARKETPLACES:
        raise BadMarketplace(f"expected one of {', '.join(MARKETPLACES)}.", field="marketplace")
    return code


def _shop_of(asin_or_url: str) -> str:
    """The marketplace of an address; of an ASIN alone, the one that the original service took."""
    try:
        host = urlsplit(asin_or_url if "://" in asin_or_url else f"https://{asin_or_url}").netloc
    except ValueError:
        host = ""
    return _ALIASES.get(host.upper(), "US")


async def check_exports(given: dict[str, Any], limits: Limits) -> None:
    """Whether each file begins like a keyword export. Raises BadExport, which says what is wrong with it."""
    for name, which in EXPORTS.items():
        file = given.get(name)
        if isinstance(file, UploadFile):
            limits.check_bytes(file.size_bytes, name)
            await asyncio.to_thread(_check, file.path, which, limits)


def _check(path: Path, which: File, limits: Limits) -> None:
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head.startswith(b"PK") or len(head) < _HEAD:
            check_export(head + file.read(), which, limits)
            return
        try:
            # A line that was cut off shall not look like a broken one; in UTF-16 a line ends within a pair of bytes.
            check_export(head if b"\x00" in head else head[: head.rfind(b"\n") + 1] or head, which, limits)
        except BadExport:
            # The beginning may mislead, the whole cannot.
            check_export(head + file.read(), which, limits)
