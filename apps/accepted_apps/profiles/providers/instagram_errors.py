"""What Instaloader's errors mean, in the words of the person who asked, or of whoever runs the server."""

from __future__ import annotations

import logging
from typing import Final

import requests
from instaloader import exceptions

from accepted_apps.profiles.errors import (
    AccountStopped,
    LoginFailed,
    LoginNeeded,
    NetworkTrouble,
    PostMissing,
    ProfileMissing,
    ProfilePrivate,
    ProfilesError,
    UnexpectedAnswer,
)

from .instagram_wire import Wire

log = logging.getLogger("accepted_apps.profiles")

SIGN_IN: Final = (
    "set profiles.instagram_session to the file of an Instaloader session, or profiles.instagram_user and "
    "profiles.instagram_password"
)
_NEW_SESSION: Final = "make a new one with `instaloader --login NAME`, and name its file in profiles.instagram_session"
_UNFIT = (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError, exceptions.BadResponseException)


class SessionEnded(LoginFailed):
    """Instagram has ended the session that was used."""


def profile_missing(name: str) -> ProfilesError:
    """There is no profile of this name."""
    return ProfileMissing(
        f"Instagram has no profile {name}: it was renamed or deleted, or the address has a slip in it."
    )


def post_missing(code: str) -> ProfilesError:
    """The post of this shortcode cannot be had."""
    return PostMissing(f"Instagram has no post {code} to show: it was deleted, or only some people may see it.")


def private(name: str, user: str) -> ProfilesError:
    """Only followers may see it."""
    who = f", and {user} is none of them" if user else ""
    return ProfilePrivate(f"The Instagram profile {name} is private: only its followers may see its posts{who}.")


def login_needed(what: str) -> ProfilesError:
    """Nobody is signed in here."""
    return LoginNeeded(f"Instagram shows {what} to signed-in people only: {SIGN_IN}.")


def is_refusal(error: BaseException, wire: Wire) -> bool:
    """Whether it means: too many requests."""
    return says_later(error) or (isinstance(error, exceptions.ConnectionException) and wire.status == 429)


def says_later(error: BaseException) -> bool:
    """Whether Instagram asks in words to wait."""
    return "wait a few minutes" in str(error)


def translated(error: BaseException, wire: Wire, *, user: str, what: str) -> ProfilesError:
    """The error for the user. what: what was asked for, such as `the profile ann`. user: who is signed in."""
    match error:
        case ProfilesError():
            return error
        case exceptions.ProfileNotExistsException():
            return profile_missing(what.removeprefix("the profile "))
        case exceptions.PrivateProfileNotFollowedException():
            return private(what.removeprefix("the profile "), user)
        case exceptions.LoginException():
            return login_refused(error, user)
        case exceptions.LoginRequiredException():
            return login_needed(what)
        case exceptions.AbortDownloadException():
            return _of_abort(error, wire, user)
        case exceptions.ConnectionException() | requests.exceptions.RequestException():
            return _of_connection(error, wire, user)
        case exceptions.QueryReturnedBadRequestException():
            return UnexpectedAnswer(
                f"Instagram refuses the question for {what}: its API has changed, and Instaloader here is too old."
            )
        case _ if isinstance(error, _UNFIT):
            log.warning("Instaloader does not understand the answer about %s", what, exc_info=error)
            return UnexpectedAnswer(
                f"Instagram's answer about {what} is not one that Instaloader here understands: a newer release of it, "
                "and of this application, may."
            )
        case _:
            raise error


def login_refused(error: exceptions.LoginException, user: str) -> ProfilesError:
    """Why a user may not sign in with a password."""
    said = str(error)
    if isinstance(error, exceptions.TwoFactorAuthRequiredException):
        return LoginFailed(f"Instagram asks {user} for a second factor, which nobody can give here: {_NEW_SESSION}.")
    if isinstance(error, exceptions.BadCredentialsException):
        return LoginFailed(f"Instagram does not take the password of {user}: correct profiles.instagram_password.")
    if "does not exist" in said:
        return LoginFailed(f"Instagram knows no user {user}: correct profiles.instagram_user.")
    if "heckpoint" in said:
        return _checkpoint(user)
    return LoginFailed(f"Instagram does not let {user} sign in with a password here: {_NEW_SESSION}.")


def _of_abort(error: exceptions.AbortDownloadException, wire: Wire, user: str) -> ProfilesError:
    said = str(error)
    if "feedback_required" in said:
        return AccountStopped(
            f"Instagram has stopped {user or 'this address'} for a while for asking too much (feedback_required): let "
            "it rest for a day, and lower profiles.instagram_pace."
        )
    if "checkpoint_required" in said or "challenge_required" in said:
        return _checkpoint(user)
    if wire.anonymous:
        # The library asks for profiles without the session, and takes the answer for the session's end.
        return LoginNeeded(
            "Instagram shows profiles to this server's address only after a login, for some hours at least: wait, or "
            "set HTTPS_PROXY to another way out."
        )
    return SessionEnded(f"Instagram has ended the session of {user}: {_NEW_SESSION}.")


def _checkpoint(user: str) -> ProfilesError:
    return AccountStopped(
        f"Instagram wants {user or 'the account'} to confirm who it is: open instagram.com in a browser, sign in as "
        "that user, follow what it asks, and make a new session."
    )


def _of_connection(error: Exception, wire: Wire, user: str) -> ProfilesError:
    if wire.status == 401:
        return SessionEnded(f"Instagram does not take the session of {user or 'nobody'}: {_NEW_SESSION}.")
    if wire.status is not None and wire.status >= 400:
        return NetworkTrouble(f"Instagram answers with an error of its own ({wire.status}): try again later.")
    if wire.late or isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        return NetworkTrouble(f"Instagram did not answer in {wire.timeout:g} s: try again later.")
    return NetworkTrouble(
        "Instagram cannot be reached, or breaks off: check this server's network, or try again later."
    )
