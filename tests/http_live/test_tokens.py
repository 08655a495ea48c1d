"""Job tokens and tickets: what is signed is believed, nothing else is."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator

import pytest

from accepted.errors import BadRequest, NotAuthenticated
from accepted.http.tokens import Tokens
from accepted.settings import Settings
from accepted.stores.sqlite import SQLiteStore


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store() -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(None)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(store: SQLiteStore, clock: Clock) -> Tokens:
    return Tokens(store, Settings(), clock=clock)


async def test_what_goes_in_comes_out(tokens: Tokens, clock: Clock) -> None:
    token, expires_at = await tokens.job_token("j-1", "ann", verbs=["read"], expires_in=60)
    assert token.startswith("jt_")
    claims = await tokens.read_job_token(token)
    assert (claims.job_id, claims.owner, claims.verbs) == ("j-1", "ann", frozenset({"read"}))
    assert claims.expires_at == expires_at == clock.now + 60


async def test_a_life_is_bounded_by_the_setting(tokens: Tokens, clock: Clock) -> None:
    for wanted in (None, 10_000_000, float("inf")):
        _, expires_at = await tokens.job_token("j", "ann", expires_in=wanted)
        assert expires_at == clock.now + 900


@pytest.mark.parametrize("life", [0, -1, float("nan")])
async def test_a_life_has_to_be_one(tokens: Tokens, life: float) -> None:
    with pytest.raises(BadRequest):
        await tokens.job_token("j", "ann", expires_in=life)


@pytest.mark.parametrize("verbs", [[], ["delete"], ["read", "write"]])
async def test_verbs_that_no_token_allows(tokens: Tokens, verbs: list[str]) -> None:
    with pytest.raises(BadRequest):
        await tokens.job_token("j", "ann", verbs=verbs)


async def test_another_process_of_the_service_believes_it(tokens: Tokens, store: SQLiteStore, clock: Clock) -> None:
    token, _ = await tokens.job_token("j", "ann")
    assert (await Tokens(store, Settings(), clock=clock).read_job_token(token)).owner == "ann"


async def test_another_service_does_not(tokens: Tokens, clock: Clock) -> None:
    other = SQLiteStore(None)
    await other.open()
    token, _ = await tokens.job_token("j", "ann")
    with pytest.raises(NotAuthenticated, match="not signed here"):
        await Tokens(other, Settings(), clock=clock).read_job_token(token)
    await other.close()


async def test_it_expires(tokens: Tokens, clock: Clock) -> None:
    token, expires_at = await tokens.job_token("j", "ann")
    clock.now = expires_at
    with pytest.raises(NotAuthenticated, match="expired"):
        await tokens.read_job_token(token)


async def test_every_change_is_noticed(tokens: Tokens) -> None:
    token, _ = await tokens.job_token("j", "ann", verbs=["read"])
    for at in range(len(token)):
        for other in ("A" if token[at] != "A" else "B", ""):
            with pytest.raises(NotAuthenticated):
                await tokens.read_job_token(token[:at] + other + token[at + 1 :])


async def test_forged_claims(tokens: Tokens) -> None:
    token, _ = await tokens.job_token("j", "ann", verbs=["read"])
    body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body.removeprefix("jt_") + "=="))
    claims["owner"] = "bob"
    forged = "jt_" + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    for attempt in (f"{forged}.{signature}", f"{forged}.", forged, f"{forged}.{signature}=", f"{token}."):
        with pytest.raises(NotAuthenticated):
            await tokens.read_job_token(attempt)


async def test_one_kind_never_passes_for_the_other(tokens: Tokens) -> None:
    token, _ = await tokens.job_token("j", "ann")
    ticket, _ = await tokens.ticket("ann", admin=True, identity_expires_at=None)
    for attempt in (ticket, "jt_" + ticket.removeprefix("wt_")):
        with pytest.raises(NotAuthenticated):
            await tokens.read_job_token(attempt)
    for attempt in (token, "wt_" + token.removeprefix("jt_")):
        with pytest.raises(NotAuthenticated):
            await tokens.redeem_ticket(attempt)


@pytest.mark.parametrize(
    "token", ["", "jt_", "jt_.", "jt_x.y", "jt_é.é", "jt_\x00.\ud800", "." * 100, "jt_" + "A" * 10_000 + ".A", "jt_=.="]
)
async def test_nonsense_is_no_accident(tokens: Tokens, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        await tokens.read_job_token(token)
    with pytest.raises(NotAuthenticated):
        await tokens.redeem_ticket("wt_" + token.removeprefix("jt_"))


async def test_a_ticket_works_once_and_carries_who_asked(tokens: Tokens, clock: Clock) -> None:
    ticket, expires_at = await tokens.ticket("ann", admin=True, identity_expires_at=clock.now + 500)
    assert expires_at == clock.now + 30
    claims = await tokens.redeem_ticket(ticket)
    assert (claims.owner, claims.admin, claims.identity_expires_at) == ("ann", True, clock.now + 500)
    with pytest.raises(NotAuthenticated, match="used before"):
        await tokens.redeem_ticket(ticket)


async def test_a_ticket_never_outlives_who_asked(tokens: Tokens, clock: Clock) -> None:
    _, expires_at = await tokens.ticket("ann", admin=False, identity_expires_at=clock.now + 5)
    assert expires_at == clock.now + 5


async def test_an_expired_ticket_is_refused_unused(tokens: Tokens, clock: Clock) -> None:
    ticket, expires_at = await tokens.ticket("ann", admin=False, identity_expires_at=None)
    clock.now = expires_at + 1
    with pytest.raises(NotAuthenticated, match="expired"):
        await tokens.redeem_ticket(ticket)
