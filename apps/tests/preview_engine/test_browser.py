"""Tier 3 in a real Chromium: what it brings, what it cannot reach, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from accepted_apps.preview.browser import Browser
from accepted_apps.preview.elements import extract
from accepted_apps.preview.errors import (
    BadRedirect,
    BrowserUnavailable,
    NeverEnds,
    NotAPage,
    Obstacle,
    PreviewError,
    PrivateAddress,
    TooLarge,
)
from accepted_apps.preview.finding import find_browser
from accepted_apps.preview.settings import PreviewSettings

from accepted.guard import AddressPolicy, ProxyServer

from .pages import HARD
from .servers import HttpProxy, Request, Site, SocksProxy, redirect, reply

SettingsMaker = Callable[..., PreviewSettings]
ALLOW = ("127.0.0.5", "127.0.0.6")
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    settings = PreviewSettings(
        allow=ALLOW,
        browser_settle=2.0,
        browser_challenge_wait=1.0,
        browser_timeout=15.0,
        browser_max_bytes=4_000_000,
        max_page_bytes=2_000_000,
    )
    async with Browser(settings, AddressPolicy(ALLOW)) as warm:
        yield warm


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    async with Site(host="127.0.0.5") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def inside() -> AsyncIterator[Site]:
    async with Site({"/secret": reply("secret")}) as running:
        yield running


async def failing(browser: Browser, url: str) -> Exception:
    with pytest.raises((PreviewError, Obstacle)) as raised:
        async with browser.open(url):
            pass
    return raised.value


def family(pid: int) -> set[int]:
    """A process and all its descendants, without those that are dead and only not yet waited for."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    members = {pid} & parents.keys()
    while grown := {child for child, parent in parents.items() if parent in members} - members:
        members |= grown
    return members


def alive(pids: set[int]) -> bool:
    return any(family(pid) for pid in pids)


async def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


async def test_brings_what_scripts_draw(browser: Browser, site: Site) -> None:
    site.routes["/data"] = reply('{"name": "Lamp"}', content_type="application/json")
    site.routes["/"] = reply(
        "<!doctype html><title>Shell</title><div id=root></div><script>"
        "fetch('/data').then(r => r.json()).then(d => root.innerHTML = `<h1>${d.name}</h1><p>drawn by a script</p>`)"
        "</script>"
    )
    async with browser.open(f"{site.url}/#part") as live:
        assert (live.fetched.status, live.fetched.url) == (200, f"{site.url}/")
        title, elements = extract(live.fetched.html)
        assert title == "Shell"
        assert [element.text for element in elements] == ["Lamp", "drawn by a script"]
        assert await live.confirm(elements) == elements
    assert "Headless" not in site.asked("/")[0].headers["user-agent"]


@pytest.mark.parametrize("name", HARD)
async def test_every_selector_selects_its_element_alone_in_chromium(browser: Browser, site: Site, name: str) -> None:
    kind = "application/xhtml+xml" if name == "strict" else "text/html; charset=utf-8"
    site.routes["/"] = reply(HARD[name], content_type=kind)
    _, elements = extract(HARD[name])
    async with browser.open(f"{site.url}/") as live:
        assert await live.confirm(elements) == elements
        _, again = extract(live.fetched.html)
        assert await live.confirm(again) == again
        # The same element, not merely one: its text is what was promised.
        for element in elements:
            texts = await live._page.evaluate(
                "([xpath, css]) => { const node = document.querySelector(css); return [node.textContent,"
                " node.getAttribute('alt') || node.getAttribute('aria-label') || node.placeholder || node.name] }",
                [element.xpath, element.css],
            )
            assert any("".join(element.text.split())[:20] in "".join((text or "").split()) for text in texts), element


