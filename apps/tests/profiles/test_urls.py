"""What URLs ask for, and which are refused with what."""

from __future__ import annotations

import pytest
from accepted_apps.profiles.errors import InvalidInput
from accepted_apps.profiles.urls import parse_url

DID = "did:plc:z72i7hdynmk6r22z27h6tvur"


@pytest.mark.parametrize(
    ("url", "network", "kind", "name", "key"),
    [
        ("https://www.instagram.com/NASA/", "instagram", "profile", "nasa", ""),
        ("https://instagram.com/nasa?igsh=MzRlODBiNWFlZA==", "instagram", "profile", "nasa", ""),
        ("instagram.com/nasa.gov_1/", "instagram", "profile", "nasa.gov_1", ""),
        ("https://m.instagram.com/nasa/reels/", "instagram", "profile", "nasa", ""),
        ("  https://www.instagram.com/p/CxYz_-123/  ", "instagram", "post", "", "CxYz_-123"),
        ("https://www.instagram.com/reel/CxYz_-123/?utm_source=ig_web", "instagram", "post", "", "CxYz_-123"),
        ("https://www.instagram.com/reels/CxYz_-123", "instagram", "post", "", "CxYz_-123"),
        ("https://www.instagram.com/nasa/p/CxYz_-123/", "instagram", "post", "nasa", "CxYz_-123"),
        ("https://www.instagram.com/tv/CxYz_-123/", "instagram", "post", "", "CxYz_-123"),
        ("https://bsky.app/profile/Ann.Example", "bluesky", "profile", "ann.example", ""),
        (f"https://bsky.app/profile/{DID}", "bluesky", "profile", DID, ""),
        ("https://bsky.app/profile/ann.example/post/3kabc", "bluesky", "post", "ann.example", "3kabc"),
        (f"https://bsky.app/profile/{DID}/post/3kabc?ref=x", "bluesky", "post", DID, "3kabc"),
        (f"at://{DID}/app.bsky.feed.post/3kabc", "bluesky", "post", DID, "3kabc"),
        ("https://deer.social/profile/ann.example", "bluesky", "profile", "ann.example", ""),
        ("https://mastodon.social/@Gargron", "mastodon", "profile", "Gargron", ""),
        ("https://mastodon.social/@ann@hachyderm.io", "mastodon", "profile", "ann@hachyderm.io", ""),
        ("https://mastodon.social/%40Gargron", "mastodon", "profile", "Gargron", ""),
        ("https://mastodon.social/@ann/with_replies", "mastodon", "profile", "ann", ""),
        ("https://mastodon.social/web/@ann", "mastodon", "profile", "ann", ""),
        ("https://social.example:8443/users/ann", "mastodon", "profile", "ann", ""),
        ("https://mastodon.social/@ann/110000000000000000", "mastodon", "post", "ann", "110000000000000000"),
        ("https://gts.example/@ann/statuses/01HZX0ABCDEF", "mastodon", "post", "ann", "01HZX0ABCDEF"),
        ("https://mastodon.social/users/ann/statuses/11", "mastodon", "post", "ann", "11"),
        ("https://pleroma.example/notice/AbCdEf123", "mastodon", "post", "", "AbCdEf123"),
        ("http://127.0.0.1:8100/@ann", "mastodon", "profile", "ann", ""),
        ("https://bücher.example/@ann", "mastodon", "profile", "ann", ""),
    ],
)
def test_what_a_url_asks_for(url: str, network: str, kind: str, name: str, key: str) -> None:
    target = parse_url(url)
    assert (target.network, target.kind, target.name, target.id) == (network, kind, name, key)
    again = parse_url(target.url)
    assert (again.network, again.kind, again.id, again.base) == (network, kind, key, target.base), "its normal form"


def test_the_host_keeps_its_port() -> None:
    target = parse_url("http://127.0.0.1:8100/@ann")
    assert (target.base, target.host) == ("http://127.0.0.1:8100", "127.0.0.1:8100")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (None, "missing"),
        ("", "missing"),
        ("   ", "missing"),
        (7, "missing"),
        ("ann", "https://"),
        ("ftp://mastodon.social/@ann", "https://"),
        ("javascript:alert(1)", "https://"),
        ("https://example.org/", "no network"),
        ("https://example.org/about/us", "no network"),
        ("https://www.youtube.com/@ann", "no network"),
        ("https://www.tiktok.com/@ann/video/1", "no network"),
        ("https://www.threads.net/@ann", "no network"),
        ("https://x.com/ann", "no network"),
        ("https://www.instagram.com/", "no network"),
        ("https://www.instagram.com/explore/tags/cats/", "no network"),
        ("https://www.instagram.com/stories/ann/1/", "no network"),
        ("https://www.instagram.com/p/", "no network"),
        ("https://www.instagram.com/a b/", "spaces"),
        ("https://bsky.app/profile/ann.example/feed/cats", "no network"),
        ("https://mastodon.social/@", "no network"),
        ("https://mastodon.social/@../admin", "no network"),
        ("https://mastodon.social/@ann/1/../../admin", "no network"),
        ("https://ann:pw@mastodon.social/@ann", "password"),
        ("https:///@ann", "host"),
        ("https://mastodon.social/@" + "a" * 3000, "longer"),
    ],
)
def test_what_is_refused_names_the_url(url: object, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_url(url)
    assert refused.value.field == "url"
    assert said in refused.value.message
    assert "pw" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("https://www.instagram.com/nasa/", "post"),
        ("https://www.instagram.com/p/CxYz_-123/", "profile"),
        ("https://www.instagram.com/nasa/", "everything"),
    ],
)
def test_a_mode_that_does_not_fit_is_refused(url: str, mode: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_url(url, mode)
    assert refused.value.field == "mode"


def test_a_mode_that_fits() -> None:
    assert parse_url("https://www.instagram.com/p/CxYz_-123/", "post").kind == "post"
    assert parse_url("https://www.instagram.com/nasa/", "profile").kind == "profile"
