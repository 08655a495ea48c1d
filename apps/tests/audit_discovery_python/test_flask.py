"""Flask and its extensions."""

from __future__ import annotations

from .conftest import Found, Listed


def test_routes_methods_and_converters(listed: Listed) -> None:
    files = {
        "app.py": """
            from flask import Flask
            app = Flask(__name__)

            @app.route("/")
            @app.route("/index")
            def index(): ...

            @app.route("/users/<int:user_id>", methods=["GET", "POST", "HEAD", "OPTIONS"])
            def user(user_id): ...

            @app.post("/files/<path:name>")
            def upload(name): ...

            def rule(): ...
            app.add_url_rule("/rule/<any(a, b):kind>", "rule", rule, methods=("PUT",))
            app.add_url_rule("/lambda", view_func=lambda: "x")

            @app.errorhandler(404)
            def missing(error): ...

            @app.before_request
            def before(): ...
        """
    }
    assert listed(files) == [
        "GET /",
        "GET /index",
        "GET /lambda",
        "GET /users/{user_id}",
        "POST /files/{name*}",
        "POST /users/{user_id}",
        "PUT /rule/{kind}",
    ]


def test_blueprints_in_each_other_registered_by_a_factory_that_nobody_calls(listed: Listed) -> None:
    files = {
        "shop/__init__.py": """
            from flask import Flask

            def create_app(config=None):
                app = Flask(__name__)
                app.config.from_object(config)
                from .api import api
                from . import pages
                app.register_blueprint(api, url_prefix="/api")
                app.register_blueprint(pages.bp)
                return app
        """,
        "shop/api/__init__.py": """
            from flask import Blueprint
            api = Blueprint("api", __name__, url_prefix="/ignored")
            from . import items, orders  # noqa
            api.register_blueprint(orders.orders)
        """,
        "shop/api/items.py": """
            from . import api

            @api.route("/items")
            def items(): ...
        """,
        "shop/api/orders.py": """
            from flask import Blueprint
            orders = Blueprint("orders", __name__, url_prefix="/orders")

            @orders.delete("/<uuid:order>")
            def cancel(order): ...
        """,
        "shop/pages.py": """
            import flask
            bp = flask.Blueprint("pages", __name__, url_prefix="/pages")

            @bp.get("/about/")
            def about(): ...
        """,
        "shop/unused.py": """
            from flask import Blueprint
            dead = Blueprint("dead", __name__)

            @dead.get("/dead")
            def nothing(): ...
        """,
    }
    assert listed(files) == ["DELETE /api/orders/{order}", "GET /api/items", "GET /pages/about/"]


def test_method_views_take_their_methods_from_the_class_and_its_bases(found: Found) -> None:
    files = {
        "app.py": """
            from flask import Flask
            from flask.views import MethodView, View

            class Base(MethodView):
                def get(self, id=None): ...

            class Users(Base):
                decorators = [lambda view: view]

                def post(self): ...

            class Report(View):
                methods = ["GET", "PATCH"]

                def dispatch_request(self): ...

            app = Flask(__name__)
            users = Users.as_view("users")
            app.add_url_rule("/users", view_func=users)
            app.add_url_rule("/users/<int:id>", view_func=users, methods=["GET"])
            app.add_url_rule("/report", view_func=Report.as_view("report"))
        """
    }
    assert sorted((route.method, route.path, route.function) for route in found(files).routes) == [
        ("GET", "/report", "Report.dispatch_request"),
        ("GET", "/users", "Base.get"),
        ("GET", "/users/{id}", "Base.get"),
        ("PATCH", "/report", "Report.dispatch_request"),
        ("POST", "/users", "Users.post"),
    ]


def test_restful_resources_also_by_a_method_of_ones_own(listed: Listed) -> None:
    files = {
        "app.py": """
            from flask import Blueprint, Flask
            from flask_restful import Api, Resource

            def scoped(rule):
                return "/org" + rule

            class MyApi(Api):
                def add_scoped(self, resource, *urls, **options):
                    return self.add_resource(resource, *[scoped(url) for url in urls], **options)

            class Todo(Resource):
                def get(self, id): ...
                def delete(self, id): ...

            bp = Blueprint("api", __name__, url_prefix="/v1")
            api = MyApi(bp, prefix="/rest")
            api.add_resource(Todo, "/todos/<id>", "/tasks/<id>", endpoint="todo")

            late = MyApi()
            late.add_scoped(Todo, "/x/<id>")

            def create_app():
                app = Flask(__name__)
                late.init_app(app)
                app.register_blueprint(bp)
                return app
        """
    }
    assert listed(files) == [
        "DELETE /org/x/{id}",
        "DELETE /v1/rest/tasks/{id}",
        "DELETE /v1/rest/todos/{id}",
        "GET /org/x/{id}",
        "GET /v1/rest/tasks/{id}",
        "GET /v1/rest/todos/{id}",
    ]


def test_restx_namespaces_and_smorest_blueprints(listed: Listed) -> None:
    files = {
        "rest.py": """
            from flask import Blueprint, Flask
            from flask_restx import Api, Namespace, Resource

            cats = Namespace("cats", description="all cats")
            dogs = Namespace("dogs", path="/d")

            @cats.route("/", "/all")
            class Cats(Resource):
                def get(self): ...

            @dogs.route("/<int:id>")
            class Dog(Resource):
                def put(self, id): ...

            bp = Blueprint("v1", __name__, url_prefix="/v1")
            api = Api(bp)
            api.add_namespace(cats)
            api.add_namespace(dogs, path="/hounds")
            app = Flask(__name__)
            app.register_blueprint(bp)
        """,
        "smorest.py": """
            from flask import Flask
            from flask.views import MethodView
            from flask_smorest import Api, Blueprint

            blp = Blueprint("pets", "pets", url_prefix="/pets")

            @blp.route("/<pet_id>")
            class Pet(MethodView):
                @blp.response(200)
                def get(self, pet_id): ...

            app = Flask(__name__)
            api = Api(app)
            api.register_blueprint(blp)
        """,
    }
    assert listed(files) == ["GET /pets/{pet_id}", "GET /v1/cats/", "GET /v1/cats/all", "PUT /v1/hounds/{id}"]


def test_a_factory_that_is_given_its_blueprints_by_another(listed: Listed) -> None:
    files = {
        "shop/__init__.py": """
            from shop import factory
            from shop.users import users
            from shop.orders import orders

            BLUEPRINTS = (users, orders)

            def create_app(config_path=None):
                return factory.create_app(blueprints=BLUEPRINTS, config=config_path)
        """,
        "shop/factory.py": """
            from flask import Flask

            VERSION = 1

            def create_app(blueprints=None, config=None):
                app = Flask(__name__)
                if not blueprints:
                    blueprints = ()
                register(app, blueprints)
                return app

            def register(app, blueprints):
                for blueprint in blueprints:
                    app.register_blueprint(blueprint, url_prefix=f"/api/{VERSION}")
        """,
        "shop/users.py": """
            from flask import Blueprint
            users = Blueprint("users", __name__)

            @users.route("/users")
            def index(): ...
        """,
        "shop/orders.py": """
            from flask import Blueprint
            orders = Blueprint("orders", __name__)

            @orders.post("/orders")
            def create(): ...
        """,
    }
    assert listed(files) == ["GET /api/1/users", "POST /api/1/orders"]