async def test_selectors_that_do_not_hold_in_the_living_page_are_dropped(browser: Browser, site: Site) -> None:
    # A table that a script builds without tbody; written out and read again, it has one.
    site.routes["/"] = reply(
        "<!doctype html><body><h1>T</h1><script>const t = document.createElement('table'), r ="
        " document.createElement('tr'), d = document.createElement('td'); d.textContent = 'cell'; r.append(d);"
        " t.append(r); document.body.append(t)</script>"
    )
    async with browser.open(f"{site.url}/") as live:
        _, elements = extract(live.fetched.html)
        assert [element.text for element in elements] == ["T", "cell"]
        assert [element.text for element in await live.confirm(elements)] == ["T"]


async def test_nothing_that_a_page_asks_for_reaches_a_private_address(
    browser: Browser, site: Site, inside: Site
) -> None:
    private = inside.url
    port = urlsplit(private).port
    site.routes["/hop"] = redirect(f"{private}/secret")
    site.routes["/frame"] = reply("<p>frame</p>")
    site.routes["/"] = reply(
        f"""<!doctype html><body><h1>Page</h1>
        <img src="{private}/img"><img src="http://localhost:{port}/img"><img src="http://[::1]:{port}/img">
        <img src="http://2130706433:{port}/img"><img src="http://127.1:{port}/img"><img src="http://0:{port}/img">
        <link rel=stylesheet href="{private}/css"><link rel=preconnect href="{private}">
        <link rel=dns-prefetch href="{private}"><link rel=prefetch href="{private}/prefetch">
        <script src="{private}/js"></script><script src="/hop"></script>
        <iframe src="{private}/secret"></iframe><iframe src="/hop"></iframe>
        <object data="{private}/object"></object><video src="{private}/video"></video>
        <form id=f action="{private}/form" method=post target=sink></form><iframe name=sink></iframe>
        <p id=out>waiting</p><script>
        const seen = []
        const tell = (what, fine) => {{ seen.push(what + ":" + fine); out.textContent = seen.sort().join(" ") }}
        for (const url of ["{private}/fetch", "/hop", "https://127.0.0.1:{port}/tls"])
            fetch(url, {{mode: "no-cors"}}).then(r => r.text()).then(t => tell("fetch", t.includes("secret")),
                                                                       () => tell("fetch", false))
        for (const scheme of ["ws", "wss"]) {{
            const socket = new WebSocket(scheme + "://127.0.0.1:{port}/ws")
            socket.onopen = () => tell(scheme, true); socket.onerror = () => tell(scheme, false)
        }}
        const events = new EventSource("{private}/sse"); events.onerror = () => {{ events.close(); tell("sse", false) }}
        navigator.sendBeacon("{private}/beacon", "x")
        f.submit()
        try {{ new Worker(URL.createObjectURL(new Blob(["importScripts('{private}/worker')"]))) }} catch {{}}
        window.open("{private}/popup")
        </script>"""
    )
    async with browser.open(f"{site.url}/") as live:
        page = live._page
        await page.wait_for_function("document.getElementById('out').textContent.split(' ').length === 6")
        said = await page.text_content("#out")
        assert said == "fetch:false fetch:false fetch:false sse:false ws:false wss:false"
        assert {refusal.address for refusal in live._guard.refusals} >= {"127.0.0.1"}
    assert inside.connections == 0


async def test_no_udp_leaves_the_browser(browser: Browser, site: Site) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        site.routes["/"] = reply(
            f"""<!doctype html><p id=out>waiting</p><script>
            const peer = new RTCPeerConnection({{iceServers: [{{urls: "stun:127.0.0.1:{listener.getsockname()[1]}"}}]}})
            peer.createDataChannel("x")
            peer.onicegatheringstatechange = () => {{ out.textContent = peer.iceGatheringState }}
            peer.createOffer().then(offer => peer.setLocalDescription(offer))
            try {{ new WebTransport("https://127.0.0.1:{listener.getsockname()[1]}/").ready.catch(() => 0) }} catch {{}}
            </script>"""
        )
        async with browser.open(f"{site.url}/") as live:
            await live._page.wait_for_function("document.getElementById('out').textContent === 'complete'")
        with pytest.raises(BlockingIOError):
            listener.recv(100)


