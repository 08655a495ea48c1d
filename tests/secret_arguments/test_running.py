"""Jobs with secrets, run for real: what they may keep, and what becomes of them without the key."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from secret_arguments import isolated_tasks

from accepted import Job, JobFailed, Jobs, Secret
from accepted.context import step_key
from accepted.errors import IdempotencyMismatch
from accepted.runner import StoreSink

PLAIN = "correct horse battery staple"


async def error_of(jobs: Jobs, function: Any, **arguments: Any) -> dict[str, Any]:
    """What a job of this function with the secret says when it has failed."""
    task = jobs.task(retries=3)(function)
    async with jobs:
        handle = await task.submit(password=PLAIN, **arguments)
        with pytest.raises(JobFailed):
            await handle.result(timeout=20)
        record = await handle.refresh()
        assert record.attempt == 1, "another attempt would do the same"
        said = b"".join([event.data async for event in handle.events()])
        assert PLAIN.encode() not in said
    assert record.error is not None
    return record.error


async def revealed(password: Secret[str]) -> str:
    return password.get_secret_value()


async def in_a_result(password: Secret[str]) -> list[str]:
    return [password.get_secret_value()]


async def in_a_step(password: Secret[str], *, job: Job) -> None:
    await job.step("look", revealed, password)


async def in_an_artifact(password: Secret[str], *, job: Job) -> None:
    await job.attach("dump.txt", f"password={password.get_secret_value()}".encode())


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (in_a_result, "the result of 'in_a_result'"),
        (in_a_step, "the result of step 'look'"),
        (in_an_artifact, "the artifact 'dump.txt'"),
    ],
)
async def test_what_would_be_kept_with_the_secret_in_it_ends_the_job(function: Any, what: str) -> None:
    error = await error_of(Jobs("sqlite://:memory:"), function)
    assert error["code"] == "secret-revealed"
    assert error["detail"].startswith(f"{what} holds the value of a secret argument")


async def test_a_step_that_would_be_kept_with_a_secret_object_is_an_error() -> None:
    async def login() -> Secret[str]:
        return Secret("other")

    async def sync(password: Secret[str], *, job: Job) -> str:
        with pytest.raises(TypeError, match=r"the result of step 'login' cannot be stored.*it holds a Secret"):
            await job.step("login", login)
        return "refused"

    jobs = Jobs("sqlite://:memory:")
    task = jobs.task(sync)
    async with jobs:
        assert await (await task.submit(PLAIN)).result(timeout=20) == "refused"


async def test_a_step_is_another_one_with_another_secret_and_its_key_cannot_be_compared_with_guesses() -> None:
    called: list[int] = []
    jobs = Jobs("sqlite://:memory:")

    async def length(password: Secret[str] | str) -> int:
        called.append(1)
        return len(password if isinstance(password, str) else password.get_secret_value())

    @jobs.task(retries=1, backoff=0)
    async def sync(passwords: list[Secret[str]], *, job: Job) -> list[int]:
        lengths = [await job.step("length", length, one) for one in passwords]
        lengths += [await job.step("length", length, one.get_secret_value()) for one in passwords]
        if job.attempt == 1:
            raise RuntimeError("again")
        return lengths

    async with jobs:
        handle = await sync.submit(["four", "seven12"])
        assert await handle.result(timeout=20) == [4, 7, 4, 7]
        keys = {step.key for step in await jobs.store.steps(handle.id)}
    assert len(called) == 4, "the second attempt repeated none"
    assert len(keys) == 4
    assert step_key("length", ("four",), {}) not in keys


async def test_a_job_without_secrets_reports_straight_to_the_store() -> None:
    jobs = Jobs("sqlite://:memory:")

    @jobs.task
    async def plain(*, job: Job) -> bool:
        return type(job._reporter.sink) is StoreSink

    async with jobs:
        assert await (await plain.submit()).result(timeout=20)


async def test_equal_secrets_are_one_job_under_an_idempotency_key() -> None:
    jobs = Jobs("sqlite://:memory:", worker=False)
    task = jobs.task(in_a_result).with_options(idempotency_key="once")
    async with jobs:
        first, again = await task.submit(Secret(PLAIN)), await task.submit(Secret(PLAIN))
        assert first.id == again.id
        with pytest.raises(IdempotencyMismatch):
            await task.submit(Secret("another"))


async def test_a_secret_in_its_own_process_with_no_core_dump() -> None:
    async with isolated_tasks.jobs:
        most, length = await (await isolated_tasks.most_core.submit(Secret(PLAIN))).result(timeout=30)
        assert 0 <= most <= 1
        assert length == len(PLAIN)
        handle = await isolated_tasks.reveal_in_step.submit(Secret(PLAIN))
        with pytest.raises(JobFailed, match="the result of step 'reveal' holds the value of a secret"):
            await handle.result(timeout=30)
        assert (await handle.refresh()).attempt == 1


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────


async def length(password: Secret[str]) -> int:
    return len(password.get_secret_value())


async def stored(path: Path, **settings: Any) -> str:
    """The id of a job that waits in a database."""
    jobs = Jobs(f"sqlite:///{path}", worker=False, **settings)
    task = jobs.task(retries=3)(length)
    async with jobs:
        return (await task.with_options(owner="ann").submit(Secret(PLAIN))).id


async def ended(path: Path, job_id: str, **settings: Any) -> Any:
    """Its result, from another process's point of view."""
    jobs = Jobs(f"sqlite:///{path}", **settings)
    jobs.task(length)
    async with jobs:
        return await (await jobs.get(job_id)).result(timeout=20)


KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in range(2)]


async def test_the_key_of_the_settings_or_of_the_file_opens_it(tmp_path: Path) -> None:
    for name, settings in (("a.db", {"secret_key": KEYS[0]}), ("b.db", {})):
        job_id = await stored(tmp_path / name, **settings)
        assert await ended(tmp_path / name, job_id, **settings) == len(PLAIN)
    assert not (tmp_path / "a.db-secret-key").exists()


async def test_another_key_fails_the_job_at_once_and_says_which_secret(tmp_path: Path) -> None:
    job_id = await stored(tmp_path / "jobs.db", secret_key=KEYS[0])
    with pytest.raises(JobFailed, match="password: this secret cannot be decrypted; start the worker with") as caught:
        await ended(tmp_path / "jobs.db", job_id, secret_key=KEYS[1])
    assert caught.value.error["code"] == "secret-unreadable"
    assert caught.value.error["attempts"] == 1


async def test_a_copied_database_alone_reveals_nothing(tmp_path: Path) -> None:
    job_id = await stored(tmp_path / "jobs.db")
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / "jobs.db", tmp_path / "copy")
    content = (tmp_path / "copy" / "jobs.db").read_bytes()
    key = base64.b64decode((tmp_path / "jobs.db-secret-key").read_text())
    for known in (PLAIN.encode(), key, key.hex().encode(), base64.b64encode(key)):
        assert known not in content
    assert b'{"password":{"$secret":"v1.' in content
    with pytest.raises(JobFailed, match="password: this secret cannot be decrypted"):
        await ended(tmp_path / "copy" / "jobs.db", job_id)


async def test_the_argument_of_another_owner_cannot_be_used(tmp_path: Path) -> None:
    """Whoever may write to the database, but has no key, cannot let a job of his run with it."""
    jobs = Jobs(f"sqlite:///{tmp_path / 'jobs.db'}", worker=False)
    task = jobs.task(length)
    sealed = [task.dump_arguments(task.validate({"password": PLAIN}), owner) for owner in ("ann", "bob")]
    assert json.loads(sealed[0]) != json.loads(sealed[1])
    with pytest.raises(Exception, match="password: this secret cannot be decrypted"):
        task.open_arguments(sealed[0], owner="bob", job_id="1")
