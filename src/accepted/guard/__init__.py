"""The one guard against private addresses for everything that is fetched on a user's behalf.

    policy = AddressPolicy(allow=["127.0.0.1:8000"])      # the allow-list: one's own test site
    async with guarded_client(policy) as client:          # an httpx.AsyncClient
        await client.get(url)                             # AddressRefused, at every redirect
    async with GuardingProxy(policy) as proxy: ...        # the same for a browser

Only `AddressPolicy` and `AddressRefused` come without httpx installed; the rest needs it (`accepted[client]`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .addresses import Address, AddressPolicy, AddressRefused, Resolver

if TYPE_CHECKING:
    from .client import guarded_client
    from .dial import ProxyServer
    from .proxy import GuardingProxy, Refusal

__all__ = [
    "Address",
    "AddressPolicy",
    "AddressRefused",
    "GuardingProxy",
    "ProxyServer",
    "Refusal",
    "Resolver",
    "guarded_client",
]

_LATE = {
    "guarded_client": ".client",
    "ProxyServer": ".dial",
    "GuardingProxy": ".proxy",
    "Refusal": ".proxy",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name], __name__), name)
