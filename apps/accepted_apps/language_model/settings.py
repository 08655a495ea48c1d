"""Every setting of the language model, with unit and default: `ACCEPTED_LANGUAGE_MODEL_…`, or `[language_model]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accepted.errors import ConfigurationError
from accepted.settings import setting

Effort = Literal["", "none", "minimal", "low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelSettings:
    """Which model is asked, and within which bounds. Without `url` and `model`, none is."""

    url: str = setting("", "Base URL of an OpenAI-compatible API, such as https://api.openai.com/v1; empty: no model.")
    model: str = setting("", "Name of the model, as the API calls it.")
    key: str = setting("", "API key, sent in a header and nowhere else; empty: none is sent.", secret=True)
    key_header: str = setting(
        "Authorization", "Header of the key: Authorization carries it as a bearer token, any other as it is."
    )
    proxy: str = setting("", "Proxy through which the API is asked; empty: directly.", secret=True)

    price_input: float = setting(0.0, "What a million tokens of questions cost.", unit="US dollars")
    price_cached: float | None = setting(
        None, "What a million tokens cost that the API had in its cache; empty: as others.", unit="US dollars"
    )
    price_output: float = setting(0.0, "What a million tokens of answers cost.", unit="US dollars")

    effort: Effort = setting(
        "", "How much a reasoning model thinks: none, minimal, low, medium, high; empty: not said."
    )
    temperature: float | None = setting(None, "Temperature of the answers; empty: not said, as some models refuse any.")

    at_once: int = setting(4, "Questions that wait for their answers at once, of all jobs in the process.")
    timeout: float = setting(180.0, "One question, from the connection to the last byte of its answer.", unit="seconds")
    tries: int = setting(4, "How often one question is sent when the API is busy or does not answer.")
    longest_wait: float = setting(
        60.0, "The longest pause that the API may ask for; after a longer one the question fails.", unit="seconds"
    )
    answer_max: int = setting(8 * 1024 * 1024, "One answer.", unit="bytes")

    def __post_init__(self) -> None:
        if bool(self.url) != bool(self.model):
            missing = "model" if self.url else "url"
            raise ConfigurationError(f"language_model.{missing}: url and model are set together, or neither of them")
        if self.url and not self.url.lower().startswith(("http://", "https://")):
            raise ConfigurationError(f"language_model.url: expected a URL that begins with https://, got {self.url!r}")
        for name in ("at_once", "tries"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"language_model.{name}: expected a number ≥ 1, got {getattr(self, name)}")
        for name in ("price_input", "price_output", "price_cached"):
            if (getattr(self, name) or 0.0) < 0:
                raise ConfigurationError(f"language_model.{name}: expected a price ≥ 0, got {getattr(self, name):g}")
