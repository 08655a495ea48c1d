"""Tier 3: a page in headless Chromium, which has no way out but the guarding proxy.

One browser is kept warm per process and event loop. Each job has a context of its own, with a guarding proxy of its
own, and both go with the job, however it ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import Browser as Chromium
from playwright.async_api import (
    BrowserContext,
    CDPSession,
    Frame,
    Page,
    Playwright,
    Request,
    Response,
    async_playwright,
)
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from accepted.guard import AddressPolicy, GuardingProxy, ProxyServer

from .detect import Kind, judge
from .elements import Element
from .errors import BadRedirect, BrowserUnavailable, NeverEnds, NotAPage, Obstacle, PrivateAddress, TooLarge
from .fetch import HTML_TYPES, Fetched, check_text
from .finding import find_browser
from .settings import PreviewSettings

_HOW_TO_INSTALL = (
    "Install one (Debian, Ubuntu: `apt-get install chromium`; Fedora: `dnf install chromium`; macOS: "
    "`brew install --cask chromium`), or set the path of the one you have."
)
_ARGS = (
    # What does not belong to a context goes nowhere; a context brings its own proxy, also for loopback.
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    # Names are the proxy's task. A look-up here would be an address that nobody has judged.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--dns-prefetch-disable",
    # UDP would go round the proxy.
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-gpu",
    # A page that broke off is for the tiers to try again, not for Chromium.
    "--disable-auto-reload",
    "--no-first-run",
    "--no-pings",
    "--js-flags=--max-old-space-size=512",
)
_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36"
_BROKEN_OFF = "the answer broke off in the browser"
_CLOSE_TIMEOUT = 5.0
_QUIET = 0.4
"""Seconds without a change after which a page counts as drawn."""

# In a world of their own, these run on the page's DOM with nothing that the page's scripts could have replaced.
_READ = """(() => {
    const root = document.documentElement
    const html = root ? root.outerHTML : ""
    const type = document.doctype ? new XMLSerializer().serializeToString(document.doctype) : ""
    return html.length > %d ? null : type + html
})()"""
_SETTLE = """new Promise(done => {
    let timer
    const finish = () => { watch.disconnect(); done(true) }
    const again = () => { clearTimeout(timer); timer = setTimeout(finish, %d) }
    const watch = new MutationObserver(again)
    watch.observe(document, {subtree: true, childList: true, characterData: true})
    setTimeout(finish, %d)
    again()
})"""
_CONFIRM = """(function (pairs) {
    return pairs.map(([xpath, css]) => {
        try {
            const byCss = document.querySelectorAll(css)
            const byXpath = document.evaluate(xpath, document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null)
            return byCss.length === 1 && byXpath.snapshotLength === 1 && byXpath.snapshotItem(0) === byCss[0]
        } catch {
            return false
        }
    })
})"""


class Browser:
    """A warm Chromium, started at the first page; an async context manager, or `close()` at the end.

    It belongs to the event loop that it was started on.
    """

    def __init__(self, settings: PreviewSettings, policy: AddressPolicy) -> None:
        self._settings = settings
        self._policy = policy
        self._starting: asyncio.Task[_Engine] | None = None
        self._pages = asyncio.Semaphore(settings.browser_pages)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the browser with all its processes; it may be used again afterwards. Idempotent."""
        starting, self._starting = self._starting, None
        if starting is not None:
            with suppress(BrowserUnavailable):
                await (await starting).close()

    @asynccontextmanager
    async def open(self, url: str, *, proxy: ProxyServer | None = None) -> AsyncIterator[LivePage]:
        """Load a page and keep it until the block ends.

        Raises Obstacle where trying again may help, a PreviewError otherwise.
        """
        async with self._pages:
            engine = await self._warm()
            async with (
                GuardingProxy(
                    self._policy,
                    upstream=proxy,
                    max_connections=self._settings.browser_max_connections,
                    max_bytes=self._settings.browser_max_bytes,
                    connect_timeout=self._settings.connect_timeout,
                ) as guard,
                engine.context(guard, self._settings) as context,
            ):
                yield await self._load(context, guard, url)

    async def _warm(self) -> _Engine:
        if self._starting is None or _over(self._starting):
            self._starting = asyncio.create_task(_Engine.start(self._settings))
            # Its failure belongs to whoever waits; nobody may be left to.
            self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())
        # A job that is cancelled here must not leave half a browser behind: the start goes on, for the next one.
        return await asyncio.shield(self._starting)

    async def _load(self, context: BrowserContext, guard: GuardingProxy, url: str) -> LivePage:
        live = None
        try:
            async with asyncio.timeout(self._settings.browser_timeout):
                page = await context.new_page()
                live = LivePage(page, await context.new_cdp_session(page), guard, self._settings)
                await live.load(url)
                return live
        except TimeoutError:
            raise live.late() if live else Obstacle("time-out in the browser") from None
        except PlaywrightError as error:
            raise Obstacle(f"the browser failed: {_first_line(error)}") from error


