"""The durable task: one preview, each tier a step whose end is stored.

The engine climbs in a task of its own and waits, after each tier, until the end of that tier is stored. So an attempt
that follows a crash starts above the tiers that were tried before it, and nobody pays for one of them twice.
"""

# No `from __future__ import annotations`: the checks of the parameters depend on the settings.

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from accepted import Fail, Job, Jobs, Retry, Task

from .climb import TIER_NAMES, Climber, Page, Report, validated_tiers
from .errors import PreviewError
from .result import PreviewResult, TierTried, tried_of
from .settings import PreviewSettings
from .urls import validated_url

TASK: Final = "preview"
REPORT: Final = "scraper"
"""The member of a log event that holds a report of the engine: what `scraper:progress` messages are made of."""


class Warm:
    """What the previews of one process share: made for the first of them, closed when the process stops."""

    def __init__(self, settings: PreviewSettings) -> None:
        self.settings = settings
        self._climber: Climber | None = None

    def climber(self) -> Climber:
        """Call it in the worker's event loop, to which the browser belongs."""
        if self._climber is None:
            self._climber = Climber(self.settings)
        return self._climber

    async def close(self) -> None:
        """End the browser. Idempotent; the next preview makes another."""
        climber, self._climber = self._climber, None
        if climber is not None:
            await climber.close()


def add_preview(jobs: Jobs, warm: Warm) -> Task[..., PreviewResult]:
    """Register the task `preview`. Raises ConfigurationError when the name is taken."""
    settings = warm.settings

    @jobs.task(
        name=TASK,
        timeout=settings.timeout,
        active_per_owner=settings.active_per_user,
        retries=settings.retries,
    )
    async def preview(
        url: Annotated[str, AfterValidator(_url_check(settings.url_max_length))],
        min_tier: Annotated[int, Field(ge=1, le=3)] = 1,
        max_tier: Annotated[int, Field(ge=1), AfterValidator(_not_below_min_tier)] = 3,
        *,
        job: Job,
    ) -> PreviewResult:
        """One web page through tiers, from the cheapest upwards: plain HTTP, HTTP through proxies, a browser.

        Answers with the elements that carry data, each with selectors, and with what each tier took and cost.
        """
        return await Ascent(warm.climber(), job, url).run(*validated_tiers(min_tier, max_tier))

    return preview


def _url_check(max_length: int) -> Callable[[str], str]:
    def check(url: str) -> str:
        try:
            return validated_url(url, max_length=max_length)
        except PreviewError as error:
            raise _refusal(error) from None

    return check


def _not_below_min_tier(max_tier: int, info: ValidationInfo) -> int:
    try:
        validated_tiers(info.data.get("min_tier", 1), max_tier)
    except PreviewError as error:
        raise _refusal(error) from None
    return max_tier


def _refusal(error: PreviewError) -> PydanticCustomError:
    """The engine's objection, without the field's name in front: whoever shows it names the field."""
    said = error.message.removeprefix(f"{error.field} ").removesuffix(".")
    return PydanticCustomError("preview", "{said}", {"said": said})


@dataclass(frozen=True, slots=True)
class TierEnd:
    """What is stored of a tier: the page, if it brought one, else why it was left."""

    page: PreviewResult | None = None
    left: TierTried | None = None


