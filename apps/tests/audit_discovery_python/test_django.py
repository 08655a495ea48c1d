"""Django, REST framework and Ninja."""

from __future__ import annotations

import pytest

from .conftest import Found, Listed

SETTINGS = {"config/settings.py": "ROOT_URLCONF = 'site_urls'\nAPI = 'api/'\n"}


def test_patterns_are_included_by_name_module_list_and_pair(listed: Listed) -> None:
    files = {
        **SETTINGS,
        "site_urls.py": """
            from django.conf import settings
            from django.conf.urls.i18n import i18n_patterns
            from django.contrib import admin
            from django.urls import include, path, re_path
            import blog.urls

            extra = [path("one", lambda request: None)]
            urlpatterns = [
                path("admin/", admin.site.urls),
                path(f"{settings.API}blog/", include("blog.urls", namespace="blog")),
                path("again/", include((blog.urls.urlpatterns, "blog"))),
                re_path(r"^extra/", include(extra)),
            ]
            urlpatterns += [path("tail/", include(blog.urls))]
            urlpatterns += i18n_patterns(path("hello/", lambda request: None), prefix_default_language=False)
            if settings.DEBUG:
                import debug_toolbar
                urlpatterns = [path("debug/", include(debug_toolbar.urls)), *urlpatterns]
        """,
        "blog/__init__.py": "",
        "blog/urls.py": """
            from django.urls import path
            from . import views
            app_name = "blog"
            urlpatterns = [path("<int:year>/<path:rest>", views.archive)]
        """,
        "blog/views.py": """
            from django.views.decorators.http import require_GET

            @require_GET
            def archive(request, year, rest): ...
        """,
    }
    assert listed(files) == [
        "ANY /extra/one",
        "ANY /hello/",
        "GET /again/{year}/{rest*}",
        "GET /api/blog/{year}/{rest*}",
        "GET /tail/{year}/{rest*}",
    ]


@pytest.mark.parametrize(
    ("regex", "path"),
    [
        (r"^users/$", "/users/"),
        (r"^users/(?P<pk>\d+)/$", "/users/{pk}/"),
        (r"^(?P<slug>[-\w/]+)/edit$", "/{slug*}/edit"),
        (r"^(?P<path>.*)$", "/{path*}"),
        (r"^a/(\d+)/b/([^/]+)$", "/a/{arg1}/b/{arg2}"),
        (r"^robots\.txt$", "/robots.txt"),
        (r"^page(?:/(?P<page>[0-9]+))?/?$", "/page"),
        (r"^(?P<kind>one|two)/x$", "/{kind}/x"),
        (r"^(?:old|new)/y\Z", "/old/y"),
        (r"^x/[a-z]{2,3}/(?P<id>(?:[0-9a-f]{8}))$", "/x/{arg1}/{id}"),
        (r"^(?i:mixed)/z$", "/mixed/z"),
    ],
)
def test_regular_expressions_become_paths(listed: Listed, regex: str, path: str) -> None:
    urls = f"from django.urls import re_path\nurlpatterns = [re_path(r'{regex}', lambda request: None)]\n"
    assert listed({"config/settings.py": "ROOT_URLCONF = 'site_urls'\n", "site_urls.py": urls}) == [f"ANY {path}"]


def test_methods_of_views_by_decorator_class_or_refusal(listed: Listed) -> None:
    files = {
        **SETTINGS,
        "site_urls.py": """
            from django.urls import path
            from django.views.decorators.csrf import csrf_exempt
            from django.views.generic import TemplateView
            from django.contrib.auth import views as auth
            import views as v
            urlpatterns = [
                path("free", v.free), path("listed", v.listed), path("own", v.own), path("refusing", v.refusing),
                path("not-allowed", v.not_allowed), path("class", csrf_exempt(v.Thing.as_view())),
                path("limited", v.Limited.as_view()), path("form", v.Form.as_view()),
                path("page", TemplateView.as_view(template_name="x")), path("login", auth.LoginView.as_view()),
                path("dispatched", v.dispatch, {"GET": v.free, "POST": v.own}),
            ]
        """,
        "views.py": """
            from functools import wraps
            from django.http import HttpResponse, HttpResponseNotAllowed
            from django.views import View
            from django.views.decorators.http import require_http_methods
            from django.views.generic import FormView

            def only(*methods):
                def decorate(view):
                    @wraps(view)
                    def inner(request):
                        if request.method not in methods:
                            return HttpResponse(status=405)
                        return view(request)
                    return inner
                return decorate

            def free(request): ...

            @require_http_methods(["GET", "HEAD", "PUT"])
            def listed(request): ...

            @only("PATCH")
            def own(request): ...

            def refusing(request):
                if request.method != "POST":
                    return HttpResponse(status=405)

            def not_allowed(request):
                return HttpResponseNotAllowed(["DELETE"])

            class Base(View):
                def get(self, request): ...

            class Thing(Base):
                def delete(self, request): ...

            class Limited(Thing):
                http_method_names = ["delete"]

            class Form(FormView): ...

            def dispatch(request, **handlers): ...
        """,
    }
    assert listed(files) == [
        "ANY /free",
        "DELETE /class",
        "DELETE /limited",
        "DELETE /not-allowed",
        "GET /class",
        "GET /dispatched",
        "GET /form",
        "GET /listed",
        "GET /login",
        "GET /page",
        "PATCH /own",
        "POST /dispatched",
        "POST /form",
        "POST /login",
        "POST /refusing",
        "PUT /listed",
    ]


