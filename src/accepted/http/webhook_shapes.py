"""Webhooks and their deliveries as the API answers them, as types (shapes.py says more of such)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from accepted.http.shapes import Path, words
from accepted.job import Status
from accepted.webhooks.words import KINDS

WebhookType = Annotated[str, Field(json_schema_extra={"enum": list(KINDS)})]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AcceptedWebhookLinks(_Shape):
    self_: Annotated[Path, Field(alias="self")]
    deliveries: Path
    rotate: Path
    test: Path


class AcceptedWebhook(_Shape):
    """Where its owner wants to be told. `tasks`: empty for all."""

    id: str
    url: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    events: list[WebhookType]
    tasks: list[str]
    description: str
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None
    disabled_reason: str | None
    links: AcceptedWebhookLinks


class AcceptedWebhookWithSecret(AcceptedWebhook):
    """`secret` is shown this once."""

    secret: Annotated[str, Field(json_schema_extra={"pattern": "^whsec_"})]


class AcceptedWebhookList(_Shape):
    webhooks: list[AcceptedWebhook]


class AcceptedWebhookTry(_Shape):
    """One request. `status` null: no answer came; `error` null: it arrived; `answer`: how its body begins."""

    at: AwareDatetime
    status: int | None
    ms: int
    error: str | None
    answer: str


class AcceptedWebhookDelivery(_Shape):
    """One event told to one webhook. `id` is the `webhook-id` of each try."""

    id: str
    type: WebhookType | Literal["webhook.test"]
    job_id: str | None
    seq: int | None
    status: Annotated[str, words(Status)]
    created_at: AwareDatetime
    finished_at: AwareDatetime | None
    next_at: AwareDatetime | None
    error: str | None
    attempts: list[AcceptedWebhookTry]


class AcceptedWebhookDeliveryPage(_Shape):
    """`cursor` continues the listing; null: this is its end."""

    deliveries: list[AcceptedWebhookDelivery]
    cursor: str | None


SHAPES: tuple[type[BaseModel], ...] = (
    AcceptedWebhook,
    AcceptedWebhookWithSecret,
    AcceptedWebhookList,
    AcceptedWebhookDelivery,
    AcceptedWebhookDeliveryPage,
)
