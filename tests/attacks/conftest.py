"""One server for a file of tests: what an attack leaves behind must not trouble the next."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from attacks.scene import Scene, scene


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    settings = {"socket_auth": 1.0, "body_max": 100_000, "upload_max": 300_000, "owner_watchers_max": 20}
    async with scene(tmp_path_factory.mktemp("attacks"), **settings) as there:
        yield there