def test_routers_and_viewsets_over_files(listed: Listed) -> None:
    files = {
        **SETTINGS,
        "site_urls.py": """
            from django.urls import include, path
            from rest_framework.routers import DefaultRouter, SimpleRouter
            from rest_framework.urlpatterns import format_suffix_patterns
            from rest_framework_nested.routers import NestedSimpleRouter
            from shop import views

            router = DefaultRouter()
            router.register("books", views.Books, basename="book")
            plain = SimpleRouter(trailing_slash=False)
            plain.register(r"tags", views.Tags)
            nested = NestedSimpleRouter(router, "books", lookup="book")
            nested.register("pages", views.Pages)
            urlpatterns = [
                path("api/", include(router.urls)),
                path("api/", include(nested.urls)),
                path("plain/", include((plain.urls, "plain"))),
                path("mapped/", views.Pages.as_view({"get": "list", "post": "make"})),
                path("func/", views.func),
            ]
            urlpatterns += format_suffix_patterns([path("list/", views.BookList.as_view())])
        """,
        "shop/__init__.py": "",
        "shop/base.py": """
            from rest_framework import mixins, viewsets

            class ReadDelete(mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet): ...
        """,
        "shop/views.py": """
            from rest_framework import generics, viewsets
            from rest_framework.decorators import action, api_view
            from .base import ReadDelete

            class Books(viewsets.ModelViewSet):
                lookup_field = "isbn"
                http_method_names = ["get", "post", "delete"]

                @action(detail=True, methods=["post", "put"], url_path="lend/(?P<days>[0-9]+)")
                def lend(self, request, isbn, days): ...

                @action(detail=False)
                def newest(self, request): ...

                @newest.mapping.delete
                def forget(self, request): ...

            class Tags(ReadDelete):
                def list(self, request): ...

            class Pages(viewsets.ViewSet):
                def list(self, request): ...
                def make(self, request): ...

            class BookList(generics.ListCreateAPIView): ...

            @api_view(["GET", "PATCH"])
            def func(request): ...
        """,
    }
    assert listed(files) == [
        "DELETE /api/books/newest/",
        "DELETE /api/books/{isbn}/",
        "DELETE /plain/tags/{pk}",
        "GET /api/",
        "GET /api/books/",
        "GET /api/books/newest/",
        "GET /api/books/{book_isbn}/pages/",
        "GET /api/books/{isbn}/",
        "GET /func/",
        "GET /list/",
        "GET /mapped/",
        "GET /plain/tags",
        "GET /plain/tags/{pk}",
        "PATCH /func/",
        "POST /api/books/",
        "POST /api/books/{isbn}/lend/{days}/",
        "POST /list/",
        "POST /mapped/",
    ]


def test_ninja_apis_and_routers(found: Found) -> None:
    files = {
        **SETTINGS,
        "site_urls.py": """
            from django.urls import path
            from ninja import NinjaAPI
            from events import router

            api = NinjaAPI(version="2")
            api.add_router("/events/", router)
            api.add_router("/users", "users.router")

            @api.get("/hello")
            def hello(request): ...

            urlpatterns = [path("api/", api.urls)]
        """,
        "events.py": """
            from ninja import Router
            router = Router()

            @router.api_operation(["POST", "PATCH"], "/{int:event_id}")
            def change(request, event_id): ...
        """,
        "users.py": "from ninja import Router\nrouter = Router()\n@router.get('/me')\ndef me(request): ...\n",
    }
    routes = found(files).routes
    assert {route.framework for route in routes} == {"Django Ninja"}
    assert sorted(f"{route.method} {route.path}" for route in routes) == [
        "GET /api/hello",
        "GET /api/users/me",
        "PATCH /api/events/{event_id}",
        "POST /api/events/{event_id}",
    ]


def test_an_application_without_settings_begins_at_the_patterns_that_nobody_includes(listed: Listed) -> None:
    files = {
        "app/urls.py": "from django.urls import include, path\nurlpatterns = [path('x/', include('app.inner'))]\n",
        "app/inner.py": "from django.urls import path\nurlpatterns = [path('y', lambda request: None)]\n",
        "app/__init__.py": "",
    }
    assert listed(files) == ["ANY /x/y"]


def test_a_view_that_is_called_like_the_librarys_class(listed: Listed) -> None:
    files = {
        "urls.py": """
            from django.urls import path
            from shop.views import DeleteView, ListView
            urlpatterns = [path("orders/", ListView.as_view()), path("orders/<int:pk>/delete/", DeleteView.as_view())]
        """,
        "shop/views.py": """
            from django.views.generic import DeleteView, ListView

            class Checked: ...

            class ListView(ListView):
                template_name = "orders.html"

            class DeleteView(Checked, DeleteView):
                def dispatch(self, request, *args, **kwargs):
                    return super().dispatch(request, *args, **kwargs)
        """,
    }
    assert listed(files) == [
        "DELETE /orders/{pk}/delete/",
        "GET /orders/",
        "GET /orders/{pk}/delete/",
        "POST /orders/{pk}/delete/",
    ]


