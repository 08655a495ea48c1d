"""Which providers can read what a URL asks for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Final

from accepted_apps.profiles.errors import ProviderNotConfigured
from accepted_apps.profiles.providers.base import Provider
from accepted_apps.profiles.settings import ProfilesSettings
from accepted_apps.profiles.urls import Network

_CLASSES: Final = {
    # Loaded when they are used: some bring large libraries along.
    "mastodon": "Mastodon",
    "bluesky": "Bluesky",
    "instaloader": "Instaloader",
    "apify": "Apify",
}


def provider_class(name: str) -> type[Provider]:
    """The provider of that name: `mastodon`, `bluesky`, `instaloader`, `apify`."""
    found: type[Provider] = getattr(import_module(f"{__package__}.{name}"), _CLASSES[name])
    return found


def names(network: Network, settings: ProfilesSettings) -> Sequence[str]:
    """The providers for a network, in the order in which they are tried."""
    return settings.instagram_providers if network == "instagram" else (network,)


def ready(network: Network, settings: ProfilesSettings) -> list[type[Provider]]:
    """Those that are configured, in that order. Raises ProviderNotConfigured saying what each of them lacks."""
    classes = [provider_class(name) for name in names(network, settings)]
    found = [one for one in classes if one.missing(settings) is None]
    if not found:
        lacks = " ".join(f"{one.label}: {one.missing(settings)}" for one in classes)
        raise ProviderNotConfigured(f"{network.capitalize()} cannot be read on this server. {lacks}".rstrip())
    return found
