"""Rows of an XLSX workbook, read as a stream: nothing of it is held but its shared strings.

A workbook is a ZIP of XML files. What they unpack to is known from its directory, and more than that is never read;
the XML is heard, not built, so that no shape of it takes more room than a row.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import unquote
from xml.parsers import expat

from accepted_apps.sales.errors import BadExport
from accepted_apps.sales.reading.limits import Limits
from accepted_apps.sales.reading.numbers import Cell

MARK: Final = b"PK\x03\x04"
_DIGITS: Final = "0123456789"
_PERCENT_FORMATS: Final = frozenset({"9", "10"})
"""The two percent formats that every workbook has without naming them."""

_ROOT: Final = "_rels/.rels"
_SHEETS_MAX: Final = 20
_LIST_MAX: Final = 8 * 1024 * 1024
"""Bytes of a file that only lists what the workbook has."""

_STRINGS_SHARE: Final = 8
"""Shared strings may unpack to this part of what the whole workbook may, because they are held."""

_CHUNK: Final = 1 << 16
_PARTS_MAX: Final = 64
"""Parts of a text, each at most as long as what is read at once; a cell holds 32,767 characters."""


class Workbook:
    """An XLSX file. Raises BadExport where it is none, or is damaged."""

    def __init__(self, data: bytes, limits: Limits, field: str) -> None:
        self.limits = limits
        self._field = field
        try:
            self._files = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise self._damaged() from error
        self._sizes = {info.filename: info.file_size for info in self._files.infolist()}
        limits.check_unpacked(sum(self._sizes.values()), field)
        main = next(iter(self._related(_ROOT, "officeDocument").values()), None)
        if main is None:
            raise BadExport(
                "the file is a ZIP, and no Excel workbook; unpack it and give the CSV that is in it.", field=field
            )
        self._main = main
        self._relations = posixpath.join(posixpath.dirname(main), "_rels", posixpath.basename(main) + ".rels")
        self.strings = self._shared()
        self.percent = self._percent_styles()

    def sheets(self) -> list[tuple[str, str]]:
        """Name and file of each visible sheet, in order."""
        files = self._related(self._relations, "worksheet")
        found = []
        for name, _, attributes in self._listed(self._main):
            place = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            if name == "sheet" and place in files and attributes.get("state", "visible") == "visible":
                found.append((attributes.get("name", ""), files[place]))
        return found[:_SHEETS_MAX]

    def rows(self, sheet: str) -> Iterator[tuple[int, list[Cell]]]:
        """Rows that are not empty, with their numbers from 1; cells that are not there are ``""``."""
        heard = _Sheet(self)
        for _ in self._parsed(sheet, heard):
            yield from heard.rows
            heard.rows.clear()
        yield from heard.rows

    def check_columns(self, columns: int) -> None:
        """Raises ExportTooLarge."""
        self.limits.check_columns(columns, self._field)

    def _shared(self) -> list[str]:
        file = next(iter(self._related(self._relations, "sharedStrings").values()), None)
        if file is None:
            return []
        self.limits.check_unpacked(self._sizes.get(file, 0) * _STRINGS_SHARE, self._field)
        heard = _Strings()
        for _ in self._parsed(file, heard):
            pass
        return heard.strings

    def _percent_styles(self) -> frozenset[str]:
        """The numbers of the styles that show 0.42 as 42 %."""
        file = next(iter(self._related(self._relations, "styles").values()), None)
        if file is None:
            return frozenset()
        listed = self._listed(file)
        percent = _PERCENT_FORMATS | {
            attributes.get("numFmtId", "")
            for name, _, attributes in listed
            if name == "numFmt" and "%" in attributes.get("formatCode", "")
        }
        styles = [attributes for name, within, attributes in listed if name == "xf" and within == "cellXfs"]
        return frozenset(str(place) for place, style in enumerate(styles) if style.get("numFmtId") in percent)

    def _related(self, relations: str, sort: str) -> dict[str, str]:
        """Id → file, of the files of one sort that belong to another."""
        if relations not in self._sizes:
            return {}
        folder = posixpath.dirname(posixpath.dirname(relations))
        return {
            attributes.get("Id", ""): _inside(folder, attributes.get("Target", ""))
            for name, _, attributes in self._listed(relations)
            if name == "Relationship" and attributes.get("Type", "").endswith("/" + sort)
        }

    def _listed(self, file: str) -> list[tuple[str, str, dict[str, str]]]:
        """Name, name of what it is in, and attributes of each element."""
        if self._sizes.get(file, 0) > _LIST_MAX:
            raise self._damaged()
        heard = _Elements()
        for _ in self._parsed(file, heard):
            pass
        return heard.elements

    def _parsed(self, file: str, heard: _Heard) -> Iterator[None]:
        """Feed a file to a listener, with a stop after each part of it."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = heard.start
        parser.EndElementHandler = heard.end
        parser.CharacterDataHandler = heard.text
        parser.StartDoctypeDeclHandler = _no_doctype
        try:
            with self._files.open(file) as stream:
                while part := stream.read(_CHUNK):
                    parser.Parse(part)
                    yield
                parser.Parse(b"", True)
        except (
            expat.ExpatError,
            zipfile.BadZipFile,
            zlib.error,
            struct.error,
            KeyError,
            ValueError,
            RuntimeError,
            NotImplementedError,
            EOFError,
        ) as error:
            raise self._damaged() from error

    def _damaged(self) -> BadExport:
        return BadExport("the workbook is damaged or locked; save it again as .xlsx or CSV.", field=self._field)


