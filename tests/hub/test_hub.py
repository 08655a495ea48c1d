"""What a watcher gets, and what that costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from helpers import wait_until
from hub.fakes import Log

from accepted.errors import StoreError
from accepted.feed import BATCH_BYTES
from accepted.hub import (
    REST,
    Ended,
    Events,
    Gap,
    Hub,
    Joined,
    Removed,
    Subscription,
    Trimmed,
    Update,
    encode,
)
from accepted.job import Event, Kind

Running = Callable[..., AbstractAsyncContextManager[Hub]]
P, R, G, DONE, FAILED = Kind.PENDING, Kind.RUNNING, Kind.PROGRESS, Kind.COMPLETED, Kind.FAILED


def numbers(updates: list[Update]) -> list[int]:
    return [message.seq for update in updates if isinstance(update, Events) for message in update.messages]


async def until_over(subscription: Subscription) -> list[Update]:
    """All updates up to the one that ends a job."""
    updates: list[Update] = []
    while not any(isinstance(update, Events) and update.over for update in updates):
        updates += await asyncio.wait_for(subscription.next(), 10)
    return updates


class TestEncoding:
    def test_an_event_is_the_envelope_around_the_stored_bytes(self) -> None:
        event = Event("a-1", 7, 1_700_000_000.25, 2, Kind.PROGRESS, b'{"percent": 5.0,"message":"\xc3\xa9"}')
        assert json.loads(encode(event)) == {
            "job_id": "a-1",
            "seq": 7,
            "at": "2023-11-14T22:13:20.250+00:00",
            "attempt": 2,
            "kind": "progress",
            "data": {"percent": 5.0, "message": "é"},
        }
        assert encode(event).endswith(b'"data":{"percent": 5.0,"message":"\xc3\xa9"}}')

    def test_white_space_of_stored_data_never_ends_a_line_of_a_stream(self) -> None:
        event = Event('a"\n1', 1, 0.0, 1, Kind.LOG, b'{\r\n  "message": "a\\nb"\n}')
        assert b"\n" not in encode(event)
        assert b"\r" not in encode(event)
        assert json.loads(encode(event))["data"] == {"message": "a\nb"}
        assert json.loads(encode(event))["job_id"] == 'a"\n1'


class TestFollowing:
    async def test_replay_goes_live_without_gap_or_repetition(self, log: Log, hub: Hub) -> None:
        log.write("j", P, R, G, G)
        async with hub.watch({"j": 1}, complete=True) as subscription:
            assert numbers(await subscription.next()) == [2, 3, 4]
            log.write("j", G, DONE)
            updates = await until_over(subscription)
            assert numbers(updates) == [5, 6]
        assert hub.watchers == hub.watched == 0

    async def test_one_read_and_one_encoding_serve_all_watchers(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        subscriptions = [hub.watch({"j": 1}, complete=True) for _ in range(50)]
        for subscription in subscriptions:
            await subscription.__aenter__()
        await wait_until(lambda: log.reads)
        reads = log.reads
        waiting = [asyncio.ensure_future(subscription.next()) for subscription in subscriptions]
        await asyncio.sleep(0)
        log.write("j", R, G)
        got = await asyncio.gather(*waiting)
        assert log.reads == reads + 1
        assert len({id(updates[0]) for updates in got}) == 1, "every watcher has the same batch"
        assert hub.delivered == 100
        for subscription in subscriptions:
            await subscription.__aexit__(None, None, None)
        assert hub.watched == 0

    async def test_changes_that_meet_a_read_are_read_together_by_the_next(self, log: Log, hub: Hub) -> None:
        jobs = [f"j{n}" for n in range(20)]
        for job_id in jobs:
            log.write(job_id, P)
        async with hub.watch(dict.fromkeys(jobs, 1), complete=True) as subscription:
            await wait_until(lambda: log.reads == 1)
            log.open.clear()
            log.write("j0", R)
            await wait_until(lambda: log.reads == 2)
            for job_id in jobs[1:]:
                log.write(job_id, R)
            log.open.set()
            seen: list[int] = []
            while len(seen) < 20:
                seen += numbers(await subscription.next())
            assert log.reads == 3
            assert set(log.asked[2]) == set(jobs[1:])

    async def test_a_job_nobody_watches_is_not_read(self, log: Log, hub: Hub) -> None:
        log.write("watched", P)
        async with hub.watch({"watched": 0}, complete=True) as subscription:
            await subscription.next()
            log.write("other", P, R)
            log.write("watched", R)
            await subscription.next()
        assert all(set(asked) == {"watched"} for asked in log.asked)

    async def test_a_lost_notification_costs_one_poll(self, log: Log, running: Running) -> None:
        async with running(log, poll=0.05) as hub:
            log.write("j", P)
            async with hub.watch({"j": 1}, complete=True) as subscription:
                log.write("j", R, tell=False)
                assert numbers(await asyncio.wait_for(subscription.next(), 5)) == [2]

    async def test_a_store_that_fails_pauses_updates_only(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        log.fails = True
        async with hub.watch({"j": 0}, complete=True) as subscription:
            await wait_until(lambda: log.reads)
            log.fails = False
            assert numbers(await asyncio.wait_for(subscription.next(), 5)) == [1]

    async def test_unknown_change_means_look_at_everything(self, log: Log, hub: Hub) -> None:
        log.write("a", P)
        log.write("b", P)
        async with hub.watch({"a": 1, "b": 1}, complete=True) as subscription:
            log.write("a", R, tell=False)
            log.write("b", R, tell=False)
            log.tell(None)
            got: list[int] = []
            while len(got) < 2:
                got += numbers(await asyncio.wait_for(subscription.next(), 5))

    async def test_nothing_new_in_time_is_an_empty_list(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        async with hub.watch({"j": 1}, complete=True) as subscription:
            assert await subscription.next(0.01) == []
            log.write("j", R)
            assert numbers(await subscription.next(5)) == [2]

    async def test_the_time_counts_from_each_call(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        async with hub.watch({"j": 0}, complete=True) as subscription:
            for _ in range(3):
                log.write("j", G)
                assert numbers(await subscription.next(0.1))
                began = time.monotonic()
                assert await subscription.next(0.1) == []
                assert time.monotonic() - began > 0.09
            waiting = asyncio.ensure_future(subscription.next())
            assert not (await asyncio.wait((waiting,), timeout=0.3))[0], "no time given, none counts"
            log.write("j", G)
            assert numbers(await waiting) == [5]

    async def test_a_replay_past_an_old_end_is_not_over(self, log: Log, hub: Hub) -> None:
        log.write("j", P, R, FAILED, P, R)
        async with hub.watch({"j": 0}, complete=True) as subscription:
            (update,) = await subscription.next()
            assert isinstance(update, Events)
            assert not update.over
            log.write("j", DONE)
            assert numbers(await until_over(subscription)) == [6]

    async def test_unfollow_and_follow_again_from_anywhere(self, log: Log, hub: Hub) -> None:
        log.write("j", P, R, G)
        async with hub.watch({}, complete=False) as subscription:
            subscription.follow("j", 1)
            assert numbers(await subscription.next()) == [2, 3]
            subscription.unfollow("j")
            subscription.unfollow("j")
            assert hub.watched == 0
            subscription.follow("j", 0)
            assert numbers(await subscription.next()) == [1, 2, 3]


class TestSlowWatchers:
    async def test_a_complete_one_reads_what_the_ring_lost_from_the_store(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=8) as hub:
            log.write("j", P)
            async with hub.watch({"j": 0}, complete=True) as slow, hub.watch({"j": 0}, complete=True) as fast:
                assert numbers(await slow.next()) == numbers(await fast.next()) == [1]
                seen = []
                for _ in range(50):
                    log.write("j", G)
                    seen += numbers(await fast.next())
                log.write("j", DONE)
                assert seen + numbers(await until_over(fast)) == list(range(2, 53))
                assert log.pages == 0, "who keeps up never reads"
                assert numbers(await until_over(slow)) == list(range(2, 53))
                assert log.pages > 0

    async def test_a_live_one_jumps_to_the_newest_with_a_gap(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=8) as hub:
            log.write("j", P)
            async with hub.watch({"j": 0}, complete=False) as slow, hub.watch({"j": 1}, complete=True) as fast:
                assert numbers(await slow.next()) == [1]
                for _ in range(50):
                    log.write("j", G)
                    await fast.next()
                assert await slow.next() == [Gap("j", 2, 51)]
                log.write("j", DONE)
                assert numbers(await until_over(slow)) == [52]

    async def test_the_first_replay_is_whole_even_for_live_ones(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=8) as hub:
            log.write("j", P, *[G] * 100, DONE)
            async with hub.watch({"j": 0}, complete=False) as subscription:
                updates = await until_over(subscription)
            assert numbers(updates) == list(range(1, 103))
            assert not any(isinstance(update, Gap) for update in updates)

    async def test_what_one_call_hands_over_is_bounded(self, log: Log, running: Running) -> None:
        async with running(log) as hub:
            log.write("j", P, *[Kind.OUTPUT] * 40, data={"value": "x" * 20_000})
            async with hub.watch({"j": 0}, complete=True) as subscription:
                seen: list[int] = []
                while len(seen) < 41:
                    updates = await subscription.next()
                    assert sum(update.size for update in updates if isinstance(update, Events)) < BATCH_BYTES + 21_000
                    seen += numbers(updates)
                assert seen == list(range(1, 42))

    async def test_huge_events_do_not_fill_the_memory(self, log: Log, running: Running) -> None:
        async with running(log) as hub:
            log.write("j", P)
            async with hub.watch({"j": 1}, complete=True) as subscription:
                await wait_until(lambda: log.reads)
                log.write("j", *[Kind.OUTPUT] * 30, data={"value": "x" * 1_000_000})
                await wait_until(lambda: hub._feeds["j"].cursor == 31)
                assert hub._feeds["j"].ring_bytes < 6_000_000
                seen: list[int] = []
                while len(seen) < 30:
                    seen += numbers(await subscription.next())
                assert seen == list(range(2, 32))


class TestManyTogether:
    async def test_who_fell_behind_together_share_the_reads(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=8) as hub, contextlib.AsyncExitStack() as stack:
            log.write("j", P, *[G] * 20)
            watch = hub.watch({"j": 21}, complete=True)
            fast = await stack.enter_async_context(watch)
            slow = [await stack.enter_async_context(hub.watch({"j": n % 20}, complete=True)) for n in range(60)]
            log.write("j", *[G] * 578, DONE)
            await wait_until(lambda: hub._feeds["j"].cursor == 600)
            got = await asyncio.gather(*(until_over(subscription) for subscription in (fast, *slow)))
            assert numbers(got[0]) == list(range(22, 601))
            for n, updates in enumerate(got[1:]):
                assert numbers(updates) == list(range(n % 20 + 1, 601))
            assert log.pages <= 25, "one for each place to the next multiple of PAGE, then one for all"

    async def test_who_reads_for_others_may_go_away(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=4) as hub, contextlib.AsyncExitStack() as stack:
            log.write("j", P)
            slow = [await stack.enter_async_context(hub.watch({"j": 0}, complete=True)) for _ in range(3)]
            log.write("j", *[G] * 20, DONE)
            await wait_until(lambda: hub._feeds["j"].cursor == 22)
            log.open.clear()
            first, *others = [asyncio.ensure_future(until_over(subscription)) for subscription in slow]
            await wait_until(lambda: log.pages == 1)
            first.cancel()
            log.open.set()
            for other in others:
                assert numbers(await other) == list(range(1, 23))
            assert log.pages == 1

    async def test_a_page_that_was_the_end_is_not_the_end_of_a_retried_job(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=2) as hub:
            log.write("j", P)
            async with hub.watch({"j": 0}, complete=True) as one, hub.watch({"j": 0}, complete=True) as other:
                log.write("j", R, G, G, FAILED)
                await wait_until(lambda: hub._feeds["j"].cursor == 5)
                assert numbers(await until_over(one)) == [1, 2, 3, 4, 5]
                log.write("j", P, R)
                await wait_until(lambda: hub._feeds["j"].cursor == 7)
                log.write("j", DONE)
                updates = await until_over(other)
                assert numbers(updates) == list(range(1, 9))

    async def test_many_are_told_at_once_and_then_not_too_often(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        async with contextlib.AsyncExitStack() as stack:
            watchers = [await stack.enter_async_context(hub.watch({"j": 1}, complete=True)) for _ in range(1_000)]
            await wait_until(lambda: hub._feeds["j"].current and not hub._feeds["j"].resting)
            reads, began = log.reads, time.monotonic()
            for n in range(200):
                log.write("j", G)
                await asyncio.sleep(0)
                while n == 0 and not hub.delivered:
                    await asyncio.gather(*(watcher.next() for watcher in watchers))
            first, *_ = await asyncio.gather(*(read_until(watcher, 201) for watcher in watchers))
            assert first[-1] == 201
            assert log.reads - reads <= 2 + (time.monotonic() - began) / REST[1]

    async def test_a_look_that_finds_nothing_wakes_nobody(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        async with hub.watch({"j": 0}, complete=True) as subscription:
            assert numbers(await subscription.next()) == [1]
            reads = log.reads
            waiting = asyncio.ensure_future(subscription.next())
            log.tell(None)
            await wait_until(lambda: log.reads > reads and not hub._dirty)
            assert not subscription._awake
            log.write("j", G)
            assert numbers(await waiting) == [2]


async def read_until(subscription: Subscription, seq: int) -> list[int]:
    seen: list[int] = []
    while not seen or seen[-1] < seq:
        seen += numbers(await asyncio.wait_for(subscription.next(), 10))
    return seen


class TestTrimmedAndRemoved:
    async def test_events_that_are_not_kept_are_announced(self, log: Log, hub: Hub) -> None:
        log.write("j", P, *[G] * 20)
        log.trim("j", 15)
        async with hub.watch({"j": 3}, complete=True) as subscription:
            assert await subscription.next() == [Trimmed("j", 15)]
            assert numbers(await subscription.next()) == list(range(15, 22))

    async def test_after_a_snapshot_it_goes_on_from_there(self, log: Log, hub: Hub) -> None:
        log.write("j", P, *[G] * 20)
        log.trim("j", 15)
        async with hub.watch({"j": 3}, complete=True) as subscription:
            assert await subscription.next() == [Trimmed("j", 15)]
            subscription.move("j", 21)
            log.write("j", DONE)
            assert numbers(await until_over(subscription)) == [22]

    async def test_trimmed_while_watched_and_slow(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=4) as hub:
            log.write("j", P)
            async with hub.watch({"j": 0}, complete=True) as slow:
                assert numbers(await slow.next()) == [1]
                log.write("j", *[G] * 30)
                log.trim("j", 20)
                assert await slow.next() == [Trimmed("j", 20)]

    async def test_a_job_removed_under_its_watchers(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        log.write("k", P)
        async with hub.watch({"j": 0, "k": 1}, complete=True) as subscription:
            assert numbers(await subscription.next()) == [1]
            log.remove("j")
            assert await subscription.next() == [Removed("j")]
            log.write("k", R)
            assert numbers(await subscription.next()) == [2]

    async def test_removed_while_a_slow_watcher_reads_pages(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=4) as hub:
            log.write("j", P)
            async with hub.watch({"j": 0}, complete=True) as slow:
                assert numbers(await slow.next()) == [1]
                log.write("j", *[G] * 20)
                await wait_until(lambda: hub._feeds["j"].cursor == 21)
                log.gone.add("j")
                del log.events_of["j"]
                assert await slow.next() == [Removed("j")]

    async def test_an_unknown_job_is_removed_at_once(self, log: Log, hub: Hub) -> None:
        async with hub.watch({"never": 0}, complete=True) as subscription:
            assert await subscription.next() == [Removed("never")]


class TestEnding:
    async def test_stop_ends_every_subscription_and_wait(self, log: Log, running: Running) -> None:
        log.write("j", P)
        async with running(log) as hub, hub.watch({"j": 1}, complete=True) as subscription:
            waits = [
                asyncio.ensure_future(subscription.next()),
                asyncio.ensure_future(hub.over("j", None)),
                asyncio.ensure_future(hub.changed("j", 1, 60)),
            ]
            await wait_until(lambda: log.reads)
            await hub.stop()
            assert await asyncio.gather(*waits) == [[Ended()], False, False]
            assert await subscription.next() == [Ended()]
            assert not log.listeners
            await hub.stop()

    async def test_after_stop_nothing_waits_for_ever(self, log: Log, hub: Hub) -> None:
        await hub.stop()
        log.write("j", P)
        async with hub.watch({"j": 0}, complete=True) as subscription:
            assert await subscription.next() == [Ended()]
        assert not await hub.over("j", None)
        assert hub.watched == 0

    async def test_drain_ends_streams_and_leaves_waits(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        wait = asyncio.ensure_future(hub.over("j", 10))
        async with hub.watch({"j": 1}, complete=True) as subscription:
            hub.drain()
            assert await subscription.next() == [Ended()]
        async with hub.watch({"j": 1}, complete=True) as later:
            assert await later.next() == [Ended()]
        log.write("j", DONE)
        assert await wait

    async def test_it_can_start_again(self, log: Log, hub: Hub) -> None:
        await hub.stop()
        await hub.start()
        log.write("j", P)
        async with hub.watch({"j": 0}, complete=True) as subscription:
            assert numbers(await subscription.next()) == [1]

    async def test_end_from_outside_tells_the_owner_of_the_stream(self, log: Log, hub: Hub) -> None:
        told: list[bool] = []
        log.write("j", P)
        async with hub.watch({"j": 1}, complete=True, on_end=lambda: told.append(True)) as subscription:
            subscription.end()
            subscription.end()
            assert await subscription.next() == [Ended()]
        assert told == [True]


class TestWaiting:
    async def test_over_when_it_ends(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        wait = asyncio.ensure_future(hub.over("j", 10))
        log.write("j", R, G)
        await wait_until(lambda: log.reads >= 1)
        assert not wait.done()
        log.write("j", DONE)
        assert await wait
        assert hub.watched == 0

    async def test_over_before_it_was_asked(self, log: Log, hub: Hub) -> None:
        log.write("j", P, R, DONE)
        assert await hub.over("j", 10)
        assert await hub.over("j", 10, after=1)

    async def test_over_means_now_not_once(self, log: Log, hub: Hub) -> None:
        log.write("j", P, R, FAILED, P)
        assert not await hub.over("j", 0.05)
        wait = asyncio.ensure_future(hub.over("j", 10, after=4))
        log.write("j", R, DONE)
        assert await wait

    async def test_over_beside_a_watcher_that_began_after_the_end(self, log: Log, hub: Hub) -> None:
        log.write("j", P, R, DONE)
        async with hub.watch({"j": 3}, complete=True):
            await wait_until(lambda: log.reads)
            assert await asyncio.wait_for(hub.over("j", None), 5), "it looks at what is before the watcher's cursor"

    async def test_a_long_log_is_read_to_its_end(self, log: Log, running: Running) -> None:
        async with running(log, watcher_queue=4) as hub:
            log.write("j", P, R, FAILED, P, *[G] * 30)
            assert not await hub.over("j", 0.1)
            async with hub.watch({"j": 34}, complete=True):
                log.write("j", DONE)
                assert await hub.over("j", 5)

    async def test_over_when_it_is_removed(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        wait = asyncio.ensure_future(hub.over("j", 10))
        await wait_until(lambda: log.reads)
        log.remove("j")
        assert await wait

    async def test_changed(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        assert await hub.changed("j", 0, 10)
        assert not await hub.changed("j", 1, 0.01)
        wait = asyncio.ensure_future(hub.changed("j", 1, 10))
        log.write("j", R)
        assert await wait
        assert hub.watched == 0

    async def test_a_wait_that_is_given_up_leaves_nothing(self, log: Log, hub: Hub) -> None:
        log.write("j", P)
        wait = asyncio.ensure_future(hub.over("j", None))
        await wait_until(lambda: hub.watched)
        wait.cancel()
        await asyncio.wait((wait,))
        assert hub.watched == 0

    async def test_ten_thousand_waits_share_their_reads(self, log: Log, hub: Hub) -> None:
        jobs = [f"j{n}" for n in range(10_000)]
        for job_id in jobs:
            log.write(job_id, P, tell=False)
        waits = [asyncio.ensure_future(hub.over(job_id, 60, after=1)) for job_id in jobs]
        await wait_until(lambda: hub.watched == 10_000)
        for job_id in jobs:
            log.write(job_id, R, DONE)
        assert all(await asyncio.gather(*waits))
        assert log.reads < 20
        assert log.pages == 0
        assert hub.watched == 0


class TestOwners:
    async def test_active_jobs_join_and_so_do_later_ones(self, log: Log, hub: Hub) -> None:
        log.write("old", P, R, DONE)
        log.write("active", P, R)
        log.write("foreign", P, owner="bob")
        async with hub.watch({}, complete=False) as subscription:
            await subscription.follow_owner("ann")
            (joined,) = await subscription.next()
            assert isinstance(joined, Joined)
            assert (joined.record.id, joined.after) == ("active", 2)
            log.write("new", P, R, DONE)
            log.write("theirs", P, R, DONE, owner="bob")
            updates = await until_over(subscription)
            assert [update.record.id for update in updates if isinstance(update, Joined)] == ["new"]
            assert numbers(updates) == [1, 2, 3]
            assert not subscription.follows("new"), "left when over"
            log.write("active", DONE)
            assert numbers(await until_over(subscription)) == [3]
            assert subscription.following == 0
        assert hub.watched == 0

    async def test_a_retried_job_comes_back(self, log: Log, hub: Hub) -> None:
        log.write("j", P, R)
        async with hub.watch({}, complete=False) as subscription:
            await subscription.follow_owner("ann")
            await subscription.next()
            log.write("j", FAILED)
            await until_over(subscription)
            log.write("j", P)
            (joined,) = await asyncio.wait_for(subscription.next(), 5)
            assert isinstance(joined, Joined)
            assert joined.after == 4

    async def test_own_news_and_known_foreign_ones_are_no_reason_to_list(self, log: Log, hub: Hub) -> None:
        log.write("mine", P)
        async with hub.watch({}, complete=False) as subscription:
            await subscription.follow_owner("ann")
            log.write("theirs", P, owner="bob")
            log.write("marker", P)
            await wait_until(lambda: subscription.follows("marker"))
            listings = log.listings
            for _ in range(5):
                log.write("theirs", G, owner="bob")
                log.write("mine", G)
            while numbers(await subscription.next())[-1:] != [6]:
                pass
            assert log.listings == listings

    async def test_nobody_asks_nobody_lists(self, log: Log, hub: Hub) -> None:
        async with hub.watch({}, complete=False) as subscription:
            await subscription.follow_owner("ann")
            subscription.unfollow_owner()
            listings = log.listings
            subscription.follow("j", 0)
            log.write("j", P)
            assert numbers(await asyncio.wait_for(subscription.next(), 5))[-1:] in ([1], [])
            assert log.listings == listings

    async def test_no_more_than_allowed_at_once_then_the_next(self, log: Log, running: Running) -> None:
        async with running(log, subscriptions_max=2, poll=0.05) as hub:
            for n in range(4):
                log.write(f"j{n}", P)
            async with hub.watch({}, complete=False) as subscription:
                await subscription.follow_owner("ann")
                assert subscription.following == 2
                for _ in range(4):
                    job_id = next(job_id for job_id in log.events_of if subscription.follows(job_id))
                    log.write(job_id, DONE)
                    await until_over(subscription)
                    await wait_until(
                        lambda: subscription.following == min(2, sum(log.last(job_id) == 1 for job_id in log.events_of))
                    )

    async def test_a_store_that_fails_is_said(self, log: Log, hub: Hub) -> None:
        log.fails = True
        async with hub.watch({}, complete=False) as subscription:
            with pytest.raises(StoreError, match="disk"):
                await subscription.follow_owner("ann")
        assert hub.watched == 0
