"""schemathesis against a real server: no 5xx, nothing that the OpenAPI document does not say, nothing accepted that it
forbids. What is looked at and what is left out, each with its reason: schemathesis.toml and hooks.py."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import HERE, Server, command, environment

CONFIG = Path(__file__).parent / "schemathesis.toml"


@pytest.fixture(params=["open", "keys"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    variables = {"ACCEPTED_AUTH": "keys"} if request.param == "keys" else {}
    server = Server(tmp_path / "data", target="contract.app:jobs", **variables)
    try:
        yield server.start()
    finally:
        server.clean_up()


def credentials(server: Server, data: Path) -> list[str]:
    """What schemathesis sends with each request, and takes away to see what happens."""
    if server.get("/v1/tasks").status_code == 200:
        return []
    made = subprocess.run(
        command("keys", "create", "tester", "--owner", "ann", "--data", str(data)),
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    (key,) = (line for line in made.stdout.split() if line.startswith("ak_"))
    return ["--header", f"Authorization: Bearer {key}"]


def run(server: Server, folder: Path, *options: str) -> None:
    """Raises AssertionError with what was found, and the seed that finds it again."""
    seed = random.randrange(2**32)
    words = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", f"{server.url}/openapi.json"),
        *("--checks", "all", "--request-timeout", "10", "--warnings", "off", "--seed", str(seed)),
        *options,
        *credentials(server, folder / "data"),
    ]
    found = subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, "PYTHONPATH": str(HERE)}
    )
    assert found.returncode == 0, f"seed {seed}\n{found.stdout[-30_000:]}{found.stderr[-5000:]}"
    assert "Stateful" in found.stdout
    assert server.get("/healthz").status_code == 200


def test_the_server_does_what_the_document_says(server: Server, tmp_path: Path) -> None:
    run(server, tmp_path, "--max-examples", "4")


@pytest.mark.soak
def test_the_server_does_what_the_document_says_for_long(server: Server, tmp_path: Path) -> None:
    run(server, tmp_path, "--max-time", "300", "--max-examples", "200")