class _Heard:
    """Listens to a file. Names come without the prefix of their namespace, which each writer chooses."""

    def start(self, name: str, attributes: dict[str, str], /) -> None:
        """An element begins."""

    def end(self, name: str, /) -> None:
        """An element ends."""

    def text(self, part: str, /) -> None:
        """Some text, not always all of it."""


class _Elements(_Heard):
    def __init__(self) -> None:
        self.elements: list[tuple[str, str, dict[str, str]]] = []
        self._within = [""]

    def start(self, name: str, attributes: dict[str, str], /) -> None:
        local = _local(name)
        self.elements.append((local, self._within[-1], attributes))
        self._within.append(local)

    def end(self, _: str, /) -> None:
        self._within.pop()


class _Texts(_Heard):
    """Hears the text of `t` and `v`, without the readings (`rPh`) that Japanese workbooks add."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._taking = False
        self._readings = 0

    def start(self, name: str, _: dict[str, str], /) -> None:
        local = _local(name)
        if local in ("t", "v"):
            self._taking = not self._readings
        elif local == "rPh":
            self._readings += 1

    def end(self, name: str, /) -> None:
        local = _local(name)
        if local in ("t", "v"):
            self._taking = False
        elif local == "rPh":
            self._readings -= 1

    def text(self, part: str, /) -> None:
        if self._taking:
            self._parts.append(part)
            if len(self._parts) > _PARTS_MAX:
                raise EOFError

    def _taken(self) -> str:
        text = "".join(self._parts)
        self._parts.clear()
        return text


class _Strings(_Texts):
    def __init__(self) -> None:
        super().__init__()
        self.strings: list[str] = []

    def end(self, name: str, /) -> None:
        if _local(name) == "si":
            self.strings.append(self._taken())
        else:
            super().end(name)


class _Sheet(_Texts):
    """Hears the rows. It is called several times for each cell, and so does little each time."""

    def __init__(self, book: Workbook) -> None:
        super().__init__()
        self.rows: list[tuple[int, list[Cell]]] = []
        self._strings = book.strings
        self._percent = book.percent
        self._columns = book.limits.columns
        self._check = book.check_columns
        self._number = 0
        self._cells: list[Cell] = []
        self._missing = 0
        self._cell: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str], /) -> None:
        local = _local(name)
        if local == "v":
            self._taking = True
        elif local == "c":
            self._cell = attributes
            self._missing = _column(attributes["r"].rstrip(_DIGITS)) - len(self._cells) if "r" in attributes else 0
            if self._missing > 0:
                self._check(len(self._cells) + self._missing + 1)
        elif local == "row":
            stated = attributes.get("r", "")
            self._number = int(stated) if stated.isdecimal() and len(stated) < 9 else self._number + 1
            self._cells = []
        else:
            super().start(name, attributes)

    def end(self, name: str, /) -> None:
        local = _local(name)
        if local == "v":
            self._taking = False
        elif local == "c":
            if self._missing > 0:
                self._cells.extend([""] * self._missing)
            self._cells.append(self._value("".join(self._parts)))
            self._parts.clear()
            if len(self._cells) > self._columns:
                self._check(len(self._cells))
        elif local == "row":
            if any(cell != "" for cell in self._cells):
                self.rows.append((self._number, self._cells))
        else:
            super().end(name)

    def _value(self, text: str) -> Cell:
        sort = self._cell.get("t", "n")
        if sort == "n":
            return self._numeric(text)
        if sort == "s":
            place = int(text) if text.isdecimal() and len(text) < 10 else -1
            return self._strings[place] if 0 <= place < len(self._strings) else ""
        return "" if sort == "e" else text

    def _numeric(self, text: str) -> Cell:
        percent = self._cell.get("s") in self._percent
        if not percent and text.isdecimal() and len(text) < 16:
            return int(text)
        try:
            value = float(text)
        except ValueError:
            return text
        if percent:
            value = round(value * 100, 10)
        return int(value) if value.is_integer() else value


def _no_doctype(*_: object) -> None:
    """Workbooks declare no entities; a file that does is no workbook."""
    raise NotImplementedError


def _inside(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")


@lru_cache(maxsize=256)
def _local(name: str) -> str:
    return name[name.rfind(":") + 1 :]


@lru_cache(maxsize=4096)
def _column(letters: str) -> int:
    """The place of a column, from 0: A is 0, AA is 26."""
    number = 0
    for letter in letters[:4]:
        number = number * 26 + ord(letter) - 64
    return number - 1
