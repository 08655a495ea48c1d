"""Routes of Spring programs, as they would be mapped when they start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from accepted_apps.audit.discovery import discover
from accepted_apps.audit.discovery.base import Discovery
from accepted_apps.audit.discovery.java.paths import normal

Checkout = Callable[[Mapping[str, str]], Path]

MAIN = "src/main/java/shop"
PROFILED = """
a: 1
---
spring:
  config:
    activate:
      on-profile: dev
server:
  servlet:
    context-path: /dev
"""
STARTED = "package shop; @SpringBootApplication public class Shop { }"


def java(name: str, text: str, imports: str = "") -> dict[str, str]:
    """One file of the package shop."""
    return {
        f"{MAIN}/{name}.java": f"package shop;\nimport org.springframework.web.bind.annotation.*;\n{imports}\n{text}\n"
    }


def found(checkout: Checkout, files: Mapping[str, str]) -> Discovery:
    return discover(checkout(files))


def listed(checkout: Checkout, files: Mapping[str, str]) -> list[str]:
    return sorted(f"{route.method} {route.path}" for route in found(checkout, files).routes)


@pytest.mark.parametrize(
    ("above", "method", "routes"),
    [
        ("", '@GetMapping("/a")', ["GET /a"]),
        ('@RequestMapping("/api")', "@PostMapping", ["POST /api"]),
        ('@RequestMapping("api")', '@PutMapping("a")', ["PUT /api/a"]),
        ('@RequestMapping("/api/")', '@DeleteMapping("/{id:[0-9]{2,}}")', ["DELETE /api/{id}"]),
        ('@RequestMapping(path = {"/a", "/b"})', '@PatchMapping(value = {"c", "d"})', None),
        ("@RequestMapping(Paths.API)", "@GetMapping(Paths.Users.ONE)", ["GET /api/v1/users/{id}"]),
        ('@RequestMapping(Paths.API + "/x")', '@GetMapping(ITEMS + "/" + 7)', ["GET /api/v1/x/items/7"]),
        ("", '@RequestMapping("/a")', ["ANY /a"]),
        ("", '@RequestMapping(value = "/a", method = RequestMethod.GET)', ["GET /a"]),
        ("", '@RequestMapping(value = "/a", method = {POST, RequestMethod.PUT})', ["POST /a", "PUT /a"]),
        ('@RequestMapping(value = "/a", method = RequestMethod.GET)', '@RequestMapping("/b")', ["GET /a/b"]),
        ('@RequestMapping(produces = "text/plain")', '@GetMapping(path = "/a", params = "x=1")', ["GET /a"]),
        ("", '@GetMapping("/files/**")', ["GET /files/{path*}"]),
        ("", '@GetMapping("/files/{*rest}")', ["GET /files/{rest*}"]),
        ("", '@GetMapping("${shop.base:/basis}/a")', ["GET /basis/a"]),
        ("", '@GetMapping("${shop.told}/a")', ["GET /told/a"]),
        ("", '@org.springframework.web.bind.annotation.GetMapping("/a")', ["GET /a"]),
        ("", '@ApiGet("/a")', ["GET /a"]),
        ("", "@Listing", ["GET /listing"]),
        ("@V2", '@GetMapping("/a")', ["GET /v2/a"]),
        ("", '@MessageMapping("/a")', []),
        ("", "", []),
    ],
)
def test_mappings(checkout: Checkout, above: str, method: str, routes: list[str] | None) -> None:
    files = {
        **java(
            "Items",
            f"""
            @RestController {above}
            public class Items {{
              private static final String ITEMS = "/items";
              {method} public String answer(@PathVariable Long id) {{ return ""; }}
            }}""",
            "import shop.paths.Paths; import static org.springframework.web.bind.annotation.RequestMethod.*;",
        ),
        f"{MAIN}/paths/Paths.java": """
            package shop.paths;
            public interface Paths {
              String API = "/api" + Versions.ONE;
              class Users { public static final String ONE = "/users/{id}"; }
            }
        """,
        f"{MAIN}/paths/Versions.java": 'package shop.paths; class Versions { static final String ONE = "/v1"; }',
        **java(
            "ApiGet",
            "@RequestMapping(method = RequestMethod.GET) public @interface ApiGet {\n"
            "@AliasFor(annotation = RequestMapping.class) String[] value() default {}; }",
        ),
        **java("Listing", '@GetMapping("/listing") public @interface Listing { }'),
        **java("V2", '@RequestMapping("/v2") public @interface V2 { }'),
        "src/main/resources/application.properties": "shop.told = /told\n",
    }
    wanted = ["PATCH /a/c", "PATCH /a/d", "PATCH /b/c", "PATCH /b/d"] if routes is None else routes
    assert listed(checkout, files) == wanted


def test_an_interface_has_the_mappings_and_a_class_answers(checkout: Checkout) -> None:
    files = {
        **java(
            "ItemsApi",
            """
            @FeignClient(name = "items", path = "/remote")
            @RequestMapping("/items")
            public interface ItemsApi {
              @GetMapping("/{id}") Item one(@PathVariable Long id);
              @GetMapping default List<Item> all() { return null; }
            }""",
        ),
        **java(
            "Items", "@RestController class Items implements ItemsApi {\n public Item one(Long id) { return null; }\n}"
        ),
    }
    routes = found(checkout, files).routes
    assert sorted((route.method, route.path, route.function) for route in routes) == [
        ("GET", "/items", "Items.all"),
        ("GET", "/items/{id}", "Items.one"),
    ]
    (one,) = (route for route in routes if route.function == "Items.one")
    assert (one.file, one.line) == (f"{MAIN}/Items.java", 5)
    assert (one.declared_file, one.declared_line) == (f"{MAIN}/ItemsApi.java", 8)


def test_a_base_class_gives_its_routes_to_each_that_extends_it(checkout: Checkout) -> None:
    files = {
        **java(
            "Base",
            """
            public abstract class Base<T, K> {
              @GetMapping("/{id}") public T one(K id) { return null; }
              @PostMapping public T add(T given) { return null; }
              @DeleteMapping("/{id}") public void remove(K id) { }
            }""",
        ),
        **java(
            "Cats",
            """
            @RestController @RequestMapping("/cats")
            class Cats extends Base<Cat, Long> {
              @Override public Cat add(Cat given) { return null; }
              @Override @DeleteMapping("/all/{id}") public void remove(Long id) { }
            }""",
        ),
        **java("Dogs", '@RestController @RequestMapping("/dogs") class Dogs extends Base<Dog, Long> { }'),
    }
    assert listed(checkout, files) == [
        "DELETE /cats/all/{id}",
        "DELETE /dogs/{id}",
        "GET /cats/{id}",
        "GET /dogs/{id}",
        "POST /cats",
        "POST /dogs",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '@FeignClient("x") interface X { @GetMapping("/a") String a(); }',
        'abstract class X { @GetMapping("/a") String a() { return ""; } }',
        'class X { @GetMapping("/a") String a() { return ""; } }',
        '@RestController abstract class X { @GetMapping("/a") String a() { return ""; } }',
        '@RestController class X { String a() { return client.get("/a", String.class); } }',
        '// @RestController class X { @GetMapping("/a") String a() { return ""; } }',
    ],
)
def test_what_is_no_controller(checkout: Checkout, text: str) -> None:
    assert listed(checkout, java("X", text)) == []


@pytest.mark.parametrize(
    ("stereotype", "is_one"),
    [("@Controller", True), ("@ApiController", True), ("@Service", False), ("@Component @RequestMapping", True)],
)
def test_what_makes_a_controller(checkout: Checkout, stereotype: str, is_one: bool) -> None:
    files = {
        **java("X", f'{stereotype} class X {{ @GetMapping("/a") String a() {{ return ""; }} }}'),
        **java("ApiController", "@RestController @interface ApiController { }"),
    }
    assert listed(checkout, files) == (["GET /a"] if is_one else [])


@pytest.mark.parametrize(
    ("name", "text", "prefix"),
    [
        ("application.properties", "server.servlet.context-path=/shop/\nspring.mvc.servlet.path = api", "/shop/api"),
        ("application.properties", "# server.servlet.context-path=/old\nserver.port=80", ""),
        ("application.yml", "server:\n  port: 80\n  servlet:\n    context-path: /shop # here\n", "/shop"),
        ("application.yml", "server.servlet.contextPath: '/shop'\n", "/shop"),
        ("application.yaml", "spring:\n  webflux:\n    base-path: ${BASE:/flux}\n", "/flux"),
        ("application.yml", "v: @project.version@\nserver:\n  servlet:\n    context-path: /\n", ""),
        (
            "application.yml",
            PROFILED,
            "",
        ),
        ("bootstrap.yml", "server:\n  servlet:\n    context-path: /boot\n", "/boot"),
    ],
)
def test_the_context_path(checkout: Checkout, name: str, text: str, prefix: str) -> None:
    files = {
        f"{MAIN}/Shop.java": STARTED,
        **java("X", '@RestController class X { @GetMapping("/a") String a() { return ""; } }'),
        f"src/main/resources/{name}": text,
    }
    assert listed(checkout, files) == [f"GET {prefix}/a"]


def test_a_module_is_served_by_the_programs_that_use_it(checkout: Checkout) -> None:
    def pom(name: str, *used: str) -> str:
        needs = "".join(f"<dependency><artifactId>{each}</artifactId></dependency>" for each in used)
        return f"<project><parent><artifactId>all</artifactId></parent><artifactId>{name}</artifactId>{needs}</project>"

    controller = '@RestController class X { @GetMapping("/a") String a() { return ""; } }'
    files = {
        "pom.xml": "<project><artifactId>all</artifactId></project>",
        "web/pom.xml": pom("web", "middle"),
        f"web/{MAIN}/Shop.java": STARTED,
        "web/src/main/resources/application.properties": "server.servlet.context-path=/web",
        "admin/pom.xml": pom("admin", "common"),
        f"admin/{MAIN}/Shop.java": STARTED,
        "admin/src/main/resources/application.properties": "server.servlet.context-path=/admin",
        "middle/pom.xml": pom("middle", "common"),
        "common/pom.xml": pom("common"),
        "common/" + next(iter(java("X", ""))): f"package shop;\n{controller}",
        "middle/" + next(iter(java("Y", ""))): "package shop;\n" + controller.replace("X", "Y").replace("/a", "/b"),
    }
    assert listed(checkout, files) == ["GET /admin/a", "GET /web/a", "GET /web/b"]


@pytest.mark.parametrize(
    ("body", "routes"),
    [
        ('return RouterFunctions.route().GET("/a", items::list).POST("/a", accept(JSON), this::add).build();', None),
        ('return route(GET("/a"), items::list).andRoute(POST("/a").and(accept(JSON)), this::add);', None),
        ("RouterFunction<ServerResponse> r = route(GET(A), items::list); return r.andRoute(POST(A), this::add);", None),
        (
            'return route().path("/x", b -> b.GET("/{n}", items::list).nest(any, c -> c.PUT("", this::add))).build();',
            ["GET /x/{n}", "PUT /x"],
        ),
        ('return nest(path("/x"), route(GET("/a"), items::list).and(other()));', ["DELETE /x/other", "GET /x/a"]),
        (
            'return route().nest(path("/x"), () -> route(method(Verb.GET).and(path("/a")), items::list)).build();',
            ["GET /x/a"],
        ),
        (
            'return route().path("/x", b -> { b.GET("/a", items::list); b.add(other()); }).build();',
            ["DELETE /x/other", "GET /x/a"],
        ),
        ('return route(path("/a").or(path("/b")), items::list);', ["ANY /a", "ANY /b"]),
    ],
)
def test_routes_that_are_made_by_calls(checkout: Checkout, body: str, routes: list[str] | None) -> None:
    files = {
        **java(
            "Routes",
            f"""
            @Configuration class Routes {{
              static final String A = "/a";
              @Bean RouterFunction<ServerResponse> routes(Items items) {{ {body} }}
              Mono<ServerResponse> add(ServerRequest request) {{ return null; }}
              private RouterFunction<ServerResponse> other() {{ return route(DELETE("/other"), r -> null); }}
            }}""",
            "import static org.springframework.web.reactive.function.server.RouterFunctions.*;",
        ),
        **java("Items", "class Items {\n  Mono<ServerResponse> list(ServerRequest request) { return null; }\n}"),
    }
    told = found(checkout, files)
    paths = sorted(f"{route.method} {route.path}" for route in told.routes)
    wanted = ["GET /a", "POST /a"] if routes is None else routes
    if "other()" not in body:
        wanted = sorted([*wanted, "DELETE /other"])  # nobody takes it, so it stands for itself
    assert paths == wanted
    listing = [route for route in told.routes if route.function == "Items.list"]
    assert {(route.file, route.line) for route in listing} == {(f"{MAIN}/Items.java", 5)}


def test_one_long_chain_of_calls(checkout: Checkout) -> None:
    chain = "".join(f'.GET("/{number}", r -> null)' for number in range(150))
    text = f"class Routes {{ @Bean RouterFunction<ServerResponse> all() {{ return route(){chain}.build(); }} }}"
    assert len(listed(checkout, java("Routes", text))) == 150


def test_a_prefix_for_the_controllers_of_a_package(checkout: Checkout) -> None:
    files = {
        **java(
            "Web",
            """
            @Configuration class Web implements WebMvcConfigurer {
              public void configurePathMatch(PathMatchConfigurer configurer) {
                configurer.addPathPrefix("/api", HandlerTypePredicate.forAnnotation(RestController.class));
              }
            }""",
        ),
        **java("X", '@RestController class X { @GetMapping("/a") String a() { return ""; } }'),
        **java("Y", '@Controller class Y { @GetMapping("/b") String b() { return ""; } }'),
    }
    assert listed(checkout, files) == ["GET /api/a", "GET /b"]


def test_an_interface_that_only_the_build_makes(checkout: Checkout) -> None:
    files = {
        **java(
            "Items",
            """
            @RestController @RequestMapping("/api") class Items implements ItemsApi {
              @Override public ResponseEntity<Item> getItem(Long id) { return null; }
              public void helper() { }
            }""",
        ),
        "src/main/resources/api.yml": """
            openapi: 3.0.1
            paths:
              /items/{id}:
                summary: One
                get:
                  tags: [items]
                  operationId: get-item
                delete:
                  operationId: deleteItem
        """,
    }
    (route,) = (route for route in found(checkout, files).routes if route.source == "code")
    assert (route.method, route.path, route.function) == ("GET", "/api/items/{id}", "Items.getItem")
    assert (route.declared_file, route.declared_line) == ("src/main/resources/api.yml", 7)


def test_what_is_not_known_is_said(checkout: Checkout) -> None:
    (route,) = found(
        checkout,
        java("X", '@RestController class X { @GetMapping("${a.b}/x" + Other.Y) String a() { return ""; } }'),
    ).routes
    assert route.path == "/x"
    assert route.unresolved == [
        "`Other.Y` is not told by the code; the path lacks it.",
        "`${a.b}` is not told by the code; the path lacks it.",
    ]


def test_a_handler_has_its_place_and_its_source(checkout: Checkout) -> None:
    text = '@RestController class X {\n/** D */\n@GetMapping("/a")\n@Cached\nString a() {\n  return "";\n}\n}'
    (route,) = found(checkout, java("X", text)).routes
    assert (route.function, route.line, route.end_line, route.language) == ("X.a", 6, 10, "java")
    assert route.snippet.split("\n")[0].strip() == '@GetMapping("/a")'
    assert route.framework == "Spring"


def test_what_is_not_read_is_noted(checkout: Checkout) -> None:
    files = {
        **java("X", '@RestController class X { @GetMapping("/a") String a() { return ""; } }'),
        **java("Users", "@RepositoryRestResource interface Users extends JpaRepository<User, Long> { }"),
        "src/main/kotlin/shop/Y.kt": "@RestController class Y",
    }
    notes = found(checkout, files).notes
    assert "Controllers in Kotlin are not read." in notes
    assert any("@RepositoryRestResource" in note for note in notes)


@pytest.mark.parametrize(
    "trap",
    [
        "class A extends B { } class B extends A { }",
        "@interface A { } @A @interface B { }",
        "interface C { String A = C.B; String B = A; }",
        "class { ((( broken",
    ],
)
def test_circles_and_wrong_syntax_do_not_hold_up(checkout: Checkout, trap: str) -> None:
    controller = '@RestController class X extends A { @GetMapping(C.A + "/a") String a() { return ""; } }'
    routes = listed(checkout, java("X", f"{controller}\n{trap}"))
    assert routes == ["GET /a"]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/a/{id:[a-z]{2}}/b", "/a/{id}/b"),
        ("/a/*/b", "/a/{any}/b"),
        ("/a/*/*", "/a/{any}/{any2}"),
        ("/**/x", "/{path*}/x"),
        ("/a/{x}-{y}", "/a/{x}-{y}"),
        ("/a/{path:^(?!api).*$}", "/a/{path}"),
    ],
)
def test_paths(written: str, path: str) -> None:
    assert normal(written) == path


def test_a_java_package_may_be_called_build(checkout: Checkout) -> None:
    text = """package shop.build;
import org.springframework.web.bind.annotation.*;
@RestController class Builds { @GetMapping("/builds") String all() { return ""; } }
"""
    discovery = found(checkout, {f"{MAIN}/Shop.java": STARTED, f"{MAIN}/build/Builds.java": text})
    assert [(route.method, route.path) for route in discovery.routes] == [("GET", "/builds")]
