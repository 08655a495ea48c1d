"""Signatures against the standard's own vector and library; what `verify` refuses; secrets while they are replaced."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Independent

from accepted.stores.base import Webhook
from accepted.webhooks import SignatureInvalid, verify
from accepted.webhooks.signing import SECRETS_MAX, new_secret, rotated, signed_headers, signing_secrets

VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"job.completed"}'


def headers_now(secret: str, body: bytes = BODY, *, late: float = 0.0) -> dict[str, str]:
    return signed_headers([secret], message_id="m", now=time.time() - late, body=body)


def test_the_vector_of_the_standard() -> None:
    headers = signed_headers(
        [VECTOR_SECRET], message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", now=1614265330.9, body=b'{"test": 2432232314}'
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_the_library_of_the_standard_agrees(value: dict[str, object]) -> None:
    secret, body = new_secret(), json.dumps(value, ensure_ascii=False).encode()
    assert Independent(secret).verify(body, headers_now(secret, body)) == value
    at = datetime.now(UTC)
    theirs = {
        "Webhook-Id": "m",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Independent(secret).sign("m", at, body.decode()),
    }
    assert verify(secret, theirs, body) == value
    assert verify(secret, theirs, body.decode()) == value


def test_a_changed_body_is_refused() -> None:
    secret = new_secret()
    with pytest.raises(SignatureInvalid, match="No signature"):
        verify(secret, headers_now(secret), BODY + b" ")


@pytest.mark.parametrize("member", ["webhook-id", "webhook-timestamp"])
def test_what_else_is_signed(member: str) -> None:
    secret = new_secret()
    headers = headers_now(secret, late=10)
    headers[member] = str(int(time.time())) if member == "webhook-timestamp" else "other"
    with pytest.raises(SignatureInvalid):
        verify(secret, headers, BODY)


@pytest.mark.parametrize("late", [302, -302])
def test_too_old_and_too_new_are_refused(late: float) -> None:
    secret = new_secret()
    with pytest.raises(SignatureInvalid, match="300 s"):
        verify(secret, headers_now(secret, late=late), BODY)
    assert verify(secret, headers_now(secret, late=late), BODY, tolerance=400) == json.loads(BODY)


@pytest.mark.parametrize("at", ["", "-1", "1e9", "٣", "9" * 5000, "nan"])
def test_a_timestamp_that_is_none(at: str) -> None:
    secret = new_secret()
    with pytest.raises(SignatureInvalid):
        verify(secret, headers_now(secret) | {"webhook-timestamp": at}, BODY)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(missing: str) -> None:
    secret = new_secret()
    headers = headers_now(secret)
    del headers[missing]
    with pytest.raises(SignatureInvalid, match=missing):
        verify(secret, headers, BODY)


def test_one_of_several_signatures_is_enough_and_other_versions_are_passed_over() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers([new, old], message_id="m", now=time.time(), body=BODY)
    assert len(headers["webhook-signature"].split(" ")) == 2
    headers["webhook-signature"] = "v1a,abc= v2,ß " + headers["webhook-signature"]
    for secret in (old, new):
        assert verify(secret, headers, BODY)
    with pytest.raises(SignatureInvalid):
        verify(new_secret(), headers, BODY)
    unversioned = headers["webhook-signature"].replace("v1,", "")
    with pytest.raises(SignatureInvalid):
        verify(new, headers | {"webhook-signature": unversioned}, BODY)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_???"])
def test_a_secret_that_is_none_is_not_repeated_in_the_error(secret: str) -> None:
    with pytest.raises(ValueError, match="expected whsec_") as raised:
        verify(secret, headers_now(new_secret()), BODY)
    assert "???" not in str(raised.value)


def test_a_secret_is_256_bits_and_new_each_time() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(base64.b64decode(one.removeprefix("whsec_"))) for one in made} == {32}


def test_a_replaced_secret_signs_until_the_overlap_is_over() -> None:
    first = (new_secret(),)
    stored = rotated(first, now=1000.0, overlap=60.0)
    newest = stored[0]
    assert signing_secrets(stored, 1000.0) == [newest, first[0]]
    assert signing_secrets(stored, 1059.0) == [newest, first[0]]
    assert signing_secrets(stored, 1060.0) == [newest]


def test_a_second_rotation_prolongs_nothing_and_an_overlap_of_0_ends_all_older() -> None:
    first = (new_secret(),)
    second = rotated(first, now=1000.0, overlap=60.0)
    third = rotated(second, now=1030.0, overlap=600.0)
    assert signing_secrets(third, 1061.0) == [third[0], second[0]]
    assert len(rotated(third, now=1031.0, overlap=0.0)) == 1


def test_secrets_do_not_pile_up() -> None:
    stored: tuple[str, ...] = (new_secret(),)
    for _ in range(20):
        stored = rotated(stored, now=1000.0, overlap=600.0)
    assert len(stored) == SECRETS_MAX


def test_the_repr_of_a_webhook_has_no_secret() -> None:
    webhook = Webhook("w", "ann", "https://a.example/", (new_secret(),), frozenset(), frozenset(), "", 0.0)
    assert "whsec_" not in repr(webhook)
