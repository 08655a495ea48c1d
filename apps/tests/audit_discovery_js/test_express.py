"""Routes of Express programs, as a run of them would have them in its stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from accepted_apps.audit.discovery import discover
from accepted_apps.audit.discovery.base import Discovery
from accepted_apps.audit.model import Route

Checkout = Callable[[Mapping[str, str]], Path]

USERS = """
    const express = require('express');
    const router = express.Router();
    router.get('/', (req, res) => res.json([]));
    router.post('/:id(\\\\d+)/photo', (req, res) => res.json({}));
    module.exports = router;
"""


def found(checkout: Checkout, files: Mapping[str, str]) -> Discovery:
    return discover(checkout(files))


def listed(checkout: Checkout, files: Mapping[str, str]) -> list[str]:
    return sorted(f"{route.method} {route.path}" for route in found(checkout, files).routes)


def only(checkout: Checkout, files: Mapping[str, str]) -> Route:
    (route,) = found(checkout, files).routes
    return route


def in_app(checkout: Checkout, body: str) -> list[str]:
    head = "const express = require('express');\nconst app = express();\nconst handler = (req, res) => res.end();\n"
    return listed(checkout, {"app.js": head + body})


BY_NAME = """
    const fs = require('fs');
    fs.readdirSync(__dirname + '/routes').filter((name) => name.startsWith('users')).forEach((name) => {
      app.use('/api/' + name.replace('.js', ''), require('./routes/' + name));
    });
"""
IN_A_ROUTER = """
    const users = require('./routes/users');
    const api = express.Router();
    api.use('/users', users);
    app.use('/api', api);
"""
IN_A_LOOP = """
    const routes = [{ path: '/users', route: require('./routes/users') }];
    routes.forEach((each) => { app.use('/api' + each.path, each.route); });
"""
BY_ENTRIES = """
    const routes = { '/users': require('./routes/users') };
    for (const [path, route] of Object.entries(routes)) app.use('/api' + path, route);
