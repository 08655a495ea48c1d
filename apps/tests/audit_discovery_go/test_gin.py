"""Routes of Gin programs, as Gin itself would print them when it starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from accepted_apps.audit.discovery import discover
from accepted_apps.audit.discovery.gin import normal
from accepted_apps.audit.model import Route

Checkout = Callable[[Mapping[str, str]], Path]
MODULE = "module example.com/shop\n\ngo 1.22\n\nrequire github.com/gin-gonic/gin v1.10.0\n"
HEAD = 'package main\n\nimport "github.com/gin-gonic/gin"\n\n'


def routes_of(checkout: Checkout, files: Mapping[str, str]) -> list[Route]:
    return discover(checkout({"go.mod": MODULE, **files})).routes


def listed(routes: list[Route]) -> set[str]:
    return {f"{route.method} {route.path}" for route in routes}


def of_main(checkout: Checkout, body: str) -> set[str]:
    return listed(routes_of(checkout, {"main.go": f"{HEAD}func list(c *gin.Context) {{}}\n\n{body}"}))


def test_groups_on_groups_in_blocks_and_paths_without_a_slash(checkout: Checkout) -> None:
    assert of_main(
        checkout,
        """
        func main() {
            r := gin.Default()
            api := r.Group("api")
            {
                v1 := api.Group("/v1/")
                {
                    v1.GET("users", list)
                    v1.GET("/users/:id/*rest", list)
                    v1.POST("", list)
                    v1.DELETE("/", list)
                }
            }
            r.Group("/a").Group("/b").Use(list).PUT("/c", list).PATCH("/d", list)
        }
        """,
    ) == {
        "GET /api/v1/users",
        "GET /api/v1/users/{id}/{rest*}",
        "POST /api/v1/",
        "DELETE /api/v1/",
        "PUT /a/b/c",
        "PATCH /a/b/d",
    }


def test_every_way_to_name_a_method(checkout: Checkout) -> None:
    assert of_main(
        checkout,
        """
        func main() {
            r := gin.New()
            r.Any("/any", list)
            r.Handle("PURGE", "/cache", list)
            r.Match([]string{"GET", "HEAD"}, "/match", list)
            r.OPTIONS("/options", list)
        }
        """,
    ) == {"ANY /any", "PURGE /cache", "GET /match", "HEAD /match", "OPTIONS /options"}


def test_constants_of_net_http_are_methods(checkout: Checkout) -> None:
    found = routes_of(
        checkout,
        {
            "main.go": """
            package main

            import (
                "net/http"
                "github.com/gin-gonic/gin"
            )

            func main() {
                r := gin.New()
                r.Handle(http.MethodPut, "/put", nil)
                r.Match([]string{http.MethodGet, http.MethodHead}, "/match", nil)
            }
            """
        },
    )
    assert listed(found) == {"PUT /put", "GET /match", "HEAD /match"}


def test_static_files_and_what_no_route_answers_are_no_api(checkout: Checkout) -> None:
    assert of_main(
        checkout,
        """
        func main() {
            r := gin.Default()
            r.Static("/assets", "./public")
            r.StaticFile("/favicon.ico", "./favicon.ico")
            r.NoRoute(list)
            r.NoMethod(list)
            r.GET("/only", list)
        }
        """,
    ) == {"GET /only"}


def test_paths_are_put_together_from_constants_and_formats(checkout: Checkout) -> None:
    found = routes_of(
        checkout,
        {
            "main.go": """
            package main

            import (
                "fmt"
                "path"
                "github.com/gin-gonic/gin"
            )

            const prefix = "/api"
            const users = prefix + "/users"

            var version = "v2"

            func versioned(name string) string { return fmt.Sprintf("/%s/%s", version, name) }

            func main() {
                r := gin.Default()
                r.GET(users, nil)
                r.GET(users+"/:id", nil)
                r.GET(fmt.Sprintf("%s/%s/orders", prefix, version), nil)
                r.GET(path.Join(prefix, "joined"), nil)
                r.GET(versioned("made"), nil)
            }
            """
        },
    )
    assert listed(found) == {
        "GET /api/users",
        "GET /api/users/{id}",
        "GET /api/v2/orders",
        "GET /api/joined",
        "GET /v2/made",
    }


def test_groups_handed_to_functions_of_other_packages(checkout: Checkout) -> None:
    found = routes_of(
        checkout,
        {
            "main.go": """
            package main

            import (
                "github.com/gin-gonic/gin"
                "example.com/shop/internal/orders"
                people "example.com/shop/internal/users"
            )

            func main() {
                r := gin.Default()
                v1 := r.Group("/v1")
                people.Register(v1.Group("/users"))
                people.Register(r.Group("/v2/users"))
                orders.New(v1).Routes()
            }
            """,
            "internal/users/routes.go": """
            package users

            import "github.com/gin-gonic/gin"

            func Register(g *gin.RouterGroup) {
                g.GET("/:id", Show)
            }
            """,
            "internal/users/handlers.go": """
            package users

            import "github.com/gin-gonic/gin"

            // Show answers with one user.
            func Show(c *gin.Context) {
                c.JSON(200, nil)
            }
            """,
            "internal/orders/orders.go": """
            package orders

            import "github.com/gin-gonic/gin"

            type Handler struct {
                group *gin.RouterGroup
            }

            func New(g *gin.RouterGroup) *Handler {
                return &Handler{group: g.Group("/orders")}
            }

            func (h *Handler) Routes() {
                h.group.GET("", h.list)
                h.group.POST("", h.create())
            }

            func (h *Handler) list(c *gin.Context) {}

            func (h *Handler) create() gin.HandlerFunc {
                return func(c *gin.Context) {}
            }
            """,
        },
    )
    assert listed(found) == {"GET /v1/users/{id}", "GET /v2/users/{id}", "GET /v1/orders", "POST /v1/orders"}
    shown = next(route for route in found if route.path == "/v1/users/{id}")
    assert (shown.file, shown.line, shown.end_line, shown.function) == ("internal/users/handlers.go", 6, 8, "Show")
    assert (shown.declared_file, shown.declared_line) == ("internal/users/routes.go", 6)
    assert shown.snippet.startswith("func Show(")
    assert shown.snippet.endswith("}")
    assert {route.function for route in found} == {"Show", "Handler.list", "Handler.create"}


def test_a_router_in_a_field_and_in_an_embedded_type(checkout: Checkout) -> None:
    found = routes_of(
        checkout,
        {
            "server.go": """
            package main

            import "github.com/gin-gonic/gin"

            type base struct{ *gin.Engine }

            type Server struct {
                base
                api *gin.RouterGroup
            }

            func NewServer() *Server {
                s := &Server{}
                s.Engine = gin.New()
                s.api = s.Group("/api")
                s.routes()
                return s
            }

            func (s *Server) routes() {
                s.GET("/health", s.health)
                s.api.GET("/items", s.items)
            }

            func (s *Server) health(c *gin.Context) {}
            func (s *Server) items(c *gin.Context)  {}

            func main() { NewServer() }
            """
        },
    )
    assert listed(found) == {"GET /health", "GET /api/items"}


def test_tables_of_routes_in_loops_and_switches(checkout: Checkout) -> None:
    assert of_main(
        checkout,
        """
        type route struct {
            Name, Method, Pattern string
            Handler gin.HandlerFunc
        }

        var routes = []route{
            {"List", "GET", "/pets", list},
            {Name: "Make", Method: "POST", Pattern: "/pets", Handler: list},
        }

        var extra = map[string]gin.HandlerFunc{"/one": list, "/two": list}

        func main() {
            r := gin.Default()
            for _, each := range routes {
                switch each.Method {
                case "GET":
                    r.GET(each.Pattern, each.Handler)
                case "POST":
                    r.POST(each.Pattern, each.Handler)
                default:
                    r.DELETE(each.Pattern, each.Handler)
                }
            }
            for path, handler := range extra {
                r.Group("/extra").Handle("PUT", path, handler)
            }
        }
        """,
    ) == {"GET /pets", "POST /pets", "PUT /extra/one", "PUT /extra/two"}


def test_functions_that_register_themselves_in_a_list(checkout: Checkout) -> None:
    found = routes_of(
        checkout,
        {
            "router/router.go": """
            package router

            import "github.com/gin-gonic/gin"

            var registered = make([]func(*gin.RouterGroup), 0)

            func Init(r *gin.Engine) {
                v1 := r.Group("/api/v1")
                for _, register := range registered {
                    register(v1)
                }
            }
            """,
            "router/users.go": """
            package router

            import "github.com/gin-gonic/gin"

            func init() { registered = append(registered, users) }

            func users(v1 *gin.RouterGroup) { v1.GET("/users", nil) }
            """,
            "main.go": """
            package main

            import (
                "github.com/gin-gonic/gin"
                "example.com/shop/router"
            )

            func main() { router.Init(gin.Default()) }
            """,
        },
    )
    assert [(route.method, route.path, route.unresolved) for route in found] == [("GET", "/api/v1/users", [])]


def test_an_interface_that_a_router_satisfies(checkout: Checkout) -> None:
    assert of_main(
        checkout,
        """
        type Registrar interface {
            GET(string, ...gin.HandlerFunc) gin.IRoutes
        }

        type module interface{ Mount(r *gin.RouterGroup) }
        type users struct{}
        type orders struct{}

        func (users) Mount(r *gin.RouterGroup)  { r.GET("/users", list) }
        func (orders) Mount(r *gin.RouterGroup) { r.GET("/orders", list) }

        func register(r Registrar) { r.GET("/features", list) }

        func modules() []module { return load() }

        func main() {
            r := gin.Default()
            register(r)
            for _, each := range modules() {
                each.Mount(r.Group("/m"))
            }
        }
        """,
    ) == {"GET /features", "GET /m/users", "GET /m/orders"}


def test_a_router_that_is_injected_in_a_type_of_another_package(checkout: Checkout) -> None:
    """As with fx: nothing in the repository calls the constructors, and the routes' package does not import Gin."""
    found = routes_of(
        checkout,
        {
            "lib/handler.go": """
            package lib

            import "github.com/gin-gonic/gin"

            type RequestHandler struct{ Gin *gin.Engine }

            func NewRequestHandler() RequestHandler { return RequestHandler{Gin: gin.New()} }
            """,
            "routes/users.go": """
            package routes

            import "example.com/shop/lib"

            type UserRoutes struct {
                handler lib.RequestHandler
            }

            func (s UserRoutes) Setup() {
                api := s.handler.Gin.Group("/api")
                api.GET("/users", nil)
            }

            func NewUserRoutes(handler lib.RequestHandler) UserRoutes { return UserRoutes{handler: handler} }
            """,
        },
    )
    assert [(route.path, route.unresolved) for route in found] == [("/api/users", [])]


