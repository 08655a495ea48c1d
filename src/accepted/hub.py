"""Live updates: one read and one encoding per event, whatever the number of watchers.

    store ──listen──▶ dirty jobs ──one events_after for all──▶ Feed (ring of Messages) ──wake──▶ Subscription ×N

Nothing is pushed into a watcher. Each `Subscription` has a cursor per job and takes from the job's ring what
is newer, at its own pace; so a slow watcher costs nothing but its cursor and never holds up another. When its
cursor has fallen behind the ring it reads pages from the store, one read for all who stand there
(`complete=True`: no gap, ever), or jumps to the newest state with a `Gap` (`complete=False`). `Hub.over` and
`Hub.changed` are watchers that want one answer.

Everything here runs in the event loop that called `start`; only the store's listener comes from elsewhere. A
missed notification costs at most `settings.poll` seconds, after which every watched job is looked at again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from accepted.errors import JobGone, JobNotFound
from accepted.feed import (
    BATCH_BYTES,
    Ended,
    Events,
    Feed,
    Gap,
    Joined,
    Message,
    Removed,
    Trimmed,
    Update,
    answer,
    encode,
)
from accepted.job import JobRecord
from accepted.owners import Owners
from accepted.settings import Settings
from accepted.stores.base import Change, EventsPage, WatchingStore

__all__ = [
    "Ended",
    "Events",
    "Gap",
    "Hub",
    "Joined",
    "Message",
    "Removed",
    "Subscription",
    "Trimmed",
    "Update",
    "encode",
]

log = logging.getLogger("accepted.hub")

PAGE: Final = 384
"""Events of one job in one read: BATCH_BYTES of usual ones, so that they go out as one chunk."""
REST_PER_WATCHER: Final = 100e-6
"""Seconds for which a job's log is not read again, times the watchers that were just told: sending to one takes a
fifth of that. So a job that writes fast leaves the loop to others for most of the time, and the faster it writes, the
more events go out together. What follows a silence goes at once."""
REST: Final = (0.001, 0.025)
"""Seconds: a shorter rest is left out, a longer one cut, for it is a lag that watchers see."""
RETRY_SECONDS: Final = 0.5
"""Pause after a read that failed."""

_NOTHING = EventsPage((), 0)


# ── one watcher ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Follow:
    """Where one subscription stands in one job."""

    feed: Feed
    cursor: int
    live: bool = False
    """Has caught up once: from here on, falling behind the ring is being slow."""
    owned: bool = False
    """Followed because of its owner; left when the job is over."""


class Subscription:
    """One watcher of any number of jobs: `async with hub.watch(…) as subscription`, then `next()` in a loop.

    `next` is for one task; `follow`, `unfollow` and `end` may be called from others in the same loop. Leaving
    the `async with` frees everything.
    """

    __slots__ = (
        "_awake",
        "_behind",
        "_complete",
        "_ended",
        "_follows",
        "_hub",
        "_idle",
        "_initial",
        "_joined",
        "_loop",
        "_on_end",
        "_since",
        "_timeout",
        "_timer",
        "_waiter",
    )

    def __init__(
        self, hub: Hub, cursors: Mapping[str, int], *, complete: bool, on_end: Callable[[], None] | None
    ) -> None:
        self._hub = hub
        self._initial = cursors
        self._complete = complete
        self._on_end = on_end
        self._follows: dict[str, _Follow] = {}
        self._awake: dict[str, None] = {}
        self._behind: _Follow | None = None
        self._joined: deque[Joined] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._timeout: float | None = None
        self._idle = False

    async def __aenter__(self) -> Subscription:
        # Asked for once: up to Python 3.11 that is a system call, which each `next` would make.
        self._loop = asyncio.get_running_loop()
        self._hub._enter(self)
        for job_id, after in self._initial.items():
            self.follow(job_id, after)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.unfollow_owner()
        for job_id in list(self._follows):
            self.unfollow(job_id)
        self._hub._leave(self)

    @property
    def following(self) -> int:
        """How many jobs."""
        return len(self._follows)

    def follows(self, job_id: str) -> bool:
        return job_id in self._follows

    def follow(self, job_id: str, after: int) -> None:
        """Events of the job with `seq` > `after` from now on; of a job that is followed already, go on from there."""
        follow = self._follows.get(job_id)
        if follow is None:
            self._follows[job_id] = _Follow(self._hub._subscribe(self, job_id, after), after)
        else:
            follow.cursor, follow.owned = after, False
        self.news(job_id)

    def move(self, job_id: str, after: int) -> None:
        """A snapshot was sent that tells everything up to `after`: go on from there. Nothing if not followed."""
        follow = self._follows.get(job_id)
        if follow is not None:
            follow.cursor = after
            self.news(job_id)

    def unfollow(self, job_id: str) -> None:
        """No more of this job. Idempotent."""
        follow = self._follows.pop(job_id, None)
        self._awake.pop(job_id, None)
        if follow is not None:
            self._hub._unsubscribe(self, follow.feed)

    async def follow_owner(self, owner: str | None) -> None:
        """All jobs of `owner` (None: of everybody) that are not over, and those submitted from its return on, each
        announced by `Joined`; at most `settings.subscriptions_max` at once, and each is left when it is over.
        Raises StoreError."""
        await self._hub._owners.add(self, owner)

    def unfollow_owner(self) -> None:
        """Undo `follow_owner`; jobs followed by name stay."""
        self._hub._owners.remove(self)
        for job_id in [job_id for job_id, follow in self._follows.items() if follow.owned]:
            self.unfollow(job_id)

    def join(self, record: JobRecord, after: int) -> bool:
        """An owner's job turned up: follow it. False when this subscription is full or follows it already."""
        if record.id in self._follows or len(self._follows) >= self._hub.settings.subscriptions_max:
            return False
        self._joined.append(Joined(record, after))
        self.follow(record.id, after)
        self._follows[record.id].owned = True
        return True

    def end(self) -> None:
        """Make `next()` answer `Ended`. What was not handed over yet is not: the log has it. Idempotent."""
        if not self._ended:
            self._ended = True
            self._wake()
            if self._on_end is not None:
                self._on_end()

    async def next(self, timeout: float | None = None) -> list[Update]:
        """Wait for news and return it, about BATCH_BYTES at most; [] when nothing came in `timeout` seconds,
        which is to be the same at each call, and `[Ended()]` for ever after the end. Raises StoreError when a watcher
        that is behind cannot be served."""
        loop = self._loop
        self._since, self._timeout, self._idle = loop.time(), timeout, False
        if timeout is not None and self._timer is None:
            self._timer = loop.call_later(timeout, self._tick)
        try:
            while True:
                if self._ended:
                    return [Ended()]
                if self._awake or self._joined:
                    updates = self._collect()
                    if self._behind is not None:
                        follow, self._behind = self._behind, None
                        page = await self._read_page(follow)
                        if page is not None:
                            updates.append(page)
                    if updates:
                        return updates
                if self._idle:
                    return []
                self._waiter = loop.create_future()
                await self._waiter
        finally:
            self._waiter = None

    def _tick(self) -> None:
        """One timer for all calls of `next`: arming and disarming one for each would cost a busy stream a tenth."""
        self._timer = None
        if self._timeout is None:
            return
        rest = self._since + self._timeout - self._loop.time()
        if rest > 0 or self._waiter is None:
            self._timer = self._loop.call_later(rest if rest > 0 else self._timeout, self._tick)
        else:
            self._idle = True
            self._wake()

    def _collect(self) -> list[Update]:
        """What is in memory, up to a job whose next events are not: that is `_behind` then."""
        updates: list[Update] = []
        if self._joined:
            updates += self._joined
            self._joined.clear()
        room = BATCH_BYTES
        while self._awake and room > 0 and self._behind is None:
            job_id = next(iter(self._awake))
            del self._awake[job_id]
            update = self._take(job_id)
            if update is None:
                continue
            updates.append(update)
            if isinstance(update, Events):
                room -= update.size
            elif isinstance(update, Gap):
                # Now comes a snapshot, which says where to go on: nothing may be taken before that.
                break
        return updates

    def _take(self, job_id: str) -> Update | None:
        """What the job has for this watcher now; it stays awake while there is more."""
        follow = self._follows.get(job_id)
        if follow is None:
            return None
        feed = follow.feed
        if feed.removed:
            self.unfollow(job_id)
            return Removed(job_id)
        if follow.cursor >= feed.cursor:
            follow.live = follow.live or feed.current
            return None
        if follow.cursor >= feed.floor:
            return self._take_batch(follow, feed.take(follow.cursor))
        if self._complete or not follow.live:
            # Behind the ring, or not yet caught up: at its own pace from the store.
            self._behind = follow
            return None
        gap = Gap(job_id, follow.cursor + 1, feed.cursor)
        follow.cursor = feed.cursor
        follow.live = follow.live or feed.current
        return gap

    def _take_batch(self, follow: _Follow, batch: Events) -> Events:
        feed = follow.feed
        follow.cursor = batch.seq
        self._hub.delivered += len(batch.messages)
        if follow.cursor < feed.cursor:
            self._awake[feed.job_id] = None
        else:
            follow.live = follow.live or feed.current
        if follow.owned and batch.over:
            self.unfollow(feed.job_id)
            self._hub._owners.left(self, feed.job_id)
        return batch

    async def _read_page(self, follow: _Follow) -> Events | Trimmed | Removed | None:
        feed, after = follow.feed, follow.cursor
        try:
            page = await self._hub._page(feed, after)
        except (JobNotFound, JobGone):
            self.unfollow(feed.job_id)
            return Removed(feed.job_id)
        if self._follows.get(feed.job_id) is not follow or follow.cursor != after:
            # Meanwhile somebody unfollowed it or moved its cursor: that decision wakes us again.
            return None
        if isinstance(page, Events):
            return self._take_batch(follow, page)
        if page is not None:
            follow.cursor = page.first_seq - 1
            self.news(feed.job_id)
        return page

    def news(self, job_id: str) -> None:
        self._awake[job_id] = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