"""


@pytest.mark.parametrize(
    "app",
    [
        "app.use('/api/users', require('./routes/users'));",
        "const { users } = require('./routes'); app.use(['/api/users'], (req, res, next) => next(), users);",
        "const routes = require('./routes'); app.use(`${routes.PREFIX}/users`, routes.users);",
        "require('./routes/register')(app);",
        "app.use(process.env.API_BASE + '/users', require('./routes/users'));",
        BY_NAME,
        IN_A_ROUTER,
        IN_A_LOOP,
        BY_ENTRIES,
    ],
)
def test_a_router_is_found_however_it_is_mounted(checkout: Checkout, app: str) -> None:
    files = {
        "package.json": '{"name": "shop"}',
        ".env.example": "# where it is served\nAPI_BASE=/api # not /\n",
        "app.js": f"const express = require('express');\nconst app = express();\n{app}\napp.listen(3000);\n",
        "routes/users.js": USERS,
        "routes/index.js": "exports.users = require('./users');\nexports.PREFIX = '/api';\n",
        "routes/register.js": "module.exports = function (server) { server.use('/api/users', require('./users')); };\n",
    }
    assert listed(checkout, files) == ["GET /api/users", "POST /api/users/{id}/photo"]


@pytest.mark.parametrize(
    ("main", "index"),
    [
        ("import users from './users';", "export { default } from './router';"),
        ("import { users } from './users';", "export { default as users } from './router';"),
        ("import * as all from './users'; const users = all.router;", "export * from './router';"),
        ("import { users } from '@/users';", "import users from './router.js'; export { users };"),
        ("import users = require('./users');", "import { router } from './router'; export = router;"),
        ("const { default: users } = await import('./users');", "export { default } from './router';"),
    ],
)
def test_modules_of_typescript(checkout: Checkout, main: str, index: str) -> None:
    files = {
        "tsconfig.json": '{"compilerOptions": {"baseUrl": ".", "paths": {"@/*": ["src/*"],},}, /* a comment */}',
        "src/app.ts": f"import express from 'express';\n{main}\nconst app = express();\napp.use('/users', users);\n",
        "src/users/index.ts": index,
        "src/users/router.ts": """
            import { Router, type Request } from 'express';
            export const router: Router = Router({ mergeParams: true });
            router.get('/:id', (req: Request, res) => { res.json({}); });
            export default router;
        """,
    }
    assert listed(checkout, files) == ["GET /users/{id}"]


@pytest.mark.parametrize(
    ("body", "routes"),
    [
        ("app.route('/a').get(handler).post(handler, handler);", ["GET /a", "POST /a"]),
        ("app.all('/a', handler);", ["ANY /a"]),
        ("app.get(['/a', '/b'], handler);", ["GET /a", "GET /b"]),
        ("['get', 'put'].forEach((verb) => app[verb]('/a', handler));", ["GET /a", "PUT /a"]),
        ("const P = '/v' + 1; app.get(`${P}/a`, handler);", ["GET /v1/a"]),
        ("app.get('/a/:id?', handler);", ["GET /a", "GET /a/{id}"]),
        ("app.get('/a{/:id}', handler);", ["GET /a", "GET /a/{id}"]),
        ("app.get('/files/*', handler); app.get('/more/*rest', handler);", ["GET /files/{path*}", "GET /more/{rest*}"]),
        ("app.get('/a/:from-:to.json', handler);", ["GET /a/{from}-{to}.json"]),
        (r"app.get(/^\/users\/(\d+)\/?$/, handler);", ["GET /users/{p1}"]),
        ("app.get('/a', [handler, handler], handler);", ["GET /a"]),
        ("app.get('/', handler);", ["GET /"]),
        ("app.post('/a', check); app.post('/a', handler); function check() {}", ["POST /a"]),
        ("for (let i = 1; i < 3; i++) app.get('/v' + i, handler);", ["GET /v1", "GET /v2"]),
        ("if (process.env.DEBUG) { app.get('/debug', handler); }", ["GET /debug"]),
        ("mongoose.connect('x').then(() => { app.get('/late', handler); });", ["GET /late"]),
        ("(async () => { await start(); app.get('/a', handler); })(); async function start() {}", ["GET /a"]),
    ],
)
def test_ways_to_write_a_route(checkout: Checkout, body: str, routes: list[str]) -> None:
    assert in_app(checkout, body) == routes


def test_what_only_looks_like_a_route_is_none(checkout: Checkout) -> None:
    assert in_app(
        checkout,
        """
            const axios = require('axios'), request = require('supertest');
            app.get('env'); app.set('views', 'x'); app.use('/static', express.static('public'));
            app.use('/x', (req, res, next) => next());
            app.options('*', handler);
            axios.get('/users', { params: {} });
            request(app).get('/users').expect(200, handler);
            new Map([['/a', 1]]).get('/a', handler);
            client.post('/users', handler);
            function later() { cache.get('/users', handler); }
            // app.get('/commented', handler)
            const text = "app.get('/quoted', handler)";
            app.get('/real', async (req, res) => { res.json(await axios.get('/elsewhere', {})); });
            """,
    ) == ["GET /real"]


def test_tests_and_clients_are_not_read(checkout: Checkout) -> None:
    files = {
        "app.js": "const app = require('express')(); app.get('/a', () => {});",
        "app.test.js": "const app = require('express')(); app.get('/tested', () => {});",
        "public/bundle.js": "const app = require('express')(); app.get('/bundled', () => {});",
    }
    assert listed(checkout, files) == ["GET /a"]


def test_classes_with_routers_given_to_a_class(checkout: Checkout) -> None:
    files = {
        "src/server.ts": "import App from './app'; import { Users } from './users'; new App([new Users()]).listen();",
        "src/app.ts": """
            import express from 'express';
            export default class App {
              public app: express.Application = express();
              constructor(private routes: Routes[]) { this.mount(routes); }
              public listen() { this.app.listen(3000); }
              private mount(routes: Routes[]) { routes.forEach((each) => this.app.use('/api', each.router)); }
            }
        """,
        "src/users.ts": """
            import { Router } from 'express';
            import Controller from './controller';
            export class Users {
              public path = '/users';
              public router = Router();
              private controller = new Controller();
              constructor() {
                this.router.get(`${this.path}`, this.controller.list);
                this.router.put(`${this.path}/:id`, this.controller.change.bind(this.controller));
              }
            }
        """,
        "src/controller.ts": """
            export default class Controller {
              public list = async (req, res) => { res.json([]); };
              public async change(req, res) {
                res.json({});
              }
            }
        """,
    }
    routes = found(checkout, files).routes
    assert [(route.method, route.path, route.function, route.file, route.line, route.end_line) for route in routes] == [
        ("GET", "/api/users", "Controller.list", "src/controller.ts", 2, 2),
        ("PUT", "/api/users/{id}", "Controller.change", "src/controller.ts", 3, 5),
    ]
    assert (routes[0].declared_file, routes[0].declared_line) == ("src/users.ts", 8)
    assert routes[1].snippet.strip().startswith("public async change")


@pytest.mark.parametrize(
    "controller",
    [
        "exports.list = wrap(async (req, res) => { res.json([]); });",
        "const list = wrap(async (req, res) => { res.json([]); }); module.exports = { list };",
        "async function list(req, res) { res.json([]); }\nmodule.exports = { list: wrap(list) };",
        "module.exports = { list(req, res) { res.json([]); } };",
        "exports.list = outside(async (req, res) => { res.json([]); });",
    ],
)
def test_the_handler_is_found_where_it_is_written(checkout: Checkout, controller: str) -> None:
    route = only(
        checkout,
        {
            "app.js": "const app = require('express')(), users = require('./users');\napp.get('/u', users.list);\n",
            "wrap.js": "module.exports = (fn) => (req, res, next) => Promise.resolve(fn(req, res, next)).catch(next);",
            "users.js": f"const wrap = require('./wrap'), outside = require('async-handler');\n{controller}\n",
        },
    )
    assert (route.function, route.file, route.line) == ("list", "users.js", 2)
    assert (route.declared_file, route.declared_line, route.language) == ("app.js", 2, "javascript")


def test_a_factory_makes_a_router_each_time_it_is_called(checkout: Checkout) -> None:
    assert in_app(
        checkout,
        """
            function crud(name) {
              const router = express.Router();
              router.get('/', handler);
              router.get(`/${name}/:id`, handler);
              return router;
            }
            app.use('/a', crud('apples'));
            app.use('/b', crud('beers'));
            """,
    ) == ["GET /a", "GET /a/apples/{id}", "GET /b", "GET /b/beers/{id}"]


def test_a_part_that_is_not_known_is_said(checkout: Checkout) -> None:
    route = only(checkout, {"app.js": "const app = require('express')(); app.get(`/${name()}/users`, () => {});"})
    assert route.path == "/users"
    assert route.unresolved == ["`name()` is not told by the code; the path lacks it."]


def test_a_path_of_which_nothing_is_known_is_told_as_a_note(checkout: Checkout) -> None:
    told = found(checkout, {"app.js": "const app = require('express')();\napp.get(name(), () => {});\n"})
    assert told.routes == []
    assert told.notes == ["The path of a route is not told by the code, in line 2 of app.js"]


def test_an_application_that_is_made_when_a_library_has_booted(checkout: Checkout) -> None:
    app = """
        function create(env, ctx) {
          const express = require('express');
          const app = express();
          app.use('/api', require('./users'));
          return app;
        }
        module.exports = create;
    """
    server = """
        require('boot')({}).acquire(connect).boot(function booted(ctx) {
          const app = require('./app')({}, ctx);
          require('http').createServer(app).listen(80);
        });
    """
    assert listed(checkout, {"app.js": app, "users.js": USERS, "server.js": server}) == [
        "GET /api",
        "POST /api/{id}/photo",
    ]


def test_an_application_that_nothing_in_the_repository_makes(checkout: Checkout) -> None:
    inner = """
        const express = require('express');
        exports.inner = () => { const app = express(); app.get('/a', run); return app; };
    """
    outer = """
        const express = require('express');
        const { inner } = require('./inner');
        exports.application = (settings) => { const app = express(); app.use('/outer', inner()); return app; };
    """
    assert listed(checkout, {"inner.js": inner, "outer.js": outer}) == ["GET /outer/a"]


def test_a_router_that_handles_a_route_sees_the_whole_path(checkout: Checkout) -> None:
    files = {
        "entries.js": """
            const router = require('express').Router();
            router.get('/entries/:id', run);
            module.exports = router;
        """,
        "app.js": """
            const app = require('express')();
            const inner = require('express')();
            inner.all('/entries*', require('./entries'));
            app.use('/api', inner);
        """,
    }
    assert listed(checkout, files) == ["GET /api/entries/{id}"]


def test_a_function_that_takes_a_router_from_nobody(checkout: Checkout) -> None:
    route = only(
        checkout,
        {"routes.js": "const express = require('express');\nmodule.exports = (app) => { app.get('/a', () => {}); };\n"},
    )
    assert route.path == "/a"
    assert route.unresolved == ["No code was found that mounts this router; its prefix is not known."]


def test_a_router_that_nothing_mounts_is_left_out(checkout: Checkout) -> None:
    told = found(
        checkout,
        {"app.js": "const app = require('express')(); app.get('/a', () => {});", "old.js": USERS},
    )
    assert [route.path for route in told.routes] == ["/a"]
    assert told.notes == ["Routers that nothing mounts were left out: old.js"]


@pytest.mark.parametrize(
    "trap",
    [
        "while (true) { spin(); }",
        "function again() { again(); again(); again(); } again();",
        "const big = []; for (let i = 0; i < 1e9; i++) for (let j = 0; j < 1e9; j++) big.push(`${i}`);",
        "app.use(app); const r = express.Router(); r.use('/r', r); app.use('/r', r);",
        "require('./app'); require('./nowhere'); require(name);",
        "class A extends A {} new A(); class B extends C {} class C extends B {} new C().x();",
        "const s = 'a'.replace(/(a+)+$/, 'b'); /(x+x+)+y/.test('x'.repeat(50));",
        "const x = {get y() { return this.y; }}; x.y; } ) broken ((",
        "const a = [1]; a.forEach((x) => a.push(x));",
    ],
)
def test_code_that_would_not_end_does_not_hold_up(checkout: Checkout, trap: str) -> None:
    assert "GET /a" in in_app(checkout, f"app.get('/a', handler);\n{trap}\n")


def test_one_long_chain_of_calls(checkout: Checkout) -> None:
    chain = "".join(f".get('/{number}', handler)" for number in range(400))
    assert len(in_app(checkout, f"app{chain};")) == 400


def test_a_budget_that_is_used_up_is_told(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accepted_apps.audit.discovery.javascript.program._STEPS", 30)
    told = found(checkout, {"app.js": "const app = require('express')();\n" + "app.get('/a', () => {});\n" * 20})
    assert any("more steps to follow than are allowed" in note for note in told.notes)
