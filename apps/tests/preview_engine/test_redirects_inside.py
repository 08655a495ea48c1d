"""Where a page sends the preview is judged like what the user asked for: every redirect, every form of an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from accepted_apps.preview.climb import Climber
from accepted_apps.preview.errors import PreviewError
from accepted_apps.preview.settings import PreviewSettings
from attacks.addresses import PRIVATE

from .conftest import Reports
from .servers import Site, redirect, reply

SettingsMaker = Callable[..., PreviewSettings]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_leads_inside(settings: SettingsMaker, status: int) -> None:
    """The inside listens, on the port that each of them names: nobody connects to it."""
    hosts = PRIVATE if status == 302 else PRIVATE[::8]
    asked: list[Any] = []
    secret = {"/": reply("<h1>secret</h1>")}
    async with Site(host="127.0.0.5") as site, Site(secret) as inside:
        async with Climber(settings()) as climber:
            for number, host in enumerate(hosts):
                bracketed = f"[{host}]" if host.count(":") > 1 and host[:1] != "[" else host
                to = f"http://{quote(bracketed, safe='[]:.%')}:{inside.port}/"
                site.routes[f"/{number}"] = redirect(to, status)
                with pytest.raises(PreviewError):
                    await climber.climb(f"{site.url}/{number}", 1, 1, report=Reports())
                asked += site.asked(f"/{number}")
        assert len(asked) == len(hosts)
        assert inside.connections == 0
