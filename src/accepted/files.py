"""Files that come with a job's arguments: they arrive as uploads or paths and reach the task as paths."""

from __future__ import annotations

import mimetypes
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic_core import CoreSchema, core_schema

from accepted.job import JSON

if TYPE_CHECKING:
    from pydantic import ValidationInfo


class Stored:
    """The validation context of arguments that come from the store; nothing that is sent can make one."""

    __slots__ = ()


STORED: Final = Stored()


@dataclass(frozen=True, slots=True)
class UploadFile:
    """The type of a task's file parameter. In the task it is an `os.PathLike`: `open(file)`, `file.path`.

    To submit one from Python: `UploadFile.of("export.csv")`. The content is copied into the blob store before
    the job is stored, so the original may go. The copy lives as long as the job.
    """

    filename: str
    media_type: str = "application/octet-stream"
    size_bytes: int = 0
    blob: str = ""
    """Name of the copy in the blob store; empty until the job is submitted."""
    local: Path | None = field(default=None, repr=False)

    @classmethod
    def of(cls, path: str | os.PathLike[str], *, filename: str | None = None, media_type: str = "") -> UploadFile:
        """A file on this machine. Raises FileNotFoundError."""
        local = Path(path)
        name = filename or local.name
        guessed = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return cls(filename=name, media_type=guessed, size_bytes=local.stat().st_size, local=local)

    @property
    def path(self) -> Path:
        """Where its content can be read. Raises FileNotFoundError when it is not on this machine."""
        if self.local is None:
            raise FileNotFoundError(f"{self.filename}: its content is not on this machine")
        return self.local

    def __fspath__(self) -> str:
        return str(self.path)

    def stored(self) -> dict[str, JSON]:
        """As it stands in the job's arguments: everything but the path."""
        return {
            "filename": self.filename,
            "media_type": self.media_type,
            "size_bytes": self.size_bytes,
            "blob": self.blob,
        }

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            cls._validated, serialization=core_schema.plain_serializer_function_ser_schema(cls.stored)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, JSON]:
        return {"type": "string", "format": "binary"}

    @classmethod
    def _validated(cls, value: object, info: ValidationInfo) -> UploadFile:
        """Text can describe a file only where we wrote the text ourselves: whoever could name a path or a blob in a
        request could read what is not theirs."""
        if isinstance(value, UploadFile):
            return value
        if isinstance(value, dict) and isinstance(info.context, Stored):
            return cls(**value)
        raise ValueError("send the file itself, as multipart/form-data; from Python, UploadFile.of(path)")
