"""Repositories: how they may be written, what is fetched, and what a hostile one cannot do."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from accepted_apps.audit.errors import (
    AddressNotAllowed,
    AuditError,
    BranchMissing,
    InvalidInput,
    NotARepository,
    RepositoryEmpty,
    RepositoryMissing,
    RepositoryTooLarge,
    RepositoryTooSlow,
    RepositoryTrouble,
    TokenRefused,
)
from accepted_apps.audit.repository.fetch import fetch
from accepted_apps.audit.repository.place import parse_place
from accepted_apps.audit.repository.unpack import Limits, Unpacked, choose, is_safe, opened, unpack
from accepted_apps.audit.settings import AuditSettings
from accepted_apps.playground.audit import GitServer, make_repository
from accepted_apps.playground.audit.repositories import Files, Link, Submodule, commit_of
from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo

READERS = ["git", "dulwich"]
LIMITS = Limits(files=1000, total=10**7, one=10**6)
SETTINGS = AuditSettings()


# ── how a repository may be written ──


@pytest.mark.parametrize(
    ("given", "url", "branch"),
    [
        ("owner/repo", "https://github.com/owner/repo", ""),
        ("  owner/repo ", "https://github.com/owner/repo", ""),
        ("https://github.com/owner/repo", "https://github.com/owner/repo", ""),
        ("http://github.com/owner/repo/", "https://github.com/owner/repo", ""),
        ("https://www.github.com/owner/repo.git", "https://github.com/owner/repo.git", ""),
        ("github.com/owner/repo", "https://github.com/owner/repo", ""),
        ("https://github.com/owner/repo/tree/feature/x", "https://github.com/owner/repo", "feature/x"),
        ("https://github.com/owner/repo/blob/main/a.py", "https://github.com/owner/repo", "main"),
        ("git@github.com:owner/repo.git", "https://github.com/owner/repo.git", ""),
        ("https://gitlab.com/group/sub/repo", "https://gitlab.com/group/sub/repo", ""),
        ("https://gitlab.com/group/sub/repo/-/tree/dev", "https://gitlab.com/group/sub/repo", "dev"),
        ("https://git.example.com:8443/repo.git", "https://git.example.com:8443/repo.git", ""),
    ],
)
def test_what_a_person_may_write(given: str, url: str, branch: str) -> None:
    place = parse_place(given, "", SETTINGS)
    assert (place.url, place.branch) == (url, branch)
    assert place.repo == "repo"


@pytest.mark.parametrize(
    "given",
    [
        "", "repo", "a/b/c", "../x", "a/..", "/etc/passwd", "~/x", "file:///etc", "ext::sh -c id", "ssh://h/a/b", "git://h/a",
        "ftp://h/a/b", "http://example.com/a/b", "https://u:p@github.com/a/b", "https://github.com/a", "https://github.com",
        "https://github.com/a/b/c", "https://[::1", "https://x.test/a/..%2f..%2fb", "a b/c", "x/\ny", "x" * 3000,
        "--upload-pack=id", "https://x.test/%00a/b",
    ],
)  # fmt: skip
def test_what_is_refused_before_anything_is_asked(given: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_place(given, "", SETTINGS)
    assert refused.value.field == "github_repo"
    assert refused.value.message.startswith("github_repo ")


@pytest.mark.parametrize(
    "branch", ["-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "x.lock", "/a", "a/", "@{u}", "a\\b", "a\n"]
)
def test_names_that_no_branch_has(branch: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_place("a/b", branch, SETTINGS)
    assert refused.value.field == "branch"


def test_paths_of_this_machine_are_on_a_list(tmp_path: Path) -> None:
    inside, outside = tmp_path / "allowed" / "repo", tmp_path / "secret"
    inside.mkdir(parents=True)
    outside.mkdir()
    (tmp_path / "allowed" / "link").symlink_to(outside)
    settings = AuditSettings(local_repositories=(str(tmp_path / "allowed"),))
    assert parse_place(str(inside), "", settings).path == str(inside)
    refused = set()
    for path in (outside, tmp_path / "allowed" / "link", tmp_path / "allowed/../secret", tmp_path / "nothing"):
        with pytest.raises(InvalidInput) as error:
            parse_place(str(path), "", settings)
        refused.add(error.value.message)
    assert len(refused) == 1, "whether a path exists is not told"
    with pytest.raises(InvalidInput):
        parse_place(str(inside), "", SETTINGS)


# ── fetching ──


async def fetched(git: GitServer, tmp_path: Path, name: str, branch: str = "", token: str = "", **more: Any) -> Any:
    settings = AuditSettings(**{"allow": (git.address,), "github_url": git.url, **more})
    return await fetch(parse_place(name, branch, settings), token or None, tmp_path, settings)


async def test_one_commit_of_the_default_branch_comes(git: GitServer, tmp_path: Path) -> None:
    found = await fetched(git, tmp_path, "shop/fastapi")
    assert found.branch == "main"
    assert found.size == found.pack.stat().st_size > 100
    with Repo(str(git.repositories["shop/fastapi"])) as repo:
        assert repo.refs[b"refs/heads/main"].decode() == found.commit  # type: ignore[index]


async def test_private_addresses_are_refused(git: GitServer, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="https"):
        await fetched(git, tmp_path, f"{git.url}/shop/fastapi", allow=())
    with pytest.raises(AddressNotAllowed, match="loopback"):
        await fetched(git, tmp_path, f"https://{git.address}/shop/fastapi", allow=())
    with pytest.raises(AddressNotAllowed):
        await fetched(git, tmp_path, "https://169.254.169.254/a/b", allow=())
    assert git.visits == []


async def test_a_redirect_to_a_private_address_is_refused(git: GitServer, tmp_path: Path) -> None:
    git.moved["shop/fastapi"] = "http://127.0.0.2:9/internal"
    with pytest.raises(AddressNotAllowed, match=r"127\.0\.0\.2"):
        await fetched(git, tmp_path, "shop/fastapi")


async def test_a_renamed_repository_is_found(git: GitServer, tmp_path: Path) -> None:
    git.moved["old/name"] = "shop/fastapi"
    assert (await fetched(git, tmp_path, "old/name")).branch == "main"
    git.moved["a/round"] = "a/round"
    with pytest.raises(RepositoryTrouble, match="circles"):
        await fetched(git, tmp_path, "a/round")


async def test_a_token_opens_a_private_repository_and_goes_nowhere_else(git: GitServer, tmp_path: Path) -> None:
    git.private["shop/fastapi"] = "ghp_right"
    with pytest.raises(RepositoryMissing, match="send a token"):
        await fetched(git, tmp_path, "shop/fastapi")
    with pytest.raises(TokenRefused) as refused:
        await fetched(git, tmp_path, "shop/fastapi", token="ghp_wrong")
    assert "ghp_" not in str(refused.value)
    assert (await fetched(git, tmp_path, "shop/fastapi", token="ghp_right")).branch == "main"
    other = GitServer(git.repositories, host="127.0.0.2").start()
    try:
        git.moved["shop/express"] = f"{other.url}/shop/express"
        allowed = (git.address, other.address)
        assert (await fetched(git, tmp_path, "shop/express", token="ghp_right", allow=allowed)).branch == "main"
        assert {visit.authorization for visit in other.visits} == {""}
    finally:
        other.close()
    shown = [base64.b64decode(one.authorization.partition(" ")[2]).decode() for one in git.visits if one.authorization]
    assert "x-access-token:ghp_right" in shown


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, RepositoryMissing), (500, RepositoryTrouble), (429, RepositoryTrouble), (418, NotARepository)],
)
async def test_what_servers_answer_instead(status: int, kind: type[AuditError], git: GitServer, tmp_path: Path) -> None:
    git.trouble["shop/fastapi"] = status
    with pytest.raises(kind, match=str(status)):
        await fetched(git, tmp_path, "shop/fastapi")


async def test_bounds_of_fetching(git: GitServer, tmp_path: Path) -> None:
    with pytest.raises(RepositoryTooLarge, match="clone_bytes"):
        await fetched(git, tmp_path, "shop/fastapi", clone_bytes=500)
    with pytest.raises(RepositoryTooLarge, match="refs_bytes"):
        await fetched(git, tmp_path, "shop/fastapi", refs_bytes=50)
    git.held.add("shop/fastapi")
    with pytest.raises(RepositoryTooSlow, match="clone_timeout"):
        await fetched(git, tmp_path, "shop/fastapi", clone_timeout=0.3)


async def test_a_repository_without_a_commit(git: GitServer, tmp_path: Path) -> None:
    empty = GitServer({"a/empty": make_repository(tmp_path / "empty", {})}).start()
    try:
        with pytest.raises(RepositoryEmpty):
            await fetched(empty, tmp_path, "a/empty")
    finally:
        empty.close()


# ── unpacking: the same by both readers ──


def unpacked(tmp_path: Path, files: Files, by: str, limits: Limits = LIMITS) -> tuple[Path, Unpacked]:
    source = make_repository(tmp_path / "source", {"main": files})
    return of_local(source, tmp_path, by, limits)


def of_local(source: Path, tmp_path: Path, by: str, limits: Limits = LIMITS, branch: str = "") -> tuple[Path, Unpacked]:
    target = tmp_path / "files"
    target.mkdir()
    with opened(source, tmp_path / "work", by) as objects:
        _, commit = objects.resolve(branch)
        return target, unpack(objects, commit, target, limits)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("by", READERS)
def test_files_come_as_they_are(by: str, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.py": "x = 1\r\n", "b/c/d.js": "ü", "empty": "", "b/run.sh": b"\0\1"}
    target, done = unpacked(tmp_path, files, by)
    assert contents(target) == {
        name: text if isinstance(text, bytes) else text.encode() for name, text in files.items()
    }
    assert (done.by, done.files, done.left_out) == (by, 4, 0)


@pytest.mark.parametrize("by", READERS)
def test_links_submodules_filters_and_hooks_do_nothing(by: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    files: Files = {
        "link": Link("/etc/passwd"),
        "folder": Link(str(tmp_path)),
        "module": Submodule("1" * 40),
        ".gitmodules": f'[submodule "module"]\n\tpath = module\n\turl = {tmp_path}\n',
        ".gitattributes": "* filter=evil diff=lfs merge=lfs text eol=crlf\n",
        "large.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "hooks/post-checkout": f"#!/bin/sh\ntouch {canary}\n",
        "real.py": "y\n",
    }
    source = make_repository(tmp_path / "source", {"main": files})
    config = source / "config"
    config.write_text(
        config.read_text() + f'[filter "evil"]\n\tsmudge = touch {canary}\n[core]\n\tfsmonitor = touch {canary}\n'
    )
    hook = source / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
    hook.chmod(0o755)
    target, _ = of_local(source, tmp_path, by)
    assert not canary.exists()
    assert sorted(contents(target)) == [".gitattributes", ".gitmodules", "hooks/post-checkout", "large.bin", "real.py"]
    assert contents(target)["real.py"] == b"y\n"
    assert not any(path.is_symlink() for path in target.rglob("*"))


@pytest.mark.parametrize("by", READERS)
def test_paths_that_lead_out_are_left_out(by: str, tmp_path: Path) -> None:
    source = make_repository(tmp_path / "source", {})
    with Repo(str(source)) as repo:
        blob, inner, tree, commit = Blob.from_string(b"evil"), Tree(), Tree(), Commit()
        inner.add(b"evil.py", 0o100644, blob.id)
        inner.add(b"config", 0o100644, blob.id)
        tree.add(b"..", 0o040000, inner.id)
        tree.add(b".GIT", 0o040000, inner.id)
        tree.add(b"good.py", 0o100644, blob.id)
        commit.tree, commit.message = tree.id, b"x"
        commit.author = commit.committer = b"A <a@b>"
        commit.author_time = commit.commit_time = commit.author_timezone = commit.commit_timezone = 0
        for one in (blob, inner, tree, commit):
            repo.object_store.add_object(one)
        repo.refs[b"refs/heads/main"] = commit.id  # type: ignore[index]
    target, done = of_local(source, tmp_path, by, branch="main")
    assert contents(target) == {"good.py": b"evil"}
    assert not (tmp_path / "evil.py").exists()
    assert done.left_out >= 1


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        (b"a/b.py", True), (b".github/x", True), (b".gitignore", True), ("ü/ß.py".encode(), True), (b"a/../b", False),
        (b"/a", False), (b"a//b", False), (b".git/config", False), (b"a/.GiT/x", False), (b"git~1/x", False),
        (b".git./x", False), (b".git::$INDEX_ALLOCATION/x", False), (".g\u200cit/x".encode(), False), (b"a\\b", False),
        (b"x" * 2000, False),
        (b"/".join([b"d"] * 61), False),
    ],
)  # fmt: skip
def test_safe_paths(path: bytes, safe: bool) -> None:
    assert is_safe(path) is safe


@pytest.mark.parametrize("by", READERS)
def test_bounds_of_unpacking(by: str, tmp_path: Path) -> None:
    files = {f"f{number}.py": "x" * 1000 for number in range(20)} | {"huge.bin": b"x" * 50_000}
    source = make_repository(tmp_path / "source", {"main": files})
    for limits, setting in (
        (Limits(10, 10**6, 10**6), "repository_files"),
        (Limits(100, 9_000, 2_000), "repository_bytes"),
    ):
        (tmp_path / setting).mkdir()
        with pytest.raises(RepositoryTooLarge, match=setting):
            of_local(source, tmp_path / setting, by, limits)
    target, done = of_local(source, tmp_path, by, Limits(100, 10**6, 2_000))
    assert done.left_out == 1
    assert len(contents(target)) == 20


@pytest.mark.parametrize("by", READERS)
def test_a_tree_that_holds_itself_many_times_ends_at_the_bound(by: str, tmp_path: Path) -> None:
    """Ten levels of ten folders, all the same: ten thousand million files in eleven objects."""
    source = make_repository(tmp_path / "source", {"main": {"a": "x"}})
    with Repo(str(source)) as repo:
        blob = Blob.from_string(b"x")
        repo.object_store.add_object(blob)
        below, mode = blob.id, 0o100644
        for _ in range(10):
            tree = Tree()
            for number in range(10):
                tree.add(f"d{number}".encode(), mode, below)
            repo.object_store.add_object(tree)
            below, mode = tree.id, 0o040000
        with_tree = repo[commit_of(repo, {"b": "y"})]
        with_tree.tree = below  # type: ignore[attr-defined]
        repo.object_store.add_object(with_tree)
        repo.refs[b"refs/heads/main"] = with_tree.id  # type: ignore[index]
    with pytest.raises(RepositoryTooLarge):
        of_local(source, tmp_path, by, branch="main")


@pytest.mark.parametrize("by", READERS)
def test_damaged_packs_and_missing_branches_are_told(by: str, tmp_path: Path) -> None:
    pack = tmp_path / "fetched.pack"
    pack.write_bytes(b"PACK\0\0\0\2\0\0\0\5" + os.urandom(200))
    with pytest.raises(NotARepository), opened(pack, tmp_path / "work", by):
        pass
    pack.write_bytes(b"<html>not a pack at all</html>")
    with pytest.raises(NotARepository), opened(pack, tmp_path / "work2", by):
        pass
    source = make_repository(tmp_path / "source", {"main": {"a": "x"}})
    with opened(source, tmp_path / "work3", by) as objects:
        assert objects.resolve("")[0] == "main"
        with pytest.raises(BranchMissing, match="main"):
            objects.resolve("nope")


def test_a_real_checkout_by_the_git_program_is_read_by_both(tmp_path: Path) -> None:
    source = tmp_path / "checkout"
    source.mkdir()
    (source / "app.py").write_text("committed\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q", "-b", "trunk"], ["add", "."], [*identity, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=source, check=True)
    (source / "app.py").write_text("changed since\n")
    for by in READERS:
        (tmp_path / by).mkdir()
        target, _ = of_local(source, tmp_path / by, by)
        assert contents(target) == {"app.py": b"committed\n"}


def test_the_program_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose("auto") == "git"
    monkeypatch.setenv("PATH", "/nowhere")
    assert choose("auto") == "dulwich"
    assert choose("git") == "git"
