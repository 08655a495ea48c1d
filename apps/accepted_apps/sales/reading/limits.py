"""What one file may hold. It is checked before and while a file is read, so that none costs more than it may."""

from __future__ import annotations

from dataclasses import dataclass

from accepted_apps.sales.errors import ExportTooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """bytes: of the file as sent. unpacked: of a workbook, in bytes. columns and rows: of the table."""

    bytes: int = 64 * 1024 * 1024
    unpacked: int = 1024 * 1024 * 1024
    columns: int = 2_000
    rows: int = 500_000

    def check_bytes(self, size: int, field: str) -> None:
        """Raises ExportTooLarge."""
        if size > self.bytes:
            raise ExportTooLarge(
                f"the file is larger than {_megabytes(self.bytes)}; split it, or leave out columns.", field=field
            )

    def check_unpacked(self, size: int, field: str) -> None:
        """Raises ExportTooLarge."""
        if size > self.unpacked:
            raise ExportTooLarge(
                f"the workbook unpacks to more than {_megabytes(self.unpacked)}; save its keywords as CSV.", field=field
            )

    def check_columns(self, columns: int, field: str) -> None:
        """Raises ExportTooLarge."""
        if columns > self.columns:
            raise ExportTooLarge(
                f"the file has {columns:,} columns, and {self.columns:,} are the most; leave out some.", field=field
            )

    def check_rows(self, rows: int, field: str) -> None:
        """Raises ExportTooLarge."""
        if rows > self.rows:
            raise ExportTooLarge(f"the file has more than {self.rows:,} rows; split it.", field=field)


def _megabytes(size: int) -> str:
    return f"{size / (1024 * 1024):g} MB"
