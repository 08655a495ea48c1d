"""Routes of NestJS programs: prefixes, versions, modules, decorators that are made of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from accepted_apps.audit.discovery import discover

Checkout = Callable[[Mapping[str, str]], Path]

CATS = """
    import { Controller, Get, Post, All } from '@nestjs/common';
    @Controller('cats')
    export class CatsController {
      constructor(private readonly cats: CatsService) {}
      @Get() list() { return []; }
      @Post(':id/toys') @HttpCode(201) async add() { return {}; }
      helper() {}
    }
"""
MODULE = """
    import { Module } from '@nestjs/common';
    import { CatsController } from './cats.controller';
    @Module({ controllers: [CatsController] })
    export class AppModule {}
"""


def main(setup: str) -> str:
    return f"""
        import {{ NestFactory }} from '@nestjs/core';
        import {{ VersioningType, VERSION_NEUTRAL, RequestMethod }} from '@nestjs/common';
        import {{ ConfigService }} from '@nestjs/config';
        import {{ AppModule }} from './app.module';
        async function bootstrap() {{
          const app = await NestFactory.create<NestExpressApplication>(AppModule, {{ cors: true }});
          {setup}
          await app.listen(3000);
        }}
        void bootstrap();
    """


def program(cats: str = CATS, setup: str = "", module: str = MODULE) -> dict[str, str]:
    return {"src/main.ts": main(setup), "src/app.module.ts": module, "src/cats.controller.ts": cats}


def listed(checkout: Checkout, files: Mapping[str, str]) -> list[str]:
    return sorted(f"{route.method} {route.path}" for route in discover(checkout(files)).routes)


def of_class(decorator: str, members: str) -> str:
    return f"""
        import * as nest from '@nestjs/common';
        import {{ Controller, Get, Post, Delete, All, Sse, Param }} from '@nestjs/common';
        import {{ Version, VERSION_NEUTRAL, applyDecorators }} from '@nestjs/common';
        const BASE = 'base';
        enum Paths {{ One = 'one', Two = 'two' }}
        const ROUTES = {{ cats: {{ one: `${{BASE}}/one` }} }} as const;
        const ApiGet = (path: string) => applyDecorators(Get(path), Auth());
        {decorator}
        export class CatsController {{
          {members}
        }}
    """


@pytest.mark.parametrize(
    ("setup", "routes"),
    [
        ("", ["GET /cats", "POST /cats/{id}/toys"]),
        ("app.setGlobalPrefix('api');", ["GET /api/cats", "POST /api/cats/{id}/toys"]),
        ("app.setGlobalPrefix('/api', { exclude: ['cats'] });", ["GET /cats", "POST /api/cats/{id}/toys"]),
        (
            "app.setGlobalPrefix('api', { exclude: [{ path: 'cats/:any/toys', method: RequestMethod.POST }] });",
            ["GET /api/cats", "POST /cats/{id}/toys"],
        ),
        ("app.setGlobalPrefix('api', { exclude: ['cats/(.*)'] });", ["GET /api/cats", "POST /cats/{id}/toys"]),
        (
            "app.enableVersioning({ type: VersioningType.URI, defaultVersion: ['1', '2'] });",
            ["GET /v1/cats", "GET /v2/cats", "POST /v1/cats/{id}/toys", "POST /v2/cats/{id}/toys"],
        ),
        (
            "app.setGlobalPrefix('api'); app.enableVersioning({ type: 0, prefix: false, defaultVersion: '1' });",
            ["GET /api/1/cats", "POST /api/1/cats/{id}/toys"],
        ),
        (
            "app.enableVersioning({ type: VersioningType.HEADER, header: 'v', defaultVersion: '1' });",
            ["GET /cats", "POST /cats/{id}/toys"],
        ),
        (
            "const config = app.get(ConfigService); app.setGlobalPrefix(config.get('API_PREFIX', 'api'));",
            ["GET /api/cats", "POST /api/cats/{id}/toys"],
        ),
    ],
)
def test_what_the_application_puts_in_front(checkout: Checkout, setup: str, routes: list[str]) -> None:
    assert listed(checkout, program(setup=setup)) == routes


@pytest.mark.parametrize(
    ("decorator", "members", "routes"),
    [
        ("@Controller()", "@Get() a() {}", ["GET /"]),
        ("@nest.Controller('a')", "@nest.Get('/b/') a() {}", ["GET /a/b/"]),
        ("@Controller(['a', 'b'])", "@Get(['c', 'd']) a() {}", ["GET /a/c", "GET /a/d", "GET /b/c", "GET /b/d"]),
        ("@Controller({ path: 'a', host: 'x' })", "@Delete(':id') a() {}", ["DELETE /a/{id}"]),
        ("@Controller(ROUTES.cats.one)", "@Get(Paths.Two) a() {}", ["GET /base/one/two"]),
        ("@Controller(`${BASE}/x`)", "@All('*') a() {}", ["ANY /base/x/{path*}"]),
        ("@Controller('a')", "@ApiGet('b') a() {}", ["GET /a/b"]),
        ("@Controller('a')", "@Sse('events') a() {}", ["GET /a/events"]),
        ("@Controller('a')", "@Get('b') @Post('c') a(@Param('x') x: string) {}", ["GET /a/b", "POST /a/c"]),
        ("@Resolver()", "@Query() a() {}", []),
    ],
)
def test_decorators(checkout: Checkout, decorator: str, members: str, routes: list[str]) -> None:
    assert listed(checkout, program(of_class(decorator, members))) == routes


def test_versions_of_controllers_and_methods(checkout: Checkout) -> None:
    cats = of_class(
        "@Controller({ path: 'cats', version: '1' })",
        "@Get() a() {} @Version('2') @Get('b') b() {} @Version(VERSION_NEUTRAL) @Get('c') c() {}",
    )
    setup = "app.enableVersioning({ type: VersioningType.URI });"
    assert listed(checkout, program(cats, setup)) == ["GET /cats/c", "GET /v1/cats", "GET /v2/cats/b"]


def test_controllers_inherit(checkout: Checkout) -> None:
    cats = """
        import { Controller, Get, Post, Delete } from '@nestjs/common';
        export abstract class Base<T> {
          @Get() list() { return []; }
          @Post() create() { return 1; }
          @Delete(':id') remove() {}
        }
        function Crud(name: string) {
          abstract class Made extends Base<string> { @Get(name) extra() {} }
          return Made;
        }
        @Controller('cats')
        export class CatsController extends Crud('more') {
          @Post('new') create() { return 2; }
          remove() {}
        }
    """
    assert listed(checkout, program(cats)) == ["GET /cats", "GET /cats/more", "POST /cats/new"]


def test_router_module_puts_modules_under_paths(checkout: Checkout) -> None:
    module = """
        import { Module } from '@nestjs/common';
        import { RouterModule } from '@nestjs/core';
        import { CatsController } from './cats.controller';
        @Module({ controllers: [CatsController] }) export class CatsModule {}
        @Module({ imports: [CatsModule] }) export class AdminModule {}
        @Module({ imports: [AdminModule, RouterModule.register([
          { path: 'admin', module: AdminModule, children: [{ path: '/all', module: CatsModule }] },
        ])] })
        export class AppModule {}
    """
    routes = ["GET /api/admin/all/cats", "POST /api/admin/all/cats/{id}/toys"]
    assert listed(checkout, program(setup="app.setGlobalPrefix('api');", module=module)) == routes


def test_each_application_of_a_monorepo_has_its_own_prefix(checkout: Checkout) -> None:
    files = {
        f"apps/{name}/{path}": content
        for name in ("one", "two")
        for path, content in program(CATS.replace("cats'", f"{name}'"), f"app.setGlobalPrefix('{name}-api');").items()
    }
    files["libs/health.ts"] = CATS.replace("cats'", "health'").replace("CatsController", "HealthController")
    files["apps/two/src/app.module.ts"] = (
        MODULE.replace("[CatsController]", "[CatsController, ...[HealthController]]")
        + "    import { HealthController } from '../../../libs/health';\n"
    )
    assert listed(checkout, files) == [
        "GET /one-api/one",
        "GET /two-api/health",
        "GET /two-api/two",
        "POST /one-api/one/{id}/toys",
        "POST /two-api/health/{id}/toys",
        "POST /two-api/two/{id}/toys",
    ]


@pytest.mark.parametrize(
    "config",
    [
        "export default registerAs('app', () => ({ apiPrefix: process.env.API_PREFIX || 'api' }));",
        "const settings = { apiPrefix: process.env.API_PREFIX }; export default registerAs('app', () => settings);",
        "export default registerAs<AppConfig>('app', () => { check(process.env); return { apiPrefix: 'rest' }; });",
    ],
)
def test_a_prefix_from_the_configuration(checkout: Checkout, config: str) -> None:
    files = {
        **program(setup="app.setGlobalPrefix(app.get(ConfigService).getOrThrow('app.apiPrefix', { infer: true }));"),
        "package.json": "{}",
        ".env.example": "API_PREFIX=rest\n",
        "src/config.ts": f"import {{ registerAs }} from '@nestjs/config';\n{config}\n",
    }
    assert listed(checkout, files) == ["GET /rest/cats", "POST /rest/cats/{id}/toys"]


def test_a_prefix_from_a_namespace_of_the_configuration_that_is_taken_whole(checkout: Checkout) -> None:
    setup = """
        const { port, globalPrefix } = app.get(ConfigService<Settings>).get('app', { infer: true });
        app.setGlobalPrefix(globalPrefix);
    """
    config = """
        import { registerAs } from '@nestjs/config';
        const env = (key: string, otherwise = '') => process.env[key] ?? otherwise;
        export default registerAs('app', () => ({ port: 1, globalPrefix: env('PREFIX', 'rest') }));
    """
    files = {**program(setup=setup), "src/config.ts": config}
    assert listed(checkout, files) == ["GET /rest/cats", "POST /rest/cats/{id}/toys"]


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ("", ["/v3/list"]),
        ("'cats'", ["/v3/cats/list"]),
        ("['cats', 'pets']", ["/v3/cats/list", "/v3/pets/list"]),
        ("{ path: 'cats' }", ["/v3/cats/list"]),
        ("{ path: ['cats', 'pets'] }", ["/v3/cats/list", "/v3/pets/list"]),
    ],
)
def test_a_decorator_of_ones_own_that_tells_apart_what_it_is_given(
    checkout: Checkout, given: str, paths: list[str]
) -> None:
    cats = f"""
        import {{ Controller, Get }} from '@nestjs/common';
        const under = (path: string) => `v3/${{path}}`;
        const ApiController = (given?: any) => {{
          if (!given) return Controller('v3');
          if (typeof given === 'string') return Controller(under(given));
          if (Array.isArray(given)) return Controller(given.map((each) => under(each)));
          const path = given.path || '';
          return Controller(Array.isArray(path) ? path.map(under) : under(path));
        }};
        @ApiController({given})
        export class CatsController {{ @Get('list') list() {{ return []; }} }}
    """
    assert listed(checkout, program(cats)) == [f"GET {path}" for path in paths]


def test_a_controller_of_no_module_is_left_out(checkout: Checkout) -> None:
    files = program() | {"src/old.controller.ts": CATS.replace("CatsController", "OldController")}
    told = discover(checkout(files))
    assert {route.file for route in told.routes} == {"src/cats.controller.ts"}
    assert told.notes == ["Controllers that no module names were left out: src/old.controller.ts"]


def test_an_application_that_is_made_for_its_configuration_does_not_serve(checkout: Checkout) -> None:
    setup = "app.setGlobalPrefix('api'); const other = await NestFactory.create(AppModule); other.get(ConfigService);"
    assert listed(checkout, program(setup=setup)) == ["GET /api/cats", "POST /api/cats/{id}/toys"]


def test_the_handler_with_its_decorators(checkout: Checkout) -> None:
    cats = of_class("@Controller('a')", "\n@Get('b')\n@UseGuards(Guard)\nasync list(\n) {\n  return [];\n}")
    (route,) = discover(checkout(program(cats))).routes
    assert (route.function, route.framework, route.language) == ("CatsController.list", "NestJS", "typescript")
    assert route.snippet.split("\n")[0].strip() == "@Get('b')"
    assert route.snippet.endswith("}")
    assert route.end_line - route.line == 5


@pytest.mark.parametrize(
    "module",
    [
        "@Plugin({ controllers: [CatsController] }) export class AppModule {}",
        "@Module(either()) export class AppModule {}",
        "@Module({ controllers: some() }) export class AppModule {}",
        "@Module({ imports: [Inner.forRoot({})] }) export class AppModule {}",
        "@Module({ imports: [forwardRef(() => Inner), ...extra()] }) export class AppModule {}",
    ],
)
def test_controllers_of_modules_that_are_made(checkout: Checkout, module: str) -> None:
    head = """
        import { Module, forwardRef } from '@nestjs/common';
        import { CatsController } from './cats.controller';
        const Plugin = (given) => (target) => { Module(given)(target); };
        function either() {
          if (process.env.PAID) { return { controllers: [paid()] }; }
          return { controllers: [CatsController] };
        }
        function some() {
          if (process.env.PAID) { return []; }
          return [CatsController];
        }
        @Module({ controllers: [CatsController] })
        class Inner { static forRoot(options) { return { module: Inner, providers: [] }; } }
    """
    assert listed(checkout, program(module=f"{head}\n{module}\n")) == ["GET /cats", "POST /cats/{id}/toys"]