def test_values_that_hold_each_other(checkout: Checkout) -> None:
    assert of_main(
        checkout,
        """
        type node struct {
            next  *node
            visit func(*node)
        }

        func (n *node) walk(other *node) {}

        func main() {
            a := &node{}
            a.next = a
            a.visit = a.walk
            register(a, gin.Default())
        }

        func register(n *node, r *gin.Engine) { r.GET("/found", list) }
        """,
    ) == {"GET /found"}


def test_what_the_code_does_not_tell_is_said(checkout: Checkout) -> None:
    found = routes_of(
        checkout,
        {
            "main.go": f"""{HEAD}
func main() {{
	r := gin.Default()
	g := r.Group(config.Prefix)
	g.GET("/users", nil)
	g.GET(config.Path, nil)
}}
"""
        },
    )
    assert [(route.path, route.unresolved) for route in found] == [
        ("/users", ["What config.Prefix is in line 8 could not be told."])
    ]


def test_a_group_whose_caller_is_not_found(checkout: Checkout) -> None:
    """A library of routes: nothing in it has an engine."""
    found = routes_of(
        checkout,
        {
            "users/routes.go": """
        package users

        import "github.com/gin-gonic/gin"

        func Register(g *gin.RouterGroup) { g.GET("/users", nil) }

        func Mount(e *gin.Engine) { e.GET("/health", nil) }
        """
        },
    )
    assert {route.path: bool(route.unresolved) for route in found} == {"/users": True, "/health": False}


