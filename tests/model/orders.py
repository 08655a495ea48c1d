"""All that a model may answer to calls that meet: in any serial order, and going any way that is left open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from model.model import Model, outcome


@dataclass(frozen=True)
class Call:
    """A verb with its arguments. `about`: the job whose holder calls; his calls keep their order."""

    verb: str
    arguments: Sequence[Any] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    about: str | None = None


def outcomes(model: Model, calls: Sequence[Call]) -> Iterator[tuple[Model, list[Any]]]:
    """The model after the calls, and their answers; the model itself stays as it is."""
    for order in permutations(range(len(calls))):
        if not _keeps_each_callers_order(calls, order):
            continue
        script: list[int] | None = []
        while script is not None:
            trial = model.copy(script)
            answers: list[Any] = [None] * len(calls)
            for at in order:
                answers[at] = outcome(trial, calls[at].verb, calls[at].arguments, calls[at].keywords)
            yield trial, answers
            script = _next_script(trial.made)


def _keeps_each_callers_order(calls: Sequence[Call], order: Sequence[int]) -> bool:
    callers = {call.about for call in calls if call.about is not None}
    return all(sorted(mine) == mine for who in callers if (mine := [at for at in order if calls[at].about == who]))


def _next_script(made: Sequence[tuple[int, int]]) -> list[int] | None:
    """The ways to go next time; None: all have been gone."""
    for at in reversed(range(len(made))):
        chosen, ways = made[at]
        if chosen + 1 < ways:
            return [*(way for way, _ in made[:at]), chosen + 1]
    return None
