"""The type, the vault and the redactor by themselves."""

from __future__ import annotations

import base64
import copy
import json
import logging
import os
import pickle
import stat
import subprocess
import sys
import urllib.parse
from pathlib import Path
from typing import Annotated, Any

import pydantic
import pytest
from fastapi import FastAPI
from helpers import wait_until

from accepted import Fail, Jobs, Secret
from accepted.errors import ConfigurationError, InvalidInput
from accepted.http.idempotency import Claim
from accepted.redaction import LogFilter, Redactor
from accepted.secret import MASK, UnreadableSecret, Vault, make_vault

PLAIN = "Tr0ub4dor&3 \"'\\ /+%é"


class Login(pydantic.BaseModel):
    user: str
    password: Secret[str]


def vault(key: bytes = b"k" * 32) -> Vault:
    return make_vault(base64.b64encode(key).decode(), None)


def redactor(*values: Any) -> Redactor:
    return Redactor([Secret(value) for value in values], salt=b"salt")


# ── the type ─────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_but_asking_for_it_shows_the_value() -> None:
    secret = Secret(PLAIN)
    login = Login(user="ann", password=secret)
    shown = (
        *(repr(secret), str(secret), f"{secret:>30}", "{} {!r}".format(*[secret] * 2), repr([secret]), repr(login)),
        *(login.model_dump_json(), str(login.model_dump()), json.dumps(login.model_dump(mode="json"))),
    )
    assert all(MASK in text and PLAIN not in text and "Tr0ub" not in text for text in shown)
    assert secret.get_secret_value() == PLAIN
    assert copy.deepcopy(secret) is secret
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


def test_equal_to_an_equal_secret_and_to_nothing_else() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret(3) == Secret(3)
    assert hash(Secret("a")) == hash(Secret("b")), "a hash of the value would tell something about it"


def test_the_schema_says_that_it_is_a_password() -> None:
    async def sync(
        password: Secret[str], pin: Secret[int] | None = None, login: Secret[Login] | None = None, plain: Login = ...
    ) -> None: ...

    properties = Jobs("sqlite://:memory:").task(sync).schemas()[0]["properties"]
    assert properties["password"] == {
        "type": "string",
        "format": "password",
        "writeOnly": True,
        "title": "Password",
    }
    assert {"type": "integer", "writeOnly": True} in properties["pin"]["anyOf"]
    assert {"allOf": [{"$ref": "#/$defs/Login"}], "writeOnly": True} in properties["login"]["anyOf"]


async def nested(
    one: Secret[str],
    none: Secret[str] | None,
    some: list[Secret[str]],
    login: Login,
    whole: Secret[Login],
    raw: Secret[bytes],
    number: Secret[int],
    plain: str,
    default: Secret[str] = Secret("by default"),  # noqa: B008  it cannot be changed
) -> None: ...


GIVEN = {
    "one": "secret-1",
    "none": None,
    "some": ["secret-2", "secret-3"],
    "login": {"user": "ann", "password": "secret-4"},
    "whole": {"user": "secret-5", "password": "secret-6"},
    "raw": "secret-7",
    "number": 1234567,
    "plain": "visible",
}


def test_secrets_are_stored_encrypted_wherever_they_stand_and_read_back_as_they_were() -> None:
    task = Jobs("sqlite://:memory:").task(nested)
    values = task.validate_json(json.dumps(GIVEN).encode())
    stored = task.dump_arguments(values, "ann")
    assert b"secret-" not in stored
    assert b"1234567" not in stored
    assert b"by default" not in stored
    assert json.loads(stored)["plain"] == "visible"
    opened, redactor = task.open_arguments(stored, owner="ann", job_id="1")
    assert opened == values
    assert opened["whole"].get_secret_value().password.get_secret_value() == "secret-6"
    assert opened["raw"].get_secret_value() == b"secret-7"
    for number in range(1, 8):
        assert redactor.text(f"it is secret-{number}!") == f"it is {MASK}!"
    assert task.secrets == {"one", "none", "some", "login", "whole", "raw", "number", "default"}


def test_sent_text_cannot_pass_for_a_stored_secret() -> None:
    task = Jobs("sqlite://:memory:").task(nested)
    stored = task.dump_arguments(task.validate(GIVEN), "ann")
    with pytest.raises(InvalidInput) as caught:
        task.validate_json(stored)
    assert {"#/one", "#/some/0", "#/login/password"} <= {one["pointer"] for one in caught.value.errors}


def too_weak(value: str) -> str:
    raise ValueError(f"{value} is too weak")


async def strict(password: Secret[Annotated[str, pydantic.AfterValidator(too_weak)]]) -> None: ...