@pytest.mark.parametrize("how", ["direct", "redirect", "second hop", "script", "meta", "tls"])
async def test_the_page_itself_may_not_be_private(browser: Browser, site: Site, inside: Site, how: str) -> None:
    target = f"{inside.url}/secret"
    site.routes |= {
        "/redirect": redirect(target),
        "/second hop": redirect(target),
        "/second": redirect("/second%20hop"),
        "/second%20hop": redirect(target),
        "/script": reply(f"<script>location = '{target}'</script>"),
        "/meta": reply(f'<meta http-equiv=refresh content="0;url={target}">'),
    }
    url = {"direct": target, "tls": target.replace("http:", "https:"), "second hop": f"{site.url}/second"}.get(
        how, f"{site.url}/{how}"
    )
    error = await failing(browser, url)
    assert isinstance(error, PrivateAddress)
    assert "allow-list" in error.message
    assert inside.connections == 0


async def test_websockets_to_permitted_hosts_work(browser: Browser, site: Site) -> None:
    import base64
    import hashlib

    async def accept(request: Request, writer: asyncio.StreamWriter) -> None:
        key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        token = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {token}\r\n\r\n".encode()
            + b"\x81\x05hello"
        )
        await writer.drain()
        await asyncio.Event().wait()

    site.routes["/ws"] = accept
    site.routes["/"] = reply(
        "<!doctype html><p id=out>waiting</p><script>new WebSocket(`ws://${location.host}/ws`)"
        ".onmessage = m => out.textContent = m.data</script>"
    )
    async with browser.open(f"{site.url}/") as live:
        await live._page.wait_for_function("document.getElementById('out').textContent === 'hello'")


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
async def test_goes_through_an_operators_proxy(
    browser: Browser, site: Site, kind: type[HttpProxy | SocksProxy]
) -> None:
    site.routes["/"] = lambda request: reply(f"<p>{request.peer}</p>")
    async with kind("127.0.0.9") as proxy, browser.open(f"{site.url}/", proxy=ProxyServer.parse(proxy.url)) as live:
        assert "127.0.0.9" in live.fetched.html
        assert {host for host, _ in proxy.seen.targets} == {"127.0.0.5"}


async def test_a_challenge_that_runs_by_itself_is_waited_for(browser: Browser, site: Site) -> None:
    def door(request: Request) -> bytes:
        if "passed=1" in request.headers.get("cookie", ""):
            return reply("<title>In</title><h1>Welcome in</h1>")
        script = "setTimeout(() => { document.cookie = 'passed=1'; location.reload() }, 100)"
        return reply(f"<title>Just a moment...</title><script>{script}</script>", 403, server="x")

    site.routes["/"] = door
    async with browser.open(f"{site.url}/") as live:
        assert (live.fetched.status, "Welcome in" in live.fetched.html) == (200, True)


async def test_limits_and_odd_answers(browser: Browser, site: Site) -> None:
    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    site.routes |= {
        "/endless": endless,
        "/reset": reset,
        "/half": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 999\r\n\r\n<h1>Half</h1>",
        "/big": reply("<script>document.write('<p>' + 'x'.repeat(3e6))</script>"),
        "/loop": redirect("/loop"),
        "/pdf": reply(b"%PDF", content_type="application/pdf"),
        "/zip": reply(b"PK", content_type="application/zip", content_disposition="attachment; filename=x.zip"),
        "/json": reply("{}", content_type="application/json"),
        "/lie": reply(b"%PDF-1.7\n1 0 obj", content_type="text/html"),
        "/none": reply("", 204),
    }
    for path, expected in {
        "/endless": TooLarge,
        "/big": TooLarge,
        "/reset": Obstacle,
        "/half": Obstacle,
        "/loop": BadRedirect,
        "/pdf": NotAPage,
        "/zip": NotAPage,
        "/json": NotAPage,
        "/lie": NotAPage,
        "/none": NotAPage,
    }.items():
        error = await failing(browser, site.url + path)
        assert type(error) is expected, (path, error)
    assert isinstance(await failing(browser, "http://127.0.0.5:9/"), Obstacle)


