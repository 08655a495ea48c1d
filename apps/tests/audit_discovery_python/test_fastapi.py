"""FastAPI and Starlette: every way in which routers come together."""

from __future__ import annotations

import pytest

from .conftest import Found, Listed

ROUTER = """
    from fastapi import APIRouter
    router = APIRouter(prefix="/users")

    @router.get("/{user_id}")
    async def read_user(user_id: int): ...
"""


@pytest.mark.parametrize(
    ("main", "path"),
    [
        ("from app.users import router\napp = FastAPI()\napp.include_router(router)", "/users/{user_id}"),
        (
            "from app import users\napp = FastAPI()\napp.include_router(users.router, prefix='/v1')",
            "/v1/users/{user_id}",
        ),
        ("from .users import router as r\napp = FastAPI()\nx = r\napp.include_router(x)", "/users/{user_id}"),
        ("import app.users\napi = FastAPI()\napi.include_router(app.users.router)", "/users/{user_id}"),
        ("from app.users import *\napp = FastAPI()\napp.router.include_router(router)", "/users/{user_id}"),
        (
            (
                "from app.users import router\nV = 'v2'\napp = FastAPI()\nfor r, p in [(router, f'/api/{V}')]:\n"
                "    app.include_router(r, prefix=p)"
            ),
            "/api/v2/users/{user_id}",
        ),
        (
            (
                "from app import users\nroot = APIRouter(prefix='/a')\nroot.include_router(users.router, prefix='/b')\n"
                "app = FastAPI()\napp.include_router(root, prefix='/c')"
            ),
            "/c/a/b/users/{user_id}",
        ),
        (
            (
                "from app.users import router\ndef create_app():\n    app = FastAPI()\n"
                "    register(app)\n    return app\n"
                "def register(app: FastAPI):\n    app.include_router(router, prefix='/f')"
            ),
            "/f/users/{user_id}",
        ),
        (
            (
                "from app.users import router\nclass Server:\n    def __init__(self):\n"
                "        self.app = FastAPI()\n"
                "        self._routes()\n    def _routes(self):\n        self.app.include_router(router, prefix='/c')"
            ),
            "/c/users/{user_id}",
        ),
        (
            (
                "from app.users import router\nsub = FastAPI()\nsub.include_router(router)\napp = FastAPI()\n"
                "app.mount('/sub', sub)"
            ),
            "/sub/users/{user_id}",
        ),
        (
            (
                "import os\nfrom app.users import router\nPREFIX = os.getenv('PREFIX', '/env')\napp = FastAPI()\n"
                "app.include_router(router, prefix=PREFIX)"
            ),
            "/env/users/{user_id}",
        ),
        (
            (
                "import importlib\napp = FastAPI()\nfor name in ['users']:\n"
                "    app.include_router(importlib.import_module(f'app.{name}').router, prefix='/dyn')"
            ),
            "/dyn/users/{user_id}",
        ),
        (
            "from app.users import router\napp = FastAPI(root_path='/proxy')\napp.include_router(router)",
            "/users/{user_id}",
        ),
    ],
)
def test_a_router_hangs_where_it_was_included(listed: Listed, main: str, path: str) -> None:
    imports = "from fastapi import APIRouter, FastAPI\n"
    assert listed({"app/__init__.py": "", "app/users.py": ROUTER, "app/main.py": imports + main}) == [f"GET {path}"]


def test_prefixes_come_from_settings_and_their_factories(listed: Listed) -> None:
    files = {
        "src/core/config.py": """
            from functools import lru_cache
            from pydantic import BaseModel, Field
            from pydantic_settings import BaseSettings

            class Prefixes(BaseModel):
                users: str = "/users"

            class Settings(BaseSettings):
                ROOT: str = "/api"
                VERSION: str = Field(default="v1", description="of the API")
                prefixes: Prefixes = Prefixes()

                @property
                def base(self) -> str:
                    return f"{self.ROOT}/{self.VERSION}"

            class TestSettings(Settings):
                ROOT: str = "/test"

            @lru_cache
            def get_settings() -> Settings:
                return Settings()

            settings = get_settings()
        """,
        "src/main.py": """
            import fastapi
            from core.config import get_settings, settings
            from users import router

            app = fastapi.FastAPI()
            app.include_router(router, prefix=settings.base + settings.prefixes.users)

            @app.get(get_settings().ROOT + "/health")
            def health(): ...
        """,
        "src/users.py": """
            from fastapi import APIRouter
            router = APIRouter()

            @router.post("")
            def create(): ...
        """,
    }
    assert listed(files) == ["GET /api/health", "POST /api/v1/users"]


def test_every_way_to_declare_a_route_counts_once_a_method(listed: Listed) -> None:
    files = {
        "main.py": """
            from http import HTTPMethod
            import fastapi as fa
            app = fa.FastAPI(openapi_url=None)

            def plain(): ...
            async def both(): ...

            app.add_api_route("/added", plain, methods=["PUT"])
            app.api_route("/both", methods=["GET", HTTPMethod.POST])(both)

            @app.delete("/a")
            @app.delete("/b")
            def twice(): ...

            @app.websocket("/ws")
            async def socket(ws): ...

            @app.get("/files/{name:path}", include_in_schema=False)
            def file(name): ...

            @app.middleware("http")
            async def log(request, call_next): ...

            @app.exception_handler(404)
            def missing(request, error): ...

            client = object()
            client.get("/not-a-route")
        """
    }
    assert listed(files) == [
        "DELETE /a",
        "DELETE /b",
        "GET /both",
        "GET /files/{name*}",
        "POST /both",
        "PUT /added",
    ]