def test_what_does_not_fit_is_not_repeated() -> None:
    with pytest.raises(InvalidInput, match="the value of this secret does not fit") as caught:
        Jobs("sqlite://:memory:").task(strict).validate({"password": PLAIN})
    assert "Tr0ub" not in str(caught.value.errors)
    assert caught.value.errors[0]["pointer"] == "#/password"


async def returns_a_secret() -> Secret[str]:
    return Secret("x")


async def returns_one_inside() -> list[Login]:
    return []


@pytest.mark.parametrize("function", [returns_a_secret, returns_one_inside])
def test_a_result_that_would_hold_one_is_refused_when_the_task_is_made(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="its result holds a Secret"):
        Jobs("sqlite://:memory:").task(function)


async def login_endpoint(login: Login) -> None: ...


def test_an_endpoint_with_one_is_refused_because_frameworks_repeat_what_they_got() -> None:
    jobs = Jobs("sqlite://:memory:")
    with pytest.raises(ConfigurationError, match="parameter 'login' holds a Secret"):
        FastAPI().post("/login")(jobs.endpoint(login_endpoint))


def test_a_limit_cannot_have_one_as_its_key() -> None:
    jobs = Jobs("sqlite://:memory:")
    with pytest.raises(ConfigurationError, match="key"):
        jobs.task(key="one", per_key=1)(nested)


def test_without_cryptography_the_task_is_refused_with_what_to_install() -> None:
    code = """if True:
        import sys
        sys.modules["cryptography"] = None
        from accepted import Jobs, Secret
        jobs = Jobs("sqlite://:memory:")
        def sync(password: Secret[str]) -> None: ...
        jobs.task(sync)
    """
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "task 'sync': a Secret needs encryption: pip install 'accepted[secrets]'" in ended.stderr


# ── the vault ────────────────────────────────────────────────────────────────────────────────────────


def test_equal_secrets_stay_equal_within_task_and_owner_only() -> None:
    sealed = vault().seal(b'"x"', "sync", "ann")
    assert sealed == vault().seal(b'"x"', "sync", "ann")
    assert len({sealed, vault().seal(b'"x"', "sync", "bob"), vault().seal(b'"x"', "other", "ann")}) == 3
    assert vault().open(sealed, "sync", "ann") == b'"x"'


@pytest.mark.parametrize(
    ("key", "scope", "change"),
    [
        (b"l" * 32, ("sync", "ann"), lambda sealed: sealed),
        (b"k" * 32, ("sync", "bob"), lambda sealed: sealed),
        (b"k" * 32, ("sync", "ann"), lambda sealed: sealed[:-4]),
        (b"k" * 32, ("sync", "ann"), lambda sealed: "v2." + sealed),
        (b"k" * 32, ("sync", "ann"), lambda sealed: ""),
    ],
    ids=["other key", "other owner", "cut", "newer", "empty"],
)
def test_what_was_sealed_otherwise_cannot_be_opened(key: bytes, scope: tuple[str, ...], change: Any) -> None:
    sealed = vault().seal(b'"x"', "sync", "ann")
    with pytest.raises(UnreadableSecret):
        vault(key).open(change(sealed), *scope)


@pytest.mark.parametrize("key", ["short", base64.b64encode(b"k" * 31).decode(), "é" * 50])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError, match="secret_key: expected at least 32 random bytes in base64") as caught:
        Jobs("sqlite://:memory:", secret_key=key).task(nested)
    assert key not in str(caught.value)


def test_the_key_file_is_for_its_owner_only_and_beside_the_database(tmp_path: Path) -> None:
    first = make_vault("", tmp_path / "jobs.db").key
    path = tmp_path / "jobs.db-secret-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert make_vault("", tmp_path / "jobs.db").key == first
    assert len(first) == 32
    path.write_text("")
    with pytest.raises(ConfigurationError, match="this key file is damaged"):
        _ = make_vault("", tmp_path / "jobs.db").key
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigurationError, match=r"cannot be used \(Is a directory\); set secret_key"):
        _ = make_vault("", tmp_path / "jobs.db").key


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    code = """if True:
        import pathlib, sys
        from accepted.secret import make_vault
        vault = make_vault("", pathlib.Path(sys.argv[1]))
        print("ready", flush=True)
        sys.stdin.readline()
        print(vault.key.hex())
    """
    together = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "jobs.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in together:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in together:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert len({process.communicate()[0] for process in together}) == 1


def test_the_fingerprint_of_a_request_with_secrets_is_keyed_and_of_its_owner_alone() -> None:
    body = [b'{"password":"1234"}']

    def fingerprint(scope: str, vault: Vault | None) -> str:
        return Claim(scope, "key").of_body(body, kept=1, vault=vault).fingerprint

    assert fingerprint("r|ann", vault()) == fingerprint("r|ann", vault())
    different = [("r|ann", vault()), ("r|bob", vault()), ("r|ann", vault(b"l" * 32)), ("r|ann", None)]
    assert len({fingerprint(*one) for one in different}) == 4


