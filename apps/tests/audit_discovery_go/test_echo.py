"""Routes of Echo programs: the prefix stands right before the path, and the handler before its middleware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from accepted_apps.audit.discovery import discover

Checkout = Callable[[Mapping[str, str]], Path]


@pytest.mark.parametrize(
    "package", ["github.com/labstack/echo", "github.com/labstack/echo/v4", "github.com/labstack/echo/v5"]
)
def test_groups_methods_and_handlers(checkout: Checkout, package: str) -> None:
    found = discover(
        checkout(
            {
                "go.mod": "module example.com/shop\n",
                "main.go": f"""
                package main

                import "{package}"

                type Handler struct{{}}

                func (h *Handler) Register(g *echo.Group) {{
                    g.GET("", h.list)
                    g.POST("/:id/items/*", h.list, logged)
                }}

                func (h *Handler) list(c echo.Context) error {{ return nil }}

                func logged(next echo.HandlerFunc) echo.HandlerFunc {{ return next }}

                func NewHandler() *Handler {{ return &Handler{{}} }}

                func main() {{
                    e := echo.New()
                    h := NewHandler()
                    h.Register(e.Group("/orders", logged))
                    e.Add("PATCH", "/patched", h.list)
                    e.Match([]string{{"GET", "POST"}}, "/both", h.list)
                    e.Any("/any", h.list)
                    e.Static("/assets", "public")
                    e.File("/", "index.html")
                    e.RouteNotFound("/*", h.list)
                    e.Host("api.example.com").GET("/hosted", h.list)
                }}
                """,
            }
        )
    ).routes
    assert {f"{route.method} {route.path}" for route in found} == {
        "GET /orders",
        "POST /orders/{id}/items/{path*}",
        "PATCH /patched",
        "GET /both",
        "POST /both",
        "ANY /any",
        "GET /hosted",
    }
    assert {(route.framework, route.function) for route in found} == {("Echo", "Handler.list")}


def test_a_registrar_made_by_a_generator(checkout: Checkout) -> None:
    """What oapi-codegen writes: an interface of the router, a wrapper of the handlers, a base path."""
    found = discover(
        checkout(
            {
                "go.mod": "module example.com/shop\n",
                "api/server.gen.go": """
                package api

                import "github.com/labstack/echo/v4"

                type ServerInterface interface {
                    FindPets(ctx echo.Context) error
                }

                type ServerInterfaceWrapper struct {
                    Handler ServerInterface
                }

                func (w *ServerInterfaceWrapper) FindPets(ctx echo.Context) error { return w.Handler.FindPets(ctx) }

                type EchoRouter interface {
                    GET(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
                }

                func RegisterHandlers(router EchoRouter, si ServerInterface) {
                    RegisterHandlersWithBaseURL(router, si, "")
                }

                func RegisterHandlersWithBaseURL(router EchoRouter, si ServerInterface, baseURL string) {
                    wrapper := ServerInterfaceWrapper{Handler: si}
                    router.GET(baseURL+"/pets", wrapper.FindPets)
                }
                """,
                "main.go": """
                package main

                import (
                    "example.com/shop/api"
                    "github.com/labstack/echo/v4"
                )

                func main() {
                    api.RegisterHandlersWithBaseURL(echo.New(), nil, "/v1")
                }
                """,
            }
        )
    ).routes
    assert [(route.method, route.path, route.function, route.unresolved) for route in found] == [
        ("GET", "/v1/pets", "ServerInterfaceWrapper.FindPets", [])
    ]


def test_options_that_register_routes_when_they_are_called(checkout: Checkout) -> None:
    found = discover(
        checkout(
            {
                "go.mod": "module example.com/shop\n",
                "routes/routes.go": """
                package routes

                import "github.com/labstack/echo/v4"

                type Option func(e *echo.Echo, settings string) error

                func WithMetrics(path string) Option {
                    return func(e *echo.Echo, _ string) error {
                        e.GET(path, metrics)
                        return nil
                    }
                }

                func Unused() Option {
                    return func(e *echo.Echo, _ string) error {
                        e.GET("/unused", metrics)
                        return nil
                    }
                }

                func New(options ...Option) *echo.Echo {
                    e := echo.New()
                    for _, option := range options {
                        if err := option(e, ""); err != nil {
                            return nil
                        }
                    }
                    return e
                }
                """,
                "main.go": """
                package main

                import "example.com/shop/routes"

                func main() {
                    options := []routes.Option{}
                    if measured() {
                        options = append(options, routes.WithMetrics("/metrics"))
                    }
                    routes.New(options...).Start(":80")
                }
                """,
            }
        )
    ).routes
    assert {f"{route.method} {route.path}" for route in found} == {"GET /metrics"}
