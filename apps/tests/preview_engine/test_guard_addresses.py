"""What the address policy refuses, in every form that an address can be written in."""

from __future__ import annotations

import pytest
from attacks.addresses import PRIVATE, PUBLIC

from accepted.guard import Address, AddressPolicy, AddressRefused

from .servers import Names


@pytest.mark.parametrize("host", PRIVATE, ids=ascii)
async def test_refuses_private_addresses_in_every_form(host: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        await AddressPolicy().resolve(host, 80)
    assert refused.value.host == host
    assert "allow-list" in str(refused.value)


@pytest.mark.parametrize("host", PUBLIC)
async def test_permits_public_addresses(host: str) -> None:
    assert await AddressPolicy().resolve(host, 443)


async def test_the_answer_of_a_numeric_form_is_the_address_itself() -> None:
    assert await AddressPolicy().resolve("0x01010101", 80) == [Address("1.1.1.1", 80)]
    assert await AddressPolicy().resolve("[::ffff:1.1.1.1]", 80) == [Address("1.1.1.1", 80)]


@pytest.mark.parametrize("port", [0, -1, 65536])
async def test_refuses_ports_that_are_none(port: int) -> None:
    with pytest.raises(AddressRefused):
        await AddressPolicy().resolve("1.1.1.1", port)


@pytest.mark.parametrize(
    ("entry", "host", "port", "permitted"),
    [
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1", "127.1", 80, True),
        ("127.0.0.1", "::ffff:127.0.0.1", 80, True),
        ("127.0.0.1", "127.0.0.2", 80, False),
        ("127.0.0.1", "64:ff9b::127.0.0.1", 80, False),
        ("127.0.0.1:8000", "127.0.0.1", 8000, True),
        ("127.0.0.1:8000", "127.0.0.1", 8001, False),
        ("127.0.0.0/8", "127.9.9.9", 1, True),
        ("127.0.0.0/8", "10.0.0.1", 1, False),
        ("10.0.0.0/8:443", "10.1.1.1", 443, True),
        ("::1", "[::1]", 80, True),
        ("[::1]:8000", "::1", 8000, True),
        ("[::1]:8000", "::1", 80, False),
        ("fd00::/8", "fd00::9", 80, True),
        ("inside.test", "Inside.Test.", 80, True),
        ("inside.test:81", "inside.test", 80, False),
        ("inside.test", "other.test", 80, False),
        ("inside.test", "10.0.0.9", 80, False),
    ],
)
async def test_allow_list(entry: str, host: str, port: int, permitted: bool) -> None:
    names = Names(inside_test=[["10.0.0.9"]], other_test=[["10.0.0.9"]])
    policy = AddressPolicy([entry], resolver=names)
    if permitted:
        assert await policy.resolve(host, port)
    else:
        with pytest.raises(AddressRefused):
            await policy.resolve(host, port)


@pytest.mark.parametrize("entry", ["", "a b", "http://x", "1.2.3.4/99", "*.example.org"])
def test_an_allow_list_entry_that_cannot_be_read_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError, match="allow-list"):
        AddressPolicy([entry])


async def test_one_private_answer_refuses_the_whole_name() -> None:
    policy = AddressPolicy(resolver=Names(mixed_test=[["1.1.1.1", "10.0.0.1"]]))
    with pytest.raises(AddressRefused) as refused:
        await policy.resolve("mixed.test", 443)
    assert (refused.value.host, refused.value.address) == ("mixed.test", "10.0.0.1")


async def test_an_unknown_name_is_an_oserror() -> None:
    with pytest.raises(OSError, match=r"no such name"):
        await AddressPolicy(resolver=Names()).resolve("nowhere.test", 443)