class LivePage:
    """A page that is open in the browser. `fetched` is what it had become when it came to rest."""

    def __init__(self, page: Page, cdp: CDPSession, guard: GuardingProxy, settings: PreviewSettings) -> None:
        self.fetched = Fetched("", 0, {}, "")
        self._page = page
        self._cdp = cdp
        self._guard = guard
        self._settings = settings
        self._target = ""
        self._response: Response | None = None
        self._ended = False
        """Whether the first document has come as a whole."""
        self._crashed = asyncio.Event()
        self._broken_off = asyncio.Event()
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("requestfailed", self._on_failure)
        page.on("crash", lambda _: self._crashed.set())

    async def confirm(self, elements: Sequence[Element]) -> list[Element]:
        """Those whose selectors select one and the same element in the living page."""
        pairs = [[element.xpath, element.css] for element in elements]
        try:
            async with asyncio.timeout(self._settings.browser_settle):
                world = await self._world()
                answer: dict[str, Any] = await self._cdp.send(
                    "Runtime.callFunctionOn",
                    {
                        "functionDeclaration": _CONFIRM,
                        "executionContextId": world,
                        "arguments": [{"value": pairs}],
                        "returnByValue": True,
                    },
                )
        except (PlaywrightError, TimeoutError):
            # The page has gone elsewhere in the meantime; the selectors hold in what was fetched.
            return list(elements)
        held = answer["result"].get("value") or []
        return [element for element, holds in zip(elements, held, strict=False) if holds]

    async def load(self, url: str) -> None:
        """Go to the page, and wait until it has something to show or its time is up."""
        self._target = url
        await self._goto(url)
        loop = asyncio.get_running_loop()
        wait_until = loop.time() + self._settings.browser_challenge_wait
        while True:
            await self._come_to_rest()
            self.fetched = await self._read()
            verdict = await asyncio.to_thread(
                judge, self.fetched.status, self.fetched.headers, self.fetched.html, self.fetched.url
            )
            # Some challenges run by themselves and then lead to the page, and some shells fill late.
            if verdict.kind not in (Kind.BLOCKED, Kind.NEEDS_JAVASCRIPT) or loop.time() >= wait_until:
                return
            if self.fetched.status in (403, 503) and verdict.sign == f"HTTP {self.fetched.status}":
                return

    def late(self) -> Exception:
        """What it means that the time is up now."""
        if self._response is not None and not self._ended:
            return NeverEnds("The page did not come to an end in the browser.")
        return Obstacle("time-out in the browser")

    async def _goto(self, url: str) -> None:
        timeout = self._settings.browser_timeout * 1000
        going = asyncio.create_task(self._page.goto(url, wait_until="domcontentloaded", timeout=timeout))
        ends = [asyncio.create_task(event.wait()) for event in (self._crashed, self._broken_off)]
        try:
            await asyncio.wait((going, *ends), return_when=asyncio.FIRST_COMPLETED)
            if not going.done():
                # Mostly the navigation is about to say so itself, in more detail.
                await asyncio.wait((going,), timeout=0.5)
            if not going.done():
                self._check_guard()
                raise Obstacle("the page crashed the browser's tab" if self._crashed.is_set() else _BROKEN_OFF)
            self._response = going.result() or self._response
            self._ended = True
        except PlaywrightTimeout:
            raise self.late() from None
        except PlaywrightError as error:
            raise self._navigation_error(error) from None
        finally:
            for task in (going, *ends):
                task.cancel()
            await asyncio.gather(going, *ends, return_exceptions=True)
        self._check_answer()
        if self._broken_off.is_set():
            raise Obstacle(_BROKEN_OFF)

    def _check_answer(self) -> None:
        self._check_guard()
        response = self._response
        if response is None:
            raise NotAPage("The URL answers with nothing that can be shown.")
        if "proxy-status" in response.headers and response.headers["proxy-status"].startswith("accepted-guard;"):
            raise Obstacle("no connection from the browser")
        kind = response.headers.get("content-type", "text/html").split(";")[0].strip().lower()
        if response.status == 200 and kind not in HTML_TYPES:
            raise NotAPage(f"The URL answers with {kind}, which is not a web page.")

    def _check_guard(self) -> None:
        if self._guard.exceeded:
            raise TooLarge(f"The page loads more than {self._settings.browser_max_bytes / 2**20:.3g} MiB.")
        parts = urlsplit(self._target)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        for refusal in self._guard.refusals:
            if (refusal.host, refusal.port) == (parts.hostname, port):
                raise PrivateAddress(
                    f"{self._target} ({refusal.address}) is refused because it {refusal.reason}; "
                    "use a public address, or put your own test site on the allow-list."
                )

    def _navigation_error(self, error: PlaywrightError) -> Exception:
        try:
            self._check_guard()
        except (TooLarge, PrivateAddress) as known:
            return known
        text = _first_line(error)
        if "ERR_TOO_MANY_REDIRECTS" in text:
            return BadRedirect("The page redirects too many times.")
        if "Download is starting" in text or (self._response is not None and "ERR_ABORTED" in text):
            return NotAPage("The URL answers with a file to download, not with a web page.")
        return Obstacle(f"no page in the browser ({text})")

    async def _come_to_rest(self) -> None:
        settle = self._settings.browser_settle
        with suppress(PlaywrightTimeout):
            await self._page.wait_for_load_state("networkidle", timeout=settle * 1000)
        # A navigation takes the world away in which this waits; then the new page is waited for.
        with suppress(PlaywrightError):
            await self._evaluate(_SETTLE % (_QUIET * 1000, settle * 1000))

    async def _read(self) -> Fetched:
        for _ in range(5):
            try:
                await self._page.wait_for_load_state("domcontentloaded")
                html = await self._evaluate(_READ % self._settings.max_page_bytes)
                break
            except PlaywrightError:
                if self._crashed.is_set() or self._page.is_closed():
                    raise
        else:
            raise Obstacle("the page does not stop going elsewhere")
        self._check_answer()
        if html is None:
            raise TooLarge(f"The page is larger than {self._settings.max_page_bytes / 2**20:.3g} MiB.")
        check_text(str(html))
        response = self._response
        status, headers = (response.status, response.headers) if response else (200, {})
        return Fetched(self._page.url.partition("#")[0], status, headers, str(html))

    async def _evaluate(self, expression: str) -> Any:
        answer = await self._cdp.send(
            "Runtime.evaluate",
            {
                "expression": expression,
                "contextId": await self._world(),
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        return answer["result"].get("value")

    async def _world(self) -> int:
        tree = await self._cdp.send("Page.getFrameTree")
        world = await self._cdp.send("Page.createIsolatedWorld", {"frameId": tree["frameTree"]["frame"]["id"]})
        return int(world["executionContextId"])

    def _on_request(self, request: Request) -> None:
        if request.is_navigation_request() and _frame(request) is self._page.main_frame:
            self._target = request.url

    def _on_failure(self, request: Request) -> None:
        mine = request.is_navigation_request() and _frame(request) is self._page.main_frame
        # ERR_ABORTED is a navigation that gave way to the next one.
        if mine and "ERR_ABORTED" not in (request.failure or ""):
            self._broken_off.set()

    def _on_response(self, response: Response) -> None:
        request = response.request
        if request.is_navigation_request() and _frame(request) is self._page.main_frame:
            self._response = response


class _Engine:
    """The browser's processes: Playwright's driver and Chromium."""

    def __init__(self, playwright: Playwright, chromium: Chromium, pid: int) -> None:
        self._playwright = playwright
        self._chromium = chromium
        self._pid = pid

    @classmethod
    async def start(cls, settings: PreviewSettings) -> Self:
        """BrowserUnavailable when there is no browser, or it does not start."""
        path = find_browser(settings.browser_path)
        if path is None:
            wanted = f"{settings.browser_path} cannot be run" if settings.browser_path else "none was found on PATH"
            raise BrowserUnavailable(f"The browser tier needs Chromium or Chrome, and {wanted}. {_HOW_TO_INSTALL}")
        sandbox = os.geteuid() != 0 if settings.browser_sandbox is None else settings.browser_sandbox
        playwright = await async_playwright().start()
        try:
            chromium = await playwright.chromium.launch(
                executable_path=path,
                args=list(_ARGS),
                chromium_sandbox=sandbox,
                timeout=settings.browser_start_timeout * 1000,
            )
            cdp = await chromium.new_browser_cdp_session()
            processes = (await cdp.send("SystemInfo.getProcessInfo"))["processInfo"]
        except PlaywrightError as error:
            await playwright.stop()
            raise BrowserUnavailable(f"{path} does not start: {_first_line(error)}.") from error
        except BaseException:
            await playwright.stop()
            raise
        return cls(playwright, chromium, next(int(each["id"]) for each in processes if each["type"] == "browser"))

    @property
    def connected(self) -> bool:
        return self._chromium.is_connected()

    @asynccontextmanager
    async def context(self, guard: GuardingProxy, settings: PreviewSettings) -> AsyncIterator[BrowserContext]:
        opening = asyncio.create_task(self._new_context(guard, settings))
        try:
            yield await asyncio.shield(opening)
        finally:
            # In a task of its own, because this one may be cancelled once more while it waits.
            await asyncio.shield(asyncio.create_task(self._dispose(opening)))

    async def _new_context(self, guard: GuardingProxy, settings: PreviewSettings) -> BrowserContext:
        version = self._chromium.version.split(".")[0]
        return await self._chromium.new_context(
            proxy={"server": guard.url, "username": guard.username, "password": guard.password},
            # A headless Chromium says so in its name, and many sites send such a one away unseen.
            user_agent=_USER_AGENT.format(version),
            extra_http_headers={"Accept-Language": settings.accept_language},
            locale=settings.accept_language.split(",")[0],
            accept_downloads=False,
            service_workers="block",
        )

    async def _dispose(self, opening: asyncio.Task[BrowserContext]) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await (await opening).close()
        except TimeoutError:
            # A page that cannot be closed would go on working for nobody.
            self._kill()
        except PlaywrightError:
            pass  # the browser is gone, and the context with it

    async def close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._chromium.close()
        except (TimeoutError, PlaywrightError):
            self._kill()
        finally:
            await self._playwright.stop()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)


def _over(starting: asyncio.Task[_Engine]) -> bool:
    if not starting.done():
        return False
    return starting.cancelled() or starting.exception() is not None or not starting.result().connected


def _frame(request: Request) -> Frame | None:
    try:
        return request.frame
    except PlaywrightError:
        return None  # a request that comes before its frame


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
