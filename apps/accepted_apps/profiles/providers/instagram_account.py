"""Who asks Instagram: the session of an account, from a file or a password, or nobody."""

from __future__ import annotations

import os
import pickle
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from instaloader import exceptions

from accepted_apps.profiles.errors import LoginFailed, ProfilesError
from accepted_apps.profiles.settings import ProfilesSettings

from .instagram_errors import login_refused, says_later
from .instagram_pace import AccountPace

_SESSION_FILE: Final = "session-"
"""What Instaloader puts before the user's name."""


@dataclass(slots=True)
class Account:
    """One account in this process: its session, and the pace that all jobs share. user: "" for nobody.

    Hold `door` while `cookies` change, so that one job signs in and the others wait for it.
    """

    user: str
    pace: AccountPace
    cookies: dict[str, str] | None = None
    refusal: ProfilesError | None = None
    """Why Instagram has not taken the password; asking again would lock the account."""
    door: threading.Lock = field(default_factory=threading.Lock)

    def forget(self, ended: dict[str, str]) -> None:
        """Instagram has ended this session: the file is read anew, where another one may be."""
        with self.door:
            if _same(self.cookies, ended):
                self.cookies = None


_accounts: dict[tuple[object, ...], Account] = {}


def account_of(settings: ProfilesSettings) -> Account:
    """The account that these settings name; the same for all jobs of the process."""
    user = user_of(settings)
    key = (settings.instagram_url, user, settings.instagram_session, settings.instagram_pace, settings.instagram_gap)
    if key not in _accounts:
        _accounts[key] = Account(user, AccountPace(settings.instagram_pace, settings.instagram_gap))
    return _accounts[key]


def user_of(settings: ProfilesSettings) -> str:
    """Whose session it is: the setting, or the name in the file's name as Instaloader writes it."""
    name = Path(settings.instagram_session).name
    return settings.instagram_user or (name.removeprefix(_SESSION_FILE) if name.startswith(_SESSION_FILE) else "")


def can_sign_in(settings: ProfilesSettings) -> bool:
    """Whether there is a session or a password, and a name that it belongs to."""
    return bool(user_of(settings)) and bool(settings.instagram_session or settings.instagram_password)


def sign_in(account: Account, context: Any, settings: ProfilesSettings, ended: dict[str, str] | None = None) -> None:
    """Give the context the account's session: the one in memory, in the file, or a new one for the password.

    ended: the session that Instagram has ended, so that it is not taken again. In a thread. Raises LoginFailed; the
    library's own errors where Instagram refuses.
    """
    with account.door:
        if account.cookies is None:
            account.cookies = _read(settings)
        if account.cookies is None or _same(account.cookies, ended):
            account.cookies = _signed_in_anew(account, context, settings)
        context.load_session(account.user, dict(account.cookies))


def _signed_in_anew(account: Account, context: Any, settings: ProfilesSettings) -> dict[str, str]:
    if not settings.instagram_password:
        raise LoginFailed(
            "There is no Instagram session: make one with `instaloader --login NAME`, and name its file in "
            "profiles.instagram_session."
        )
    if account.refusal is not None:
        raise type(account.refusal)(account.refusal.message)
    try:
        context.login(account.user, settings.instagram_password)
    except exceptions.LoginException as error:
        if not says_later(error):
            account.refusal = login_refused(error, account.user)
        raise
    cookies: dict[str, str] = context.save_session()
    _write(settings, cookies)
    return cookies


def _same(one: dict[str, str] | None, other: dict[str, str] | None) -> bool:
    """Whether they are one session; Instagram changes the other cookies as it likes."""
    return one is not None and other is not None and one.get("sessionid") == other.get("sessionid")


class _Cookies(pickle.Unpickler):
    """Reads what Instaloader writes, names and values, and refuses whatever else a pickle can do."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        raise pickle.UnpicklingError(f"a session file holds no {module_name}.{global_name}")


def _read(settings: ProfilesSettings) -> dict[str, str] | None:
    """The cookies of the file; None where there is no file, and a password instead."""
    if not settings.instagram_session:
        return None
    try:
        with Path(settings.instagram_session).open("rb") as file:
            cookies = _Cookies(file).load()
    except FileNotFoundError:
        return None
    except (OSError, pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, UnicodeError) as error:
        raise LoginFailed(
            "The file that profiles.instagram_session names is no Instaloader session that can be read: make a new "
            "one with `instaloader --login NAME`.",
        ) from error
    if not isinstance(cookies, dict) or not cookies.get("sessionid") or "csrftoken" not in cookies:
        raise LoginFailed(
            "The file that profiles.instagram_session names holds no session of a signed-in user: make a new one with "
            "`instaloader --login NAME`.",
        )
    return {str(name): str(value) for name, value in cookies.items()}


def _write(settings: ProfilesSettings, cookies: dict[str, str]) -> None:
    """Keep a new session for the next start, where a file is named; for its owner's eyes only."""
    if not settings.instagram_session:
        return
    path = Path(settings.instagram_session)
    new = path.with_name(f"{path.name}.new")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        pickle.dump(cookies, file)
    new.replace(path)
