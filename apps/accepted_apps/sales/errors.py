"""Everything that can keep a product from being analysed, in the words of the person who asked for it."""

from __future__ import annotations

from typing import Any

from accepted_apps.errors import ApplicationError


class SalesError(ApplicationError):
    """Something of the analysis that did not work. Where a field is wrong, the message begins with its name, and `said`
    does not."""

    code = "sales_error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message, field=field)
        self.said = message


class BadProduct(SalesError):
    """What was given is no ASIN, and no address of a product page."""

    code = "bad_product"


class BadMarketplace(SalesError):
    """The marketplace is none of those that are known."""

    code = "bad_marketplace"


class BadExport(SalesError):
    """A file cannot be read as a keyword export; the message says what is wrong with it."""

    code = "bad_export"


class ExportTooLarge(BadExport):
    """A file holds more than the settings allow: bytes, rows or columns."""

    code = "export_too_large"


class NoKeywordColumn(BadExport):
    """No column of the file holds keyword phrases. `headers`: those that were seen."""

    code = "no_keyword_column"

    def __init__(self, message: str, *, field: str | None = None, headers: tuple[str, ...] = ()) -> None:
        super().__init__(message, field=field)
        self.headers = headers


class NoKeywords(BadExport):
    """The file has the columns, and no row with a keyword phrase."""

    code = "no_keywords"


class ListingUnavailable(SalesError):
    """The product page could not be read.

    `code` is the preview's (`not_found`, `blocked`, `captcha`, `robots_refused`, `address_refused` …), or
    `not_a_product` where the page is none. cost: what was spent nevertheless, in US dollars; escalation_log: on what.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        url: str,
        retryable: bool = False,
        cost: float = 0.0,
        escalation_log: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.url = url
        self.retryable = retryable
        self.cost = cost
        self.escalation_log = escalation_log or []