def test_what_is_never_called_registers_nothing(checkout: Checkout) -> None:
    folder = checkout(
        {
            "go.mod": MODULE,
            "main.go": f'{HEAD}func main() {{ gin.Default().GET("/used", nil) }}\n',
            "old.go": f'{HEAD}func old(r *gin.Engine) {{ r.GET("/old", nil) }}\n',
        }
    )
    found = discover(folder)
    assert listed(found.routes) == {"GET /used"}
    assert found.notes == ["What registers routes and is never called is left out: old.go"]


def test_several_programs_and_modules_in_one_repository(checkout: Checkout) -> None:
    program = '{head}func main() {{\n\tr := gin.Default()\n\tr.GET("/{name}", nil)\n}}\n'
    found = discover(
        checkout(
            {
                "a/go.mod": "module a\n",
                "a/main.go": program.format(head=HEAD, name="a"),
                "b/go.mod": "module b\n",
                "b/main.go": program.format(head=HEAD, name="b"),
            }
        )
    )
    assert listed(found.routes) == {"GET /a", "GET /b"}
    assert found.frameworks == ["Gin"]


def test_clients_maps_and_tests_have_no_routes(checkout: Checkout) -> None:
    found = routes_of(
        checkout,
        {
            "main.go": f"""{HEAD}
func list(c *gin.Context) {{
	client.GET("/remote", nil)
	c.Request.Header.Get("/x")
	db.Group("/name").Find(nil)
}}

func main() {{ gin.Default().GET("/real", list) }}
""",
            "main_test.go": f'{HEAD}func TestIt(t *testing.T) {{ gin.Default().GET("/test", nil) }}\n',
        },
    )
    assert listed(found) == {"GET /real"}


