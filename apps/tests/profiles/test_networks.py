"""Each network over real sockets: everything is read, and what goes wrong is said in the words of the user."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from accepted_apps.playground.social import Mastodon, Served
from accepted_apps.playground.social.content import COMMENTS, DELETED, PINNED, person
from accepted_apps.playground.social.mastodon import ANONYMOUS_REPLIES, TOKEN
from accepted_apps.playground.social.standin import StandIn

from .serving import Client, Networks, Server, all_of

NETWORKS = ("mastodon", "bluesky")


def url_of(networks: Networks, network: str, name: str) -> str:
    return networks.on_mastodon(f"@{name}") if network == "mastodon" else networks.on_bluesky(name)


def stand_in(networks: Networks, network: str) -> StandIn:
    return networks.mastodon.network if network == "mastodon" else networks.bluesky.network


@pytest.fixture(scope="module")
def signed_in(stand_ins: Networks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a token for the Mastodon server."""
    tokens = f"{stand_ins.mastodon.address}={TOKEN}"
    running = Server(tmp_path_factory.mktemp("token"), stand_ins, profiles_mastodon_tokens=tokens).start()
    yield running
    running.stop()


@pytest.fixture
async def reader(signed_in: Server, networks: Networks) -> AsyncIterator[Client]:
    """A client of the server with the token."""
    async with signed_in.client() as made:
        yield made


# ── everything is read ──


@pytest.mark.parametrize("network", NETWORKS)
async def test_twenty_posts_with_two_hundred_comments_each(network: str, reader: Client, networks: Networks) -> None:
    found = person("ann")
    assert found is not None
    result = (await reader.completed(url_of(networks, network, "Ann")))["profile"]
    profile, posts = result["profile"], result["posts"]
    assert profile["username"] in ("ann", "ann.test")
    assert profile["fullName"] == found.full_name
    assert profile["bio"] == found.bio
    assert (profile["followers"], profile["following"]) == (found.followers, found.following)
    assert profile["postCount"] == len(found.posts)
    assert len(posts) == 20
    for post, entry in zip(posts, found.posts, strict=False):
        assert post["caption"].startswith(entry.text)
        assert post["likeCount"] == entry.likes
        assert post["imageUrl"] == entry.picture
        assert post["timestamp"] == entry.at.isoformat(timespec="milliseconds")
        assert post["note"] is None
        comments = all_of(post["comments"])
        assert len(comments) == COMMENTS
        assert len(post["comments"]) == post["commentCount"] == sum(one.parent is None for one in entry.remarks)
        assert len({one["id"] for one in comments}) == COMMENTS
        texts = {one["text"].removeprefix("@ann "): one for one in comments}
        for remark in entry.remarks:
            comment = texts[remark.text]
            assert comment["likeCount"] == remark.likes
            assert comment["timestamp"] == remark.at.isoformat(timespec="milliseconds")
            below = {one["text"].removeprefix("@ann ") for one in comment["replies"]}
            assert below == {one.text for one in entry.remarks if one.parent == remark.number}


@pytest.mark.parametrize("network", NETWORKS)
async def test_more_posts_than_a_page_holds(network: str, reader: Client, networks: Networks) -> None:
    result = (await reader.completed(url_of(networks, network, "ann"), posts=200, comments=0))["profile"]
    assert len(result["posts"]) == 50
    times = [post["timestamp"] for post in result["posts"]]
    assert times == sorted(times, reverse=True), "the pinned one in its place, no boosts"
    assert len({post["id"] for post in result["posts"]}) == 50
    assert PINNED < 50


@pytest.mark.parametrize("network", NETWORKS)
async def test_requests_at_once_are_bounded(network: str, serve: Any, networks: Networks) -> None:
    stand_in(networks, network).delay = 0.02
    async with serve(profiles_requests_at_once=3, profiles_posts_at_once=10).client() as client:
        await client.completed(url_of(networks, network, "ann"), comments=5)
    assert stand_in(networks, network).most_open == 3


