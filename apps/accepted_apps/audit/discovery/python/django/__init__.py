"""Django: URL patterns from the root on, views and their methods, REST framework routers, Ninja."""

from __future__ import annotations

from collections.abc import Iterable

from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.discovery.python.django.patterns import Reader
from accepted_apps.audit.discovery.python.program import Program
from accepted_apps.audit.model import Route


class Django:
    name = "Django"

    def discover(self, sources: SourceTree) -> Iterable[Route]:
        if not sources.mentioning("urlpatterns", "ROOT_URLCONF", "NinjaAPI", suffixes=(".py",)):
            return []
        return list(Reader(Program(sources)).routes())


discoverer = Django()
