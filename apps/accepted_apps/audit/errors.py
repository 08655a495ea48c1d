"""Everything that can keep a repository from being audited, in the words of the person who asked for it."""

from __future__ import annotations


class AuditError(Exception):
    """Something of the audit that did not work; the message is a sentence for the user.

    code: a short slug for programs. retryable: whether the same request may well succeed later.
    field: the parameter that is wrong, where one is.
    """

    code: str = "audit_error"
    retryable: bool = False

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NoSuchFolder(AuditError):
    """What is to be searched for routes is no folder."""

    code = "no_such_folder"
