"""What a preview returns: the shape that the job stores and its clients read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .climb import Page
from .elements import Element


@dataclass(frozen=True, slots=True)
class TierTried:
    """One entry of the escalation log.

    `outcome`: ok, escalated (the next tier was tried), failed (there was none, or none would have helped), skipped
    (not configured, or of no use; `sign` says why). `cost` in US dollars.
    """

    tier: int
    tier_name: str
    outcome: str
    sign: str
    status_code: int | None
    seconds: float
    cost: float


@dataclass(frozen=True, slots=True)
class TierInfo:
    """The tier that brought the page, and those that did not. `cost_per_page` in US dollars."""

    tier_used: int
    tier_name: str
    cost_per_page: float
    escalation_log: list[TierTried]


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """A page: where it was in the end, its title, and the elements that carry data, each with selectors."""

    url: str
    title: str
    elements: list[Element] = field(repr=False)
    tier_info: TierInfo

    @classmethod
    def of(cls, page: Page, before: list[TierTried]) -> PreviewResult:
        """`before`: the tiers that an earlier attempt of the same job has tried."""
        info = page.tier_info
        tried = before + tried_of(info["escalation_log"])
        return cls(
            page.url,
            page.title,
            page.elements,
            TierInfo(info["tier_used"], info["tier_name"], info["cost_per_page"], tried),
        )


def tried_of(log: list[dict[str, Any]]) -> list[TierTried]:
    """The engine's log as typed entries."""
    return [TierTried(**entry) for entry in log]