# ── redaction ────────────────────────────────────────────────────────────────────────────────────────

FORMS = {
    "plain": PLAIN,
    "repr": repr(PLAIN),
    "bytes": repr(PLAIN.encode()),
    "JSON": json.dumps(PLAIN),
    "JSON in UTF-8": json.dumps(PLAIN, ensure_ascii=False),
    "JSON in JSON": json.dumps(json.dumps({"p": PLAIN})),
    "repr in JSON": json.dumps(repr(PLAIN), ensure_ascii=False),
    "path": urllib.parse.quote(PLAIN),
    "query": urllib.parse.urlencode({"p": PLAIN}),
    "lower case": urllib.parse.quote(PLAIN, safe="").lower().replace("tr0", "Tr0"),
    "hexadecimal": PLAIN.encode().hex(),
    **{f"Basic, {len(user)}": base64.b64encode(f"{user}:{PLAIN}".encode()).decode() for user in ("me", "ann", "lisa")},
    "URL-safe base64": base64.urlsafe_b64encode(PLAIN.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_found_in_the_forms_that_libraries_give_it(form: str) -> None:
    known = redactor(PLAIN)
    assert MASK in known.text(f"before {form} after")
    assert known.text(f"before {form} after").startswith("before ")
    assert MASK.encode() in known.raw(form.encode())
    assert known.data({"x": [{form: [form]}]}) == {"x": [{known.text(form): [known.text(form)]}]}
    with pytest.raises(Fail, match="the result of 'x' holds the value of a secret argument"):
        known.refuse("the result of 'x'", form.encode())


def test_short_secrets_are_not_looked_for_and_other_values_stay_what_they_are() -> None:
    known = redactor("abc", 98765, True, None, {"pin": "4321-8", "ok": False})
    assert known.data({"a": "abc", "n": 98765, "p": ["4321-8"], "t": True, "z": None, "f": 1.5}) == {
        "a": "abc",
        "n": MASK,
        "p": [MASK],
        "t": True,
        "z": None,
        "f": 1.5,
    }


def test_the_lines_of_a_secret_are_found_when_a_traceback_indents_them() -> None:
    known = redactor("-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n")
    group = ExceptionGroup("two", [ValueError("bad key:\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF")])
    assert "MIIEvQIBADANBg" not in known.trace(group)
    assert "kqhkiG9w0BAQEF" not in known.trace(group)


def test_a_file_that_holds_one_is_refused(tmp_path: Path) -> None:
    clean, dirty, empty = (tmp_path / name for name in ("clean", "dirty", "empty"))
    clean.write_bytes(b"x" * 100_000)
    dirty.write_bytes(b"x" * 100_000 + PLAIN.encode("utf-16-le"))
    empty.touch()
    known = redactor(PLAIN)
    for path in (clean, empty):
        known.refuse("the artifact", path)
    with pytest.raises(Fail, match="the artifact holds"):
        known.refuse("the artifact", dirty)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_output_in_pieces_is_passed_on_whole_without_the_secret(size: int, tmp_path: Path) -> None:
    text = f"a {PLAIN[:5]} b {PLAIN}{PLAIN} c {PLAIN[:-1]}{PLAIN} d {PLAIN[:4]}".encode()
    read, write = os.pipe()
    with (tmp_path / "out").open("wb") as out:
        redactor(PLAIN, "dor&").pass_on(os.fdopen(read, "rb", buffering=0), out.fileno())
        for at in range(0, len(text), size):
            os.write(write, text[at : at + size])
        os.close(write)
        cut = PLAIN[:-1].replace("dor&", MASK)
        expected = f"a {PLAIN[:5]} b {MASK}{MASK} c {cut}{MASK} d {PLAIN[:4]}"
        await wait_until(lambda: (tmp_path / "out").read_text().endswith(PLAIN[:4]))
    assert (tmp_path / "out").read_text() == expected


def test_log_lines_lose_what_a_running_attempt_must_not_say(caplog: pytest.LogCaptureFixture) -> None:
    known = redactor(PLAIN)
    try:
        raise ValueError(PLAIN)
    except ValueError as error:
        record = logging.LogRecord("x", 20, "x.py", 1, "with %s", (PLAIN,), (ValueError, error, None))
    record.user = f"ann:{PLAIN}"
    assert LogFilter().filter(record)
    line = logging.Formatter("%(message)s %(user)s").format(record)
    assert "Tr0ub" not in line
    assert line.startswith(f"with {MASK} ann:{MASK}\n")
    assert f"ValueError: {MASK}" in line
    assert known.text("kept until here") == "kept until here"
