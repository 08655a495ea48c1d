"""Other people's files: broken, old, new, huge, hostile. All that may happen is a note."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from accepted_apps.audit.discovery import discover
from accepted_apps.audit.discovery.files import Bounds, SourceTree
from accepted_apps.audit.errors import NoSuchFolder

from .conftest import Found, Listed

APP = "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get('/ok')\ndef ok(): ...\n"


def test_a_function_that_is_not_python_here_costs_its_body_only(found: Found) -> None:
    discovery = found(
        {
            "main.py": """
                from fastapi import FastAPI
                app = FastAPI()

                @app.get("/print")
                def old():
                    print "Python 2"
                    return 1

                @app.get("/after")
                def after():
                    return 2
            """
        }
    )
    assert [(route.path, route.line, route.end_line) for route in discovery.routes] == [
        ("/print", 5, 8),
        ("/after", 10, 12),
    ]
    assert discovery.notes == [
        "Not all of these files is Python as it is known here; what is not was left out: main.py"
    ]


def test_syntax_of_later_releases_is_read(listed: Listed) -> None:
    files = {
        "main.py": """
            from fastapi import FastAPI
            type Names = list[str]
            app = FastAPI()

            class Page[T]:
                items: list[T]

            def first[T](items: list[T]) -> T: ...

            @app.get("/new")
            def new(name: str):
                try:
                    return f"{name!r}{"quoted"}"
                except ValueError, TypeError:
                    return ""
        """
    }
    assert listed(files) == ["GET /new"]


@pytest.mark.parametrize(
    "content",
    [
        "((((((",
        "x = (" * 5_000,
        "def f(:\n  pass\n" + "\x00",
        "class A(A): pass\nclass B(A, B): fastapi = A()\nB().fastapi.x(A(B()))\n",
        "a = ['fastapi']\nfor _ in range(99):\n    a = a + a\n    a += [*a, *a]\n    b = (a, a)\n",
        "import other\nfrom other import *\nfrom other import x\nx = x\n",
        "def f(): return f()\nf()\nx = f() + f()\n",
        "fastapi = [1]\nfastapi.append(fastapi)\nfor a in fastapi:\n    for b in a:\n        fastapi.extend(fastapi)\n",
        "s = 'fastapi'\nfor _ in range(400):\n    s = s + s\n    s = '%s%s' % (s, s)\n    s = f'{s}{s}'.join([s, s])\n",
        "n = 9\nfastapi = '{:>999999999}'.format(n) + '%999999999d' % n + 'x'.ljust(99)\n",
        "def f(n):\n    [f(n) for _ in range(500)]\n    [f(n) for _ in range(500)]\nf('fastapi')\n",
        "fastapi = 10 ** 10 ** 10 ** 10\nx = 'a' * 10 ** 12\n",
    ],
)
def test_no_file_breaks_the_reading_of_others(found: Found, content: str) -> None:
    found_routes = found(
        {"main.py": APP, "fastapi_other.py": content, "other.py": "from fastapi_other import x\n" + content}
    )
    assert [route.path for route in found_routes.routes] == ["/ok"]


def test_patterns_and_routers_that_hold_each_other_come_to_an_end(found: Found) -> None:
    files = {
        "settings.py": "ROOT_URLCONF = 'urls'\n",
        "urls.py": "from django.urls import include, path\nurlpatterns = [path('x', print)]\nfor _ in range(40):\n"
        "    urlpatterns = [urlpatterns, path('a/', include(urlpatterns))]\n"
        "urlpatterns = [path('self/', include('urls')), *urlpatterns]\n",
        "main.py": "from fastapi import APIRouter, FastAPI\napp = FastAPI()\nr = APIRouter()\nr.include_router(r)\n"
        "for _ in range(40):\n    s = APIRouter()\n    s.include_router(r)\n    s.include_router(r, prefix='/p')\n"
        "    r = s\n"
        "app.include_router(r)\napp.mount('/app', app)\n",
    }
    assert found(files).notes


def test_nothing_outside_the_checkout_is_read(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "main.py").write_text(APP.replace("/ok", "/secret"))
    (inside / "main.py").write_text(APP + "from ....outside.main import app as other\n")
    (inside / "link.py").symlink_to(outside / "main.py")
    (inside / "folder").symlink_to(outside)
    os.mkfifo(inside / "pipe.py")
    assert [route.path for route in discover(inside).routes] == ["/ok"]


def test_nothing_of_the_repository_is_run(tmp_path: Path) -> None:
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\nopen({str(tmp_path / 'ran')!r}, 'w')\n"
    (tmp_path / "main.py").write_text(APP + trap)
    assert discover(tmp_path).routes
    assert not (tmp_path / "ran").exists()


def test_bounds_are_kept_and_said(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(APP)
    (tmp_path / "b.py").write_text(APP.replace("/ok", "/large") + "#" * 10_000)
    (tmp_path / "c.py").write_text(APP.replace("/ok", "/third"))
    large = discover(tmp_path, bounds=Bounds(file_bytes=5_000))
    assert {route.path for route in large.routes} == {"/ok", "/third"}
    assert large.notes == ["Larger than 5000 bytes, not read: b.py"]
    few = discover(tmp_path, bounds=Bounds(files=2))
    assert "The repository is larger than 2 files" in few.notes[0]
    deep = tmp_path / "/".join("d" * 10)
    deep.mkdir(parents=True)
    (deep / "main.py").write_text(APP.replace("/ok", "/deep"))
    assert "/deep" not in {route.path for route in discover(tmp_path, bounds=Bounds(depth=5)).routes}


def test_libraries_and_build_results_are_left_out_but_not_packages_of_such_names(listed: Listed) -> None:
    files = {
        "main.py": APP,
        "node_modules/x/main.py": APP.replace("/ok", "/library"),
        "build/lib/main.py": APP.replace("/ok", "/built"),
        "target/__init__.py": "",
        "target/main.py": APP.replace("/ok", "/package"),
    }
    assert listed(files) == ["GET /ok", "GET /package"]


def test_syntax_trees_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"m{number}.py").write_text(f"x = {number}\n" * 100)
    tree = SourceTree(tmp_path, bounds=Bounds(trees=2_000))
    first = tree.python("m0.py")
    assert tree.python("m0.py") is first
    for number in range(20):
        tree.python(f"m{number}.py")
    assert tree.python("m0.py") is not first


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoSuchFolder, match="clone the repository first"):
        discover(tmp_path / "nowhere")


def test_servers_that_only_tests_of_a_kind_start_are_left_out(listed: Listed) -> None:
    app = """
        from fastapi import FastAPI
        app = FastAPI()

        @app.get("/{name}")
        def answer(): ...
    """
    folders = ("shop", "shop/lab_tests", "shop/_smoke_tests", "integration-tests/server", "unittests")
    files = {f"{folder}/app.py": app.replace("{name}", folder.replace("/", "-")) for folder in folders}
    assert listed(files) == ["GET /shop", "GET /shop-lab_tests"]