async def test_without_a_token_the_result_says_what_mastodon_keeps_back(client: Client, networks: Networks) -> None:
    result = (await client.completed(networks.on_mastodon("@ann"), posts=2))["profile"]
    for post in result["posts"]:
        assert len(all_of(post["comments"])) >= ANONYMOUS_REPLIES
        assert "60 replies" in post["note"]
        assert "mastodon_tokens" in post["note"]


@pytest.mark.parametrize("network", NETWORKS)
async def test_as_many_comments_as_asked_for(network: str, reader: Client, networks: Networks) -> None:
    result = (await reader.completed(url_of(networks, network, "ann"), posts=1, comments=10))["profile"]
    [post] = result["posts"]
    assert len(post["comments"]) == 10
    assert len(all_of(post["comments"])) > 10, "with their replies"


@pytest.mark.parametrize("network", NETWORKS)
async def test_a_conversation_that_goes_deep(network: str, client: Client, networks: Networks) -> None:
    """Deeper than one answer of either network goes: the rest is asked for from where it was cut off."""
    result = (await client.completed(url_of(networks, network, "deep"), posts=1))["profile"]
    comments = all_of(result["posts"][0]["comments"])
    assert len(comments) == COMMENTS
    assert len({one["id"] for one in comments}) == COMMENTS


@pytest.mark.parametrize("network", NETWORKS)
async def test_a_profile_without_posts(network: str, client: Client, networks: Networks) -> None:
    result = (await client.completed(url_of(networks, network, "quiet")))["profile"]
    assert result["posts"] == []
    assert result["profile"]["postCount"] == 0


@pytest.mark.parametrize("network", NETWORKS)
async def test_a_deleted_post_costs_the_others_nothing(network: str, reader: Client, networks: Networks) -> None:
    result = (await reader.completed(url_of(networks, network, "deleted"), posts=5, comments=9))["profile"]
    notes = [post["note"] for post in result["posts"]]
    assert [note is None for note in notes] == [number != DELETED for number in range(5)]
    assert "deleted" in notes[DELETED]
    assert [len(post["comments"]) for post in result["posts"]] == [0 if n == DELETED else 9 for n in range(5)]


async def test_a_profile_by_its_did(client: Client, networks: Networks) -> None:
    by_name = await client.completed(networks.on_bluesky("ann"), posts=1, comments=0)
    did = by_name["profile"]["posts"][0]["id"].split("/")[2]
    by_did = await client.completed(f"https://bsky.app/profile/{did}", posts=1, comments=0)
    assert by_did == by_name


async def test_links_on_bluesky_are_written_out(client: Client, networks: Networks) -> None:
    result = await client.completed(networks.on_bluesky("ann"), posts=1, comments=0)
    assert result["profile"]["posts"][0]["caption"].endswith(" é https://files.example/days/0")


async def test_who_wants_to_be_seen_by_signed_in_people_only_is_not_shown(client: Client, networks: Networks) -> None:
    code, said = await client.failed(networks.on_bluesky("hidden"))
    assert code == "login_needed"
    assert "@hidden.test" in said
    result = await client.completed(networks.on_bluesky("ann"), posts=1)
    shown = {one["username"] for one in all_of(result["profile"]["posts"][0]["comments"])}
    assert shown
    assert not any(name.startswith("hidden") for name in shown)


# ── what goes wrong, in the words of the user ──


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("missing", "profile_missing", "knows no profile @missing"), ("suspended", "profile_suspended", "suspended")],
)
async def test_profiles_that_are_not_there(
    network: str, name: str, code: str, words: str, client: Client, networks: Networks
) -> None:
    found, said = await client.failed(url_of(networks, network, name))
    assert found == code
    assert words in said
    assert len(stand_in(networks, network).visits) == 1, "nothing is tried twice that cannot help"


async def test_a_locked_profile_on_mastodon(client: Client, networks: Networks) -> None:
    code, said = await client.failed(networks.on_mastodon("@locked"))
    assert code == "profile_private"
    assert said == "@locked shows its posts to people it has accepted only."


async def test_a_deactivated_profile_on_bluesky(client: Client, networks: Networks) -> None:
    code, said = await client.failed(networks.on_bluesky("deactivated"))
    assert code == "profile_suspended"
    assert "deactivated" in said