def test_wrapped_handlers_are_named_for_what_they_wrap(checkout: Checkout) -> None:
    found = routes_of(
        checkout,
        {
            "main.go": f"""{HEAD}
func show(c *gin.Context) {{}}

func serve(file string, replace func(string) string) gin.HandlerFunc {{
	return func(c *gin.Context) {{}}
}}

func same(text string) string {{ return text }}

func main() {{
	r := gin.Default()
	r.GET("/wrapped", authorized(show))
	r.GET("/made", serve("index.html", same))
	r.GET("/closure", func(c *gin.Context) {{
		c.JSON(200, nil)
	}})
}}
"""
        },
    )
    assert {route.path: route.function for route in found} == {"/wrapped": "show", "/made": "serve", "/closure": ""}
    closure = next(route for route in found if route.path == "/closure")
    assert (closure.line, closure.end_line) == (18, 20)


@pytest.mark.parametrize(
    "broken",
    ["package main\nfunc main( {{{", "\x00\x01", "", "package main\n" + "func f() { f() }\n" * 50],
)
def test_code_that_is_no_go_harms_nothing(checkout: Checkout, broken: str) -> None:
    found = routes_of(
        checkout,
        {
            "bad/bad.go": f"// github.com/gin-gonic/gin\n{broken}",
            "main.go": f'{HEAD}func main() {{ gin.Default().GET("/good", nil) }}\n',
        },
    )
    assert listed(found) == {"GET /good"}


def test_functions_that_call_each_other_without_end_are_left(checkout: Checkout) -> None:
    found = of_main(
        checkout,
        """
        func ping(r *gin.RouterGroup) { pong(r.Group("/ping")) }
        func pong(r *gin.RouterGroup) { ping(r.Group("/pong")) }

        func main() {
            r := gin.Default()
            r.GET("/first", list)
            ping(r.Group("/"))
            r.GET("/last", list)
        }
        """,
    )
    assert found == {"GET /first", "GET /last"}


def test_normal_paths() -> None:
    assert normal("/users/:id") == "/users/{id}"
    assert normal("files/*path") == "/files/{path*}"
    assert normal("/any/*") == "/any/{path*}"
    assert normal(r"/v1/users\:batch") == "/v1/users:batch"
    assert normal("/:from-:to") == "/{from}-{to}"
