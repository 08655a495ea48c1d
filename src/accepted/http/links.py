"""Where things are, as this client sees it: below a mount, an include prefix, a proxy's root path."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote


class Links:
    """Paths of the API for one request. `base` is everything before `/jobs`, `/tasks` …: "/v1", "/sub/v1".

    Paths, not whole URLs: nothing that a client sends (Host, X-Forwarded-…) gets into them.
    """

    __slots__ = ("base",)

    def __init__(self, base: str) -> None:
        self.base = base

    def job(self, job_id: str) -> str:
        return f"{self.base}/jobs/{job_id}"

    def artifact(self, job_id: str, name: str) -> str:
        return f"{self.base}/jobs/{job_id}/artifacts/{quote(name, safe='')}"

    def task(self, name: str) -> str:
        return f"{self.base}/tasks/{quote(name, safe='')}"

    def webhook(self, webhook_id: str) -> str:
        return f"{self.base}/webhooks/{webhook_id}"

    def of_job(self, job_id: str) -> dict[str, str]:
        """The member `links` of a job."""
        own = self.job(job_id)
        return {
            "self": own,
            "events": own + "/events",
            "result": own + "/result",
            "cancel": own + "/cancel",
            "retry": own + "/retry",
            "ws": self.base + "/ws",
        }


def links_here(scope: Mapping[str, Any], depth: int) -> Links:
    """For a request to one of the API's own routes, whose path has `depth` segments below the base."""
    return Links(_safe(outer_path(scope).rsplit("/", depth)[0]))


def links_at(scope: Mapping[str, Any], prefix: str) -> Links:
    """For a request to some other route of the application whose API stands at `prefix` below its root."""
    return Links(_safe(str(scope.get("root_path", "")).rstrip("/") + prefix))


def outer_path(scope: Mapping[str, Any]) -> str:
    """The whole path as the client sees it. Some servers leave the root path out of `path`, some do not."""
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    if root and path != root and not path.startswith(root + "/"):
        return root + path
    return path


@lru_cache(maxsize=256)
def _safe(path: str) -> str:
    """Percent-encoded again, for it was decoded on its way here; and never the `//host` of another server."""
    if path.startswith("//"):
        path = "/" + path.lstrip("/")
    return quote(path, safe="/:@!$&'()*+,;=~") if path else ""
