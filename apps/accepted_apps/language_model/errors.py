"""Everything that can keep a language model from answering, in words for whoever runs the server, or asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel

from accepted_apps.language_model.usage import Usage


class LanguageModelError(Exception):
    """No usable answer. The message is one sentence: what happened, and what to do. It never holds the key.

    code: a short slug for programs. retryable: whether the same question may well be answered later. usage: what was
    spent on the way all the same.
    """

    code: ClassVar[str] = "language_model_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.usage = usage or Usage()


class KeyRefused(LanguageModelError):
    """The API does not take the key, or not for this model (401, 403)."""

    code = "model_key_refused"


class ModelMissing(LanguageModelError):
    """The API knows no such model, or there is no API at this URL (404)."""

    code = "model_missing"


class PaymentNeeded(LanguageModelError):
    """The account has nothing left (402, or 429 for its quota)."""

    code = "model_payment_needed"


class QuestionRefused(LanguageModelError):
    """The API does not take the question: too long, or nothing it answers (400, 413, 422)."""

    code = "model_question_refused"


class ModelRateLimited(LanguageModelError):
    """The API asks for a longer pause than a question may wait, or goes on refusing; `retry_after` in seconds."""

    code = "model_rate_limited"
    retryable = True

    def __init__(self, message: str, *, retry_after: float, usage: Usage | None = None) -> None:
        super().__init__(message, usage=usage)
        self.retry_after = retry_after


class ModelTrouble(LanguageModelError):
    """No connection, none that lasted, no answer in time, or an error of the API's own (5xx)."""

    code = "model_trouble"
    retryable = True


class AnswerUnusable(LanguageModelError):
    """The answer is not what was asked for, also after the model was told what is wrong with it.

    objections: what is wrong. value: the last answer that has the right shape, if any had: the caller's own check
    objects to it.
    """

    code = "model_answer_unusable"

    def __init__(
        self,
        message: str,
        *,
        objections: Sequence[str] = (),
        value: BaseModel | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message, usage=usage)
        self.objections = tuple(objections)
        self.value = value