def test_urls_of_the_applications_that_call_themselves_plugins(listed: Listed) -> None:
    files = {
        "config/settings.py": """
            ROOT_URLCONF = "config.urls"
            INSTALLED_APPS = ["django.contrib.auth", "shop", "plugins.mail", "plugins.badges.apps.BadgesConfig"]
        """,
        "config/urls.py": """
            import importlib
            from django.apps import apps
            from django.urls import include, path

            urlpatterns = [path("shop/", include("shop.urls"))]
            for app in apps.get_app_configs():
                if hasattr(app, "PluginMeta"):
                    module = importlib.import_module(app.name + ".urls")
                    if hasattr(module, "urlpatterns"):
                        urlpatterns += [path(f"{app.label}/", include(module.urlpatterns))]
                    if hasattr(module, "event_patterns"):
                        urlpatterns += [path("<str:event>/", include(module.event_patterns))]
        """,
        "shop/urls.py": "from django.urls import path\nurlpatterns = [path('', lambda request: None)]",
        "plugins/mail/apps.py": """
            from django.apps import AppConfig

            class MailConfig(AppConfig):
                name = "plugins.mail"
                class PluginMeta: ...
        """,
        "plugins/mail/urls.py": """
            from django.urls import path
            from . import views
            event_patterns = [path("mails/", views.mails)]
        """,
        "plugins/mail/views.py": "def mails(request, event): ...",
        "plugins/badges/apps.py": """
            from django.apps import AppConfig

            class Plugin(AppConfig):
                class PluginMeta: ...

            class BadgesConfig(Plugin):
                name = "plugins.badges"
                label = "cards"
        """,
        "plugins/badges/urls.py": """
            from django.urls import path
            urlpatterns = [path("print/", lambda request: None)]
        """,
    }
    assert listed(files) == ["ANY /cards/print/", "ANY /shop/", "ANY /{event}/mails/"]


def test_views_that_applications_register_for_their_models_while_django_starts(listed: Listed) -> None:
    files = {
        "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['stock']",
        "urls.py": """
            from django.urls import include, path
            from registry import urls_of
            urlpatterns = [path(f"{name}s/<int:pk>/", include(urls_of(name))) for name in ("item", "bin")]
        """,
        "registry.py": """
            from collections import defaultdict
            from django.urls import path

            views = defaultdict(list)

            class Journalled: ...

            def register(model, name):
                def wrap(view):
                    views[model._meta.model_name].append((name, view))
                    return view
                return wrap

            def urls_of(name):
                return [path(f"{each}/", view) for each, view in views[name]]

            def register_models(*models):
                from views import journal, log
                for model in models:
                    if issubclass(model, Journalled):
                        register(model, "journal")(journal)
                    register(model, "log")(log)
        """,
        "views.py": "def journal(request, pk): ...\ndef log(request, pk): ...",
        "stock/__init__.py": "",
        "stock/apps.py": """
            from django.apps import AppConfig

            class StockConfig(AppConfig):
                name = "stock"

                def ready(self):
                    from registry import register_models
                    register_models(*self.get_models())
        """,
        "stock/models.py": """
            from django.db import models
            from registry import Journalled

            class Base(models.Model):
                class Meta:
                    abstract = True

            class Item(Journalled, Base): ...

            class Bin(Base): ...
        """,
    }
    assert listed(files) == ["ANY /bins/{pk}/log/", "ANY /items/{pk}/journal/", "ANY /items/{pk}/log/"]


def test_a_view_within_a_wrapper_of_the_repository_is_the_handler(found: Found) -> None:
    files = {
        "urls.py": """
            from django.urls import path
            from checks import once_a_minute, signed_in
            from views import Login, Orders, report
            urlpatterns = [
                path("login/", once_a_minute(5)(Login.as_view())),
                path("orders/", signed_in(Orders.as_view())),
                path("report/", signed_in(signed_in(report))),
            ]
        """,
        "checks.py": """
            from functools import wraps

            def signed_in(view):
                @wraps(view)
                def wrapper(request, *args, **kwargs):
                    return view(request, *args, **kwargs)
                return wrapper

            def once_a_minute(times):
                def decorator(view):
                    @wraps(view)
                    def wrapper(*args, **kwargs):
                        return view(*args, **kwargs)
                    return wrapper
                return decorator
        """,
        "views.py": """
            from django.contrib.auth.views import LoginView
            from django.views import View
            from django.views.decorators.http import require_GET

            class Login(LoginView): ...

            class Orders(View):
                def get(self, request): ...

            @require_GET
            def report(request): ...
        """,
    }
    assert sorted(f"{route.method} {route.path} {route.function}" for route in found(files).routes) == [
        "GET /login/ Login",
        "GET /orders/ Orders.get",
        "GET /report/ report",
        "POST /login/ Login",
    ]
