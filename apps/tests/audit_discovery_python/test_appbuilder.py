"""Flask-AppBuilder: views that are classes, added by an initializer that nobody calls."""

from __future__ import annotations

from .conftest import Found, Listed

_APP = """
    from flask import Flask
    from .extensions import appbuilder

    class Initializer:
        def __init__(self, app):
            self.app = app

        def init_views(self):
            from .views import {views}
            {adding}

    def create_app():
        app = Flask(__name__)
        app.config.get("INITIALIZER", Initializer)(app).init_views()
        return app
"""
_EXTENSIONS = """
    from flask_appbuilder import AppBuilder
    appbuilder = AppBuilder(update_perms=False)
"""


def _files(views: str, adding: str, code: str) -> dict[str, str]:
    return {
        "shop/__init__.py": "",
        "shop/app.py": _APP.format(views=views, adding=adding),
        "shop/extensions.py": _EXTENSIONS,
        "shop/views.py": code,
    }


def test_what_is_exposed_and_what_is_inherited(listed: Listed) -> None:
    code = """
        from flask_appbuilder import ModelRestApi, expose
        from flask_appbuilder.security.decorators import protect

        class Methods:
            READ = {"info", "get", "get_list"}
            OTHERS = {"related"}

        class Base(ModelRestApi):
            @expose("/related/<column_name>", methods=("GET",))
            @protect()
            def related(self, column_name): ...

        class OrderApi(Base):
            resource_name = "order"
            include_route_methods = Methods.READ | Methods.OTHERS | {"cancel", "get"} - {"info"}

            @expose("/<int:pk>/cancel", methods=["POST"])
            @expose("/<int:pk>/void", methods=["POST"])
            def cancel(self, pk): ...

            @expose("/hidden")
            def hidden(self): ...

            def get_list(self, **kwargs): ...

        class PriceList(ModelRestApi):
            version = "v2"
            exclude_route_methods = ("put", "post", "delete")

        class NeverAdded(ModelRestApi):
            resource_name = "never"
    """
    files = _files("OrderApi, PriceList", "appbuilder.add_api(OrderApi); appbuilder.add_api(PriceList)", code)
    assert listed(files) == [
        "GET /api/v1/order/_info",
        "GET /api/v1/order/related/{column_name}",
        "GET /api/v1/order/{pk}",
        "GET /api/v2/pricelist/",
        "GET /api/v2/pricelist/_info",
        "GET /api/v2/pricelist/{pk}",
        "POST /api/v1/order/{pk}/cancel",
        "POST /api/v1/order/{pk}/void",
    ]


def test_views_with_pages_and_an_index(listed: Listed) -> None:
    code = """
        from flask_appbuilder import BaseView, ModelView, SimpleFormView, expose

        class Orders(ModelView):
            include_route_methods = "list"

        class Contact(SimpleFormView):
            route_base = "/contact"

        class Help(BaseView):
            default_view = "page"

            @expose("/page/<path:name>")
            def page(self, name): ...
    """
    adding = "for view in Orders, Contact, Help(): appbuilder.add_view(view)"
    files = _files("Contact, Help, Orders", adding, code)
    assert listed(files) == [
        "GET /contact/form",
        "GET /help/page/{name*}",
        "GET /orders/list/",
        "POST /contact/form",
    ]


def test_views_that_a_security_manager_puts_in_place_of_the_librarys(found: Found) -> None:
    files = _files(
        "Start",
        "appbuilder.add_view_no_menu(Start)",
        """
        from flask_appbuilder import IndexView, expose
        from flask_appbuilder.security.sqla.manager import SecurityManager
        from flask_appbuilder.security.views import AuthDBView
        from flask_appbuilder.views import BaseView

        class Start(IndexView):
            @expose("/")
            def index(self): ...

        class Login(AuthDBView):
            @expose("/login/", methods=["GET", "POST"])
            def login(self): ...

        class Activation(BaseView):
            route_base = "/register"

            @expose("/activation/<string:key>")
            def activation(self, key): ...

        class Manager(SecurityManager):
            authdbview = Login

            def register_views(self):
                self.appbuilder.add_view_no_menu(Activation)
        """,
    )
    routes = found(files).routes
    assert sorted(f"{route.method} {route.path} {route.function}" for route in routes) == [
        "GET / Start.index",
        "GET /login/ Login.login",
        "GET /logout/ Login.logout",
        "GET /register/activation/{key} Activation.activation",
        "POST /login/ Login.login",
    ]
    assert {route.framework for route in routes} == {"Flask"}
    assert {route.file for route in routes} == {"shop/views.py"}