def test_class_based_views_and_routers_of_ones_own(found: Found) -> None:
    files = {
        "app.py": """
            from fastapi import APIRouter, FastAPI
            from fastapi_utils.cbv import cbv

            class Router(APIRouter):
                def __init__(self, name: str, **options):
                    super().__init__(prefix=f"/{name}", **options)

                def read(self, path):
                    return self.get(path)

            router = Router("items")

            @cbv(router)
            class Items:
                @router.get("/{item_id}")
                def one(self, item_id: int): ...

            @router.read("/")
            def many(): ...

            app = FastAPI()
            app.include_router(router)
        """
    }
    routes = found(files).routes
    assert sorted((route.path, route.function) for route in routes) == [
        ("/items/", "many"),
        ("/items/{item_id}", "Items.one"),
    ]


def test_starlette_lists_of_routes_and_mounts(listed: Listed) -> None:
    files = {
        "app.py": """
            from starlette.applications import Starlette
            from starlette.endpoints import HTTPEndpoint
            from starlette.routing import Mount, Route, WebSocketRoute
            from starlette.staticfiles import StaticFiles

            class User(HTTPEndpoint):
                async def get(self, request): ...
                async def delete(self, request): ...

            def home(request): ...

            users = [Route("/{name:str}", User)]
            routes = [
                Route("/", home),
                Route("/form", endpoint=home, methods=["GET", "POST"]),
                Mount("/users", routes=users),
                Mount("/static", StaticFiles(directory="static")),
                WebSocketRoute("/ws", home),
            ]
            app = Starlette(routes=routes)
        """
    }
    assert listed(files) == ["DELETE /users/{name}", "GET /", "GET /form", "GET /users/{name}", "POST /form"]


def test_what_the_code_does_not_tell_is_said(found: Found) -> None:
    files = {
        "app.py": """
            from fastapi import APIRouter, FastAPI
            from elsewhere import prefix_for
            router = APIRouter()

            @router.get("/x")
            def x(): ...

            app = FastAPI()
            app.include_router(router, prefix=prefix_for("x"))
        """
    }
    (route,) = found(files).routes
    assert route.path == "/x"
    assert route.unresolved == ["A part of the path comes from `elsewhere.prefix_for()`, which the code does not tell."]


def test_a_router_that_nobody_includes_is_noted_and_not_listed(found: Found) -> None:
    files = {
        "main.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef home(): ...\n",
        "old.py": "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/old')\ndef old(): ...\n",
    }
    discovery = found(files)
    assert [route.path for route in discovery.routes] == ["/"]
    assert discovery.notes == ["Nothing includes the routers of these files: old.py"]


def test_a_route_says_where_its_handler_stands(found: Found) -> None:
    files = {
        "main.py": """\
            from fastapi import FastAPI
            from handlers import read

            app = FastAPI()
            app.add_api_route("/read", read)
        """,
        "handlers.py": """\
            import functools


            @functools.cache
            async def read():
                return 1
        """,
    }
    (route,) = found(files).routes
    assert (route.file, route.line, route.end_line) == ("handlers.py", 4, 6)
    assert route.snippet == "@functools.cache\nasync def read():\n    return 1"
    assert (route.declared_file, route.declared_line) == ("main.py", 5)
    assert (route.function, route.framework, route.language, route.source) == ("read", "FastAPI", "python", "code")


def test_tests_and_clients_are_no_routes(listed: Listed) -> None:
    files = {
        "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/real')\ndef real(): ...\n",
        "tests/test_app.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/test')\ndef test(): ...\n",
        "app/tests.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/tests')\ndef test(): ...\n",
        "app/client.py": "import httpx\n\ndef fetch():\n    return httpx.get('/client')\n",
        "examples/one.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/example')\ndef one(): ...\n",
    }
    assert listed(files) == ["GET /real"]


def test_examples_count_where_there_is_nothing_else(found: Found) -> None:
    files = {"examples/one.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/example')\ndef one(): ...\n"}
    discovery = found(files)
    assert [route.path for route in discovery.routes] == ["/example"]
    assert "those of its examples are listed" in discovery.notes[-1]


def test_an_application_at_a_setting_or_at_a_default_and_made_once_more_by_a_script(listed: Listed) -> None:
    files = {
        "server/app.py": """
            from fastapi import FastAPI
            from .settings import BASE_PATH

            def create_api(checks="/health"):
                api = FastAPI()

                @api.get(checks)
                def health(): ...

                return api

            def create_app(settings=None):
                app = FastAPI()
                api = create_api()
                if BASE_PATH:
                    app.mount(BASE_PATH.value(), app=api)
                else:
                    app.mount("/api", app=api)
                return app
        """,
        "server/settings.py": "from settings_library import Setting\nBASE_PATH = Setting()",
        "scripts/write_description.py": """
            from server.app import create_api
            print(create_api().openapi())
        """,
    }
    assert listed(files) == ["GET /api/health"]