@pytest.mark.parametrize("network", NETWORKS)
async def test_a_post_that_is_gone(network: str, client: Client, networks: Networks) -> None:
    listed = await client.completed(url_of(networks, network, "deleted"), posts=3, comments=0)
    code, said = await client.failed(listed["profile"]["posts"][DELETED]["url"])
    assert code == "post_missing"
    assert "deleted" in said


async def test_a_server_that_shows_nothing_to_strangers(serve: Any, networks: Networks) -> None:
    with Served(Mastodon(signed_in_only=True)) as closed:
        url = f"{closed.url}/@ann"
        allowed = f"{networks.allowed},{closed.address}"
        server = serve(profiles_allow=allowed, profiles_mastodon_tokens=f"{networks.mastodon.address}=wrong-secret")
        async with server.client() as client:
            code, said = await client.failed(url)
            assert code == "login_needed"
            assert "signed-in people only" in said
            assert "mastodon_tokens" in said
            code, said = await client.failed(networks.on_mastodon("@ann"))
            assert code == "login_failed"
            assert "mastodon_tokens" in said
        log = (server.data / "server.log").read_text()
        stored = b"".join(file.read_bytes() for file in server.data.glob("jobs.db*") if file.is_file())
        assert "wrong-secret" not in log
        assert b"wrong-secret" not in stored
        assert {visit.token for visit in closed.network.visits} == {None}, "a token goes to its own host only"


async def test_a_token_does_not_follow_a_redirect(reader: Client, networks: Networks) -> None:
    networks.mastodon.network.redirect = f"{networks.bluesky.url}/xrpc/elsewhere"
    await reader.failed(networks.on_mastodon("@ann"))
    assert {visit.token for visit in networks.mastodon.network.visits} == {TOKEN}
    assert {visit.token for visit in networks.bluesky.network.visits} == {None}


async def test_a_server_without_look_up_is_searched(client: Client, networks: Networks) -> None:
    networks.mastodon.network.knows_lookup = False
    try:
        result = await client.completed(networks.on_mastodon("@ann"), posts=1, comments=0)
        assert result["profile"]["profile"]["username"] == "ann"
        assert (await client.failed(networks.on_mastodon("@missing")))[0] == "profile_missing"
    finally:
        networks.mastodon.network.knows_lookup = True


async def test_a_site_that_speaks_another_language(client: Client, networks: Networks) -> None:
    networks.mastodon.network.trouble("lookup", "nonsense")
    code, said = await client.failed(networks.on_mastodon("@ann"))
    assert code == "unexpected_answer"
    assert "does not speak Mastodon's API" in said
    code, said = await client.failed(f"{networks.bluesky.url}/@ann")
    assert code == "unexpected_answer"


@pytest.mark.parametrize("network", NETWORKS)
async def test_an_error_of_the_network_that_passes(network: str, client: Client, networks: Networks) -> None:
    stand_in(networks, network).trouble("context" if network == "mastodon" else "thread", "down", times=2)
    result = (await client.completed(url_of(networks, network, "ann"), posts=3, comments=3))["profile"]
    assert [len(post["comments"]) for post in result["posts"]] == [3, 3, 3]


async def test_a_host_that_does_not_answer(serve: Any, networks: Networks) -> None:
    with Served(Mastodon()) as gone:
        url = f"{gone.url}/@ann"
    async with serve(profiles_retries=0, profiles_allow=gone.address).client() as client:
        code, said = await client.failed(url)
    assert code == "network_trouble"
    assert "cannot be reached" in said


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/@ann", "http://[::1]/@ann", "http://169.254.169.254/@ann", "http://2130706433/@ann"],
)
async def test_private_addresses_are_refused(url: str, client: Client) -> None:
    code, said = await client.failed(url)
    assert code == "address_refused"
    assert "public address" in said


async def test_a_redirect_to_a_private_address_is_refused(serve: Any, networks: Networks) -> None:
    async with serve(profiles_allow=networks.mastodon.address).client() as client:
        networks.mastodon.network.redirect = f"{networks.bluesky.url}/xrpc/secret"
        code, _ = await client.failed(networks.on_mastodon("@ann"))
    assert code == "address_refused"
    assert networks.bluesky.network.visits == []
