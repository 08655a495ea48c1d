"""The error that those of all applications are."""

from __future__ import annotations


class ApplicationError(Exception):
    """Something that did not work. The message is one sentence for the user: what happened, and what to do.

    code: a short slug for programs. retryable: whether the same request may well succeed later. field: the parameter
    that is wrong, where one is. No message ever holds a token, a password or a session.
    """

    code: str = "error"
    retryable: bool = False

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
