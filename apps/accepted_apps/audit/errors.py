"""Everything that can keep a repository from being audited, in the words of the person who asked for it."""

from __future__ import annotations

from accepted_apps.errors import ApplicationError


class AuditError(ApplicationError):
    """Something of the audit that did not work."""

    code = "audit_error"


class NoSuchFolder(AuditError):
    """What is to be searched for routes is no folder."""

    code = "no_such_folder"


class InvalidInput(AuditError):
    """A parameter is not usable; `field` names it. Nothing was fetched."""

    code = "invalid_input"


class AddressNotAllowed(AuditError):
    """The repository, or a redirect, is at an address that is not on the public internet."""

    code = "address_refused"


class RepositoryMissing(AuditError):
    """The server has no such repository, or does not show it without a token."""

    code = "repository_missing"


class TokenRefused(AuditError):
    """The server does not take the token that was given."""

    code = "token_refused"


class BranchMissing(AuditError):
    """The repository has no such branch."""

    code = "branch_missing"


class RepositoryEmpty(AuditError):
    """The repository has no commit."""

    code = "repository_empty"


class RepositoryTooLarge(AuditError):
    """The repository goes beyond a bound; the message names the setting."""

    code = "repository_too_large"


class RepositoryTooSlow(AuditError):
    """Fetching or reading the repository took longer than a setting allows."""

    code = "repository_too_slow"
    retryable = True


class RepositoryTrouble(AuditError):
    """No connection to the server, none that lasted, or an error of the server's own."""

    code = "repository_trouble"
    retryable = True


class NotARepository(AuditError):
    """What answers is no git server, or what it sent is no git data."""

    code = "not_a_repository"


class SurveyFailed(AuditError):
    """The process that reads the repository died: out of memory, or killed."""

    code = "survey_failed"


class ReportUnreadable(AuditError):
    """The file is no report of a load test that is known here, or it names no request."""

    code = "report_unreadable"
