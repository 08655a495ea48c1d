from __future__ import annotations

from collections.abc import Iterator

import pytest
from served import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests of a module that do it no harm."""
    server = Server(tmp_path_factory.mktemp("data"))
    try:
        yield server.start()
    finally:
        server.clean_up()