async def test_a_page_that_never_ends_is_told_from_a_site_that_is_silent(site: Site, settings: SettingsMaker) -> None:
    async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>To be continued</h1>")
        await asyncio.Event().wait()

    async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    site.routes |= {"/drip": drip, "/silent": silent}
    async with Browser(settings(browser_timeout=3.0), AddressPolicy(ALLOW)) as browser:
        assert isinstance(await failing(browser, f"{site.url}/drip"), NeverEnds)
        assert isinstance(await failing(browser, f"{site.url}/silent"), Obstacle)


async def test_an_error_page_of_the_site_is_handed_on(browser: Browser, site: Site) -> None:
    async with browser.open(f"{site.url}/missing") as live:
        assert live.fetched.status == 404


async def test_each_page_has_a_context_of_its_own(browser: Browser, site: Site) -> None:
    site.routes["/"] = reply("<h1>cookies</h1>", set_cookie="name=value")
    for _ in range(2):
        async with browser.open(f"{site.url}/"):
            pass
    assert all("cookie" not in request.headers for request in site.asked("/"))


async def test_cancelling_leaves_no_page_and_closing_no_process(site: Site, settings: SettingsMaker) -> None:
    async def slow(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    site.routes |= {"/slow": slow, "/busy": reply("<h1>busy</h1><script>for (;;) {}</script>")}
    browser = Browser(settings(browser_timeout=30.0), AddressPolicy(ALLOW))
    processes: set[int] = set()
    for path in ("/slow", "/busy"):
        job = asyncio.create_task(failing(browser, site.url + path))
        await wait_until(lambda path=path: bool(site.asked(path)))  # type: ignore[misc]
        engine = await browser._warm()
        processes |= family(engine._pid)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert not engine._chromium.contexts
    processes |= family(engine._pid)
    assert len(processes) > 3
    await browser.close()
    await wait_until(lambda: not alive(processes))


async def test_cancelled_while_it_starts_it_can_still_be_closed(settings: SettingsMaker) -> None:
    browser = Browser(settings(), AddressPolicy(ALLOW))
    job = asyncio.create_task(failing(browser, "http://127.0.0.5:9/"))
    await asyncio.sleep(0)
    starting = browser._starting
    assert starting is not None
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await browser.close()
    await browser.close()
    assert not alive({starting.result()._pid})


async def test_a_browser_that_died_is_started_anew(site: Site, settings: SettingsMaker) -> None:
    site.routes["/"] = reply("<h1>here</h1>")
    async with Browser(settings(), AddressPolicy(ALLOW)) as browser:
        async with browser.open(f"{site.url}/"):
            engine = await browser._warm()
        os.kill(engine._pid, signal.SIGKILL)
        await wait_until(lambda: not engine.connected)
        async with browser.open(f"{site.url}/") as live:
            assert "here" in live.fetched.html


async def test_the_browser_goes_with_its_process(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(
        textwrap.dedent("""
        import asyncio
        from accepted.guard import AddressPolicy
        from accepted_apps.preview.browser import Browser
        from accepted_apps.preview.settings import PreviewSettings

        async def main():
            browser = Browser(PreviewSettings(), AddressPolicy())
            engine = await browser._warm()
            print(engine._pid, flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
        """)
    )
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()

    await wait_until(lambda: not alive({pid}))


async def test_without_a_browser_the_message_says_how_to_install_one(settings: SettingsMaker) -> None:
    browser = Browser(settings(browser_path="/nowhere/chromium"), AddressPolicy(ALLOW))
    error = await failing(browser, "http://127.0.0.5/")
    assert isinstance(error, BrowserUnavailable)
    assert "/nowhere/chromium" in error.message
    assert "apt-get install chromium" in error.message
    await browser.close()


async def test_a_browser_is_found_by_path_or_not_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = find_browser()
    assert found is not None
    assert find_browser(found) == found
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() is None
    (tmp_path / "google-chrome").write_text("#!/bin/sh\n")
    (tmp_path / "google-chrome").chmod(0o755)
    assert find_browser() == str(tmp_path / "google-chrome")