class Ascent:
    """One attempt of one preview. Used once."""

    def __init__(self, climber: Climber, job: Job, url: str) -> None:
        self._climber = climber
        self._job = job
        self._url = url
        self._before: list[TierTried] = []
        """Tiers that earlier attempts have left behind."""
        self._climb: asyncio.Task[Page] | None = None
        self._tier = 0
        """The tier whose end is waited for."""
        self._left: asyncio.Future[TierEnd] = asyncio.get_running_loop().create_future()
        self._stored = asyncio.Event()
        """Set while the climb may go on: the ends of all tiers so far are stored."""
        self._paid = 0

    async def run(self, lowest: int, highest: int) -> PreviewResult:
        """The page. Raises Fail, or Retry where a further attempt may help and is allowed."""
        try:
            for tier in range(lowest, highest + 1):
                step = f"Tier {tier}: {TIER_NAMES[tier]}"
                end = await self._job.step(step, leave_tier, self, tier, highest)
                if end.page is not None:
                    return end.page
                if self._climb is None and end.left is not None:
                    self._before.append(end.left)
            return await self._last_word(highest)
        except PreviewError as error:
            raise self._verdict(error) from error
        finally:
            await self._stop()

    async def leave(self, tier: int, highest: int) -> TierEnd:
        """Wait until the climb has the page, or goes on to the next tier. Raises the PreviewError that it ends with."""
        self._tier, self._left = tier, asyncio.get_running_loop().create_future()
        climb = self._climbing(tier, highest)
        await asyncio.wait((climb, self._left), return_when=asyncio.FIRST_COMPLETED)
        return self._left.result() if self._left.done() else TierEnd(page=await self._arrival(climb))

    async def _last_word(self, highest: int) -> PreviewResult:
        """Every tier was left: the engine says why. When an attempt before this one has left them all, the highest
        is tried once more."""
        return await self._arrival(self._climbing(highest, highest))

    def _climbing(self, tier: int, highest: int) -> asyncio.Task[Page]:
        self._stored.set()
        if self._climb is None:
            self._climb = asyncio.create_task(self._climber.climb(self._url, tier, highest, report=self._heard))
        return self._climb

    async def _arrival(self, climb: asyncio.Task[Page]) -> PreviewResult:
        try:
            page = await climb
        except PreviewError as error:
            self._pay(error.escalation_log)
            raise
        self._pay(page.tier_info["escalation_log"])
        return PreviewResult.of(page, self._before)

    async def _heard(self, report: Report) -> None:
        """The engine's reporter: passes the message on, and holds the climb until the tier's end is stored."""
        self._tell(report)
        log = report.escalation_log
        if log and log[-1]["tier"] == self._tier and not self._left.done():
            self._pay(log)
            self._stored.clear()
            self._left.set_result(TierEnd(left=TierTried(**log[-1])))
        await self._stored.wait()

    def _tell(self, report: Report) -> None:
        fields = report.as_dict()
        message = _sentence(fields.pop("message"))
        if self._before:
            fields["escalation_log"] = [asdict(one) for one in self._before] + fields["escalation_log"]
            if fields["status"] == "starting":
                fields["status"] = "escalated"
        self._job.progress(report.percent, message)
        self._job.log(message, scraper=fields)

    def _pay(self, log: list[dict[str, Any]]) -> None:
        """Spend what the tiers cost that were not paid yet."""
        for entry in log[self._paid :]:
            if entry["cost"]:
                self._job.spend(entry["cost"], f"tier {entry['tier']}: {entry['tier_name']}")
        self._paid = len(log)

    def _verdict(self, error: PreviewError) -> Fail | Retry:
        wait = getattr(error, "retry_after", None)
        if error.retryable and self._job.attempt <= self._climber.settings.retries:
            return Retry(error.message, after=wait)
        tried = self._before + tried_of(error.escalation_log)
        data: dict[str, Any] = {"escalation_log": [asdict(one) for one in tried]}
        if wait is not None:
            data["retry_after"] = wait
        return Fail(error.message, code=error.code, **data)

    async def _stop(self) -> None:
        """Nothing of the climb is left when this returns: no request, no page in the browser."""
        if self._climb is not None:
            self._climb.cancel()
            await asyncio.gather(self._climb, return_exceptions=True)


async def leave_tier(ascent: Ascent, tier: int, highest: int) -> TierEnd:
    """`Ascent.leave` as a step, whose key is made of the tiers: an Ascent counts by its type only."""
    return await ascent.leave(tier, highest)


def _sentence(message: str) -> str:
    return message[:1].upper() + message[1:]
