"""How long the machines run: shortly in each run of the tests, long in `make soak`."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings


def bounded(examples: int, steps: int, **more: Any) -> settings:
    """What fails is printed with its steps, and with a blob that repeats it under `@reproduce_failure`."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **more,
    )
