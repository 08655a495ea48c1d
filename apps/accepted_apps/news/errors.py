"""Everything that can keep a source from being read, in the words of the person who asked for it."""

from __future__ import annotations

from accepted_apps.errors import ApplicationError


class NewsError(ApplicationError):
    """Something of the news application that did not work."""

    code = "news_error"


class BadUrl(NewsError):
    """Something is no http:// or https:// address that can be fetched."""

    code = "bad_url"


class BadSource(NewsError):
    """A source is described in a way that cannot be used; `field` names what is wrong."""

    code = "bad_source"


class BadOpml(NewsError):
    """A file is no OPML, or holds no source."""

    code = "bad_opml"


class FetchFailed(NewsError):
    """A page or a feed could not be fetched.

    `code` is the preview's (`not_found`, `blocked`, `robots_refused`, `address_refused` …), docs/news.md lists them;
    `cost`: what was spent on it nevertheless, in US dollars.
    retry_after: seconds that the site asks to wait, if it does.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        url: str,
        retryable: bool = False,
        retry_after: float | None = None,
        cost: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.url = url
        self.retry_after = retry_after
        self.cost = cost


class NotAFeed(NewsError):
    """What a feed's address answers with is no feed, and leads to none."""

    code = "not_a_feed"


class NoLinks(NewsError):
    """A homepage was read, and no link on it leads to an article."""

    code = "no_links"


class ToolFailed(NewsError):
    """The MCP server cannot be asked, or its tool answers with an error or with something that holds no articles."""

    code = "tool_failed"

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
