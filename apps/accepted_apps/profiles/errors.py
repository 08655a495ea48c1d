"""Everything that can keep a profile from being read, in the words of the person who asked for it."""

from __future__ import annotations

from accepted_apps.errors import ApplicationError


class ProfilesError(ApplicationError):
    """A profile that cannot be read."""

    code = "profiles_error"


class InvalidInput(ProfilesError):
    """A parameter is not usable; `field` names it. Nothing was fetched."""

    code = "invalid_input"


class AddressNotAllowed(ProfilesError):
    """The URL, or a redirect, leads to an address that is not on the public internet."""

    code = "address_refused"


class ProfileMissing(ProfilesError):
    """The network knows no such profile."""

    code = "profile_missing"


class ProfilePrivate(ProfilesError):
    """Only people whom its owner has accepted may see the profile."""

    code = "profile_private"


class ProfileSuspended(ProfilesError):
    """The network has closed the profile."""

    code = "profile_suspended"


class PostMissing(ProfilesError):
    """The post was deleted, or never was; or only some people may see it, which networks do not tell apart."""

    code = "post_missing"


class LoginNeeded(ProfilesError):
    """The network shows this to signed-in people only, and nobody is signed in here."""

    code = "login_needed"


class LoginFailed(ProfilesError):
    """The session, the token or the password that is configured is not taken."""

    code = "login_failed"


class AccountStopped(ProfilesError):
    """The network lets the account that is signed in here do nothing until its owner, or time, has settled it."""

    code = "account_stopped"


class PaymentNeeded(ProfilesError):
    """The account that would pay for the run has nothing left."""

    code = "payment_needed"


class RunFailed(ProfilesError):
    """The provider's own job failed, was aborted or ran out of time."""

    code = "run_failed"
    retryable = True


class RateLimited(ProfilesError):
    """The network asks for a longer pause than one attempt may wait; `retry_after` in seconds."""

    code = "rate_limited"
    retryable = True

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NetworkTrouble(ProfilesError):
    """No connection, none that lasted, or an error of the network's own (5xx)."""

    code = "network_trouble"
    retryable = True


class UnexpectedAnswer(ProfilesError):
    """The answer is not what this network answers: the host is another kind of site, or its API has changed."""

    code = "unexpected_answer"


class ProviderNotConfigured(ProfilesError):
    """No provider for this network is set up here; the message names the settings."""

    code = "provider_not_configured"