# ── the hub ──────────────────────────────────────────────────────────────────────────────────────────


class Hub:
    """Watches the store for all watchers of this process. `start` and `stop` belong to whoever made it."""

    def __init__(self, store: WatchingStore, settings: Settings) -> None:
        self.store = store
        self.settings = settings
        self.delivered = 0
        """Events handed to subscriptions so far."""
        # No more of one job than its ring holds: whoever keeps up finds all of it there.
        self._page_events = min(PAGE, settings.watcher_queue)
        self._feeds: dict[str, Feed] = {}
        self._subscriptions: set[Subscription] = set()
        self._owners = Owners(store)
        self._dirty: set[str] = set()
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._net: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unlisten: Callable[[], None] | None = None
        self._draining = False
        # What the listener heard and the loop has not taken yet: the only state that other threads touch.
        self._lock = threading.Lock()
        self._heard: set[str] | None = set()
        self._called = False

    @property
    def watchers(self) -> int:
        """Open subscriptions."""
        return len(self._subscriptions)

    @property
    def watched(self) -> int:
        """Jobs that somebody watches or waits for."""
        return len(self._feeds)

    async def start(self) -> None:
        """Begin to listen. Idempotent."""
        if self._task is not None:
            return
        self._draining = False
        self._loop = asyncio.get_running_loop()
        # Of this loop: tests start the same hub in one loop after the other, and a call into the last one is lost.
        self._work = asyncio.Event()
        self._called = False
        for feed in self._feeds.values():
            feed.resting = False
        self._task = self._loop.create_task(self._run(), name="accepted hub")
        self._unlisten = self.store.listen(self._listen)
        self._look_at_everything()

    def drain(self) -> None:
        """End every subscription, and each later one at once, so that streams close and clients reconnect
        elsewhere; waits go on. For the moment when the server is told to stop: servers such as uvicorn wait for
        open streams before they let the application shut down. Idempotent."""
        self._draining = True
        for subscription in list(self._subscriptions):
            subscription.end()

    async def stop(self) -> None:
        """Drain, answer every wait with False, and stop listening. Idempotent."""
        self.drain()
        task, self._task = self._task, None
        if task is None:
            return
        if self._unlisten is not None:
            self._unlisten()
        if self._net is not None:
            self._net.cancel()
        self._owners.stop()
        task.cancel()
        await asyncio.wait((task,))
        for feed in list(self._feeds.values()):
            for future in (*feed.over_waiters, *feed.change_waiters):
                answer(future, False)

    # ── watching ──

    def watch(
        self, cursors: Mapping[str, int], *, complete: bool, on_end: Callable[[], None] | None = None
    ) -> Subscription:
        """A watcher of the jobs in `cursors`, each from after that `seq`. `complete`: never leave out an event,
        however slow; else jump to the newest state with a `Gap`. `on_end` is called when it is ended from outside."""
        return Subscription(self, cursors, complete=complete, on_end=on_end)

    async def changed(self, job_id: str, seq: int, timeout: float) -> bool:
        """Wait until the job has an event after `seq`, or is gone: True. False after `timeout` seconds, or when
        the hub stops."""
        feed = self._feed(job_id, seq)
        if feed.cursor > seq or feed.removed:
            self._drop_if_idle(feed)
            return True
        future = self._future()
        feed.change_waiters[future] = seq
        try:
            return await self._answered(future, timeout)
        finally:
            feed.change_waiters.pop(future, None)
            self._drop_if_idle(feed)

    async def over(self, job_id: str, timeout: float | None, *, after: int = 0) -> bool:
        """Wait until the job is over, or gone: True. False after `timeout` seconds, or when the hub stops.

        `after`: a `seq` at which the job was known not to be over (0 is always right; the record's own saves
        reading its log again).
        """
        feed = self._feed(job_id, after)
        if after < feed.examined_from:
            feed.examined_from = after
            feed.rewind = after if feed.rewind is None else min(feed.rewind, after)
            self._look_at(job_id)
        if feed.is_over(after):
            self._drop_if_idle(feed)
            return True
        future = self._future()
        feed.over_waiters[future] = after
        try:
            return await self._answered(future, timeout)
        finally:
            feed.over_waiters.pop(future, None)
            self._drop_if_idle(feed)

    def _future(self) -> asyncio.Future[bool]:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._task is None:
            future.set_result(False)
        return future

    async def _answered(self, future: asyncio.Future[bool], timeout: float | None) -> bool:
        if timeout is None:
            return await future
        timer = asyncio.get_running_loop().call_later(timeout, answer, future, False)
        try:
            return await future
        finally:
            timer.cancel()

    # ── what subscriptions call ──

    def _enter(self, subscription: Subscription) -> None:
        self._subscriptions.add(subscription)
        if self._draining or self._task is None:
            subscription.end()

    def _leave(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def _subscribe(self, subscription: Subscription, job_id: str, after: int) -> Feed:
        feed = self._feed(job_id, after)
        feed.subscriptions.add(subscription)
        return feed

    def _unsubscribe(self, subscription: Subscription, feed: Feed) -> None:
        feed.subscriptions.discard(subscription)
        self._drop_if_idle(feed)

    def _feed(self, job_id: str, after: int) -> Feed:
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = self._feeds[job_id] = Feed(job_id, after)
            self._look_at(job_id)
        return feed

    def _drop_if_idle(self, feed: Feed) -> None:
        if feed.idle and self._feeds.get(feed.job_id) is feed:
            del self._feeds[feed.job_id]

    # ── from the store to the feeds ──

    def _listen(self, change: Change) -> None:
        """The store's listener; any thread."""
        with self._lock:
            if change.jobs is None:
                self._heard = None
            elif self._heard is not None:
                self._heard |= change.jobs
            if self._called or self._loop is None:
                return
            self._called = True
        try:
            self._loop.call_soon_threadsafe(self._hear)
        except RuntimeError:
            # The loop is closed: nobody is left to be told.
            return

    def _hear(self) -> None:
        with self._lock:
            heard, self._heard = self._heard, set()
            self._called = False
        self._owners.hear(heard)
        if heard is None:
            self._dirty.update(self._feeds)
        else:
            self._dirty.update(job_id for job_id in heard if job_id in self._feeds)
        if self._dirty:
            self._work.set()

    def _look_at(self, job_id: str) -> None:
        self._dirty.add(job_id)
        self._work.set()

    def _look_at_everything(self) -> None:
        """The safety net, every `settings.poll` seconds."""
        self._owners.hear(None)
        self._dirty.update(self._feeds)
        if self._dirty:
            self._work.set()
        self._net = asyncio.get_running_loop().call_later(max(self.settings.poll, 0.05), self._look_at_everything)

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            dirty = [feed for job_id in self._dirty if (feed := self._feeds.get(job_id)) is not None]
            feeds = [feed for feed in dirty if not feed.resting]
            self._dirty = {feed.job_id for feed in dirty if feed.resting}
            if not feeds:
                continue
            try:
                await self._read(feeds)
                # A store may answer without ever pausing; whoever was woken takes from the ring before it rolls on.
                await asyncio.sleep(0)
            except Exception:
                # The store is away, or a bug: live updates pause, they do not end.
                log.exception("cannot read events of %d jobs; again in %g s", len(feeds), RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)
                for feed in feeds:
                    self._look_at(feed.job_id)

    async def _read(self, feeds: Sequence[Feed]) -> None:
        cursors = {feed.job_id: feed.cursor if feed.rewind is None else feed.rewind for feed in feeds}
        pages = await self.store.events_after(cursors, limit=self._page_events)
        for feed in feeds:
            if feed.rewind == cursors[feed.job_id]:
                # This read was for it. A lower one, asked for meanwhile, stands and is dirty again.
                feed.rewind = None
            before = feed.state
            self._take_in(feed, pages.get(feed.job_id, _NOTHING))
            feed.settle()
            if feed.state != before:
                for subscription in feed.subscriptions:
                    subscription.news(feed.job_id)
                self._rest(feed)

    def _take_in(self, feed: Feed, page: EventsPage | None) -> None:
        if page is None:
            feed.removed = True
            return
        feed.add(page.events, page.first_seq, ring_events=self.settings.watcher_queue)
        feed.current = len(page.events) < self._page_events
        if not feed.current:
            last = page.events[-1].seq
            if last < feed.cursor:
                feed.rewind = last if feed.rewind is None else min(last, feed.rewind)
            self._look_at(feed.job_id)

    def _rest(self, feed: Feed) -> None:
        shortest, longest = REST
        seconds = min(REST_PER_WATCHER * len(feed.subscriptions), longest)
        if feed.current and seconds >= shortest:
            feed.resting = True
            asyncio.get_running_loop().call_later(seconds, self._rested, feed)

    def _rested(self, feed: Feed) -> None:
        feed.resting = False
        if feed.job_id in self._dirty:
            self._work.set()

    async def _page(self, feed: Feed, after: int) -> Events | Trimmed | None:
        """What follows `after`, from the log: read once for all who have fallen behind the ring to there. None: nothing
        that the feed knows of. Raises JobNotFound, JobGone, StoreError."""
        page = feed.pages.get(after)
        if page is not None:
            return page
        reading = feed.reading.get(after)
        if reading is None:
            # A task, because whoever began it may go away while others wait for it.
            reading = feed.reading[after] = asyncio.get_running_loop().create_task(self._read_page(feed, after))
        return await asyncio.shield(reading)

    async def _read_page(self, feed: Feed, after: int) -> Events | Trimmed | None:
        try:
            # To a multiple of PAGE: from there on, those who fell behind to different places read the same pages.
            read = await self.store.events(feed.job_id, after=after, limit=PAGE - after % PAGE)
            return feed.page(after, read.events, read.first_seq)
        finally:
            del feed.reading[after]
