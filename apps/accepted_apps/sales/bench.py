"""What the analyses of one process share: the settings, the preview's engine, the language model, turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from accepted_apps.language_model import LanguageModel
from accepted_apps.preview.task import Warm
from accepted_apps.processes import Heard, Processes
from accepted_apps.sales.settings import SalesSettings

P = ParamSpec("P")
T = TypeVar("T")


class Bench:
    """Made with the application. warm: whose engine fetches, so that previews and analyses take turns at a host."""

    def __init__(self, settings: SalesSettings, warm: Warm, model: LanguageModel) -> None:
        self.settings = settings
        self.warm = warm
        self.model = model
        self._processes = Processes(settings.processes, memory=settings.memory)

    @property
    def judge(self) -> str:
        """Who judges here: the language model by its name, or `rules`."""
        return self.model.name if self.model.configured else "rules"

    async def work(
        self, function: Callable[Concatenate[Heard, P], T], heard: Heard, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What takes the processor, in a process of its own: as `Processes.call`."""
        return await self._processes.call(function, heard, *args, **kwargs)

    async def close(self) -> None:
        """Idempotent. The preview's engine and the model are whose they are."""
        await self._processes.close()
