"""Which methods a Django view answers, and which function does it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from accepted_apps.audit.discovery.python import attributes
from accepted_apps.audit.discovery.python.calls import named
from accepted_apps.audit.discovery.python.handlers import METHODS, VERBS, is_view_class, methods, within
from accepted_apps.audit.discovery.python.program import Program
from accepted_apps.audit.discovery.python.values import Class, External, Function, Instance, Method, Module, Value
from accepted_apps.audit.model import ANY, Framework

_GET, _POST, _FORM = ("GET",), ("POST",), ("GET", "POST")


def _classes(text: str, methods: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(text.split(), methods)


_OF_LIBRARIES: dict[str, tuple[str, ...]] = {
    **_classes(
        "TemplateView ListView DetailView ArchiveIndexView YearArchiveView MonthArchiveView WeekArchiveView"
        " DayArchiveView TodayArchiveView DateDetailView BaseListView BaseDetailView PasswordResetDoneView"
        " PasswordResetCompleteView PasswordChangeDoneView JavaScriptCatalog JSONCatalog ListAPIView RetrieveAPIView"
        " SpectacularAPIView SpectacularSwaggerView SpectacularRedocView SpectacularJSONAPIView SchemaView APIRootView",
        _GET,
    ),
    **_classes(
        "FormView CreateView UpdateView LoginView PasswordResetView PasswordResetConfirmView PasswordChangeView"
        " BaseFormView BaseCreateView BaseUpdateView ProcessFormView ListCreateAPIView GraphQLView",
        _FORM,
    ),
    **_classes(
        "CreateAPIView LogoutView ObtainAuthToken TokenObtainPairView TokenRefreshView TokenVerifyView"
        " TokenBlacklistView TokenObtainSlidingView TokenRefreshSlidingView obtain_auth_token",
        _POST,
    ),
    **_classes("DeleteView BaseDeleteView", ("GET", "POST", "DELETE")),
    "RedirectView": (ANY,),
    "UpdateAPIView": ("PUT", "PATCH"),
    "DestroyAPIView": ("DELETE",),
    "RetrieveUpdateAPIView": ("GET", "PUT", "PATCH"),
    "RetrieveDestroyAPIView": ("GET", "DELETE"),
    "RetrieveUpdateDestroyAPIView": ("GET", "PUT", "PATCH", "DELETE"),
}
_DECORATORS = {"require_GET": _GET, "require_POST": _POST, "require_safe": _GET}


@dataclass(frozen=True)
class Answer:
    """One method of a view. handler: its function or class, or what else is known of it."""

    method: str
    handler: Value
    framework: Framework = "Django"
    function: str = ""


class Views:
    def __init__(self, program: Program) -> None:
        self.program = program

    def answers(self, view: Value, extra: Value, module: Module) -> Iterator[Answer]:
        """extra: the dict beside the view in the pattern. module: where the pattern stands."""
        if isinstance(view, str):
            view = named(self.program, view, module) or External(view)
        if isinstance(extra, dict) and extra and all(isinstance(key, str) and key in METHODS for key in extra):
            # One dispatcher for all views, which finds the view by the method.
            for method, inner in extra.items():
                yield Answer(method, self._handler(inner))
            return
        view, allowed = self._unwrapped(view)
        for answer in self._of(view):
            if not allowed or answer.method in allowed:
                yield answer
            elif answer.method == ANY:
                for method in allowed:
                    yield replace(answer, method=method)

    def _handler(self, value: Value) -> Value:
        if isinstance(value, list | tuple) and value:
            value = value[0]
        return self._unwrapped(value)[0]

    def _unwrapped(self, view: Value) -> tuple[Value, list[str]]:
        """The view within decorators, and the methods that these let through; none: all."""
        allowed: list[str] = []
        for _ in range(10):
            if (wrapped := within(view)) is not None:
                view = wrapped
                continue
            if not isinstance(view, Instance) or is_view_class(view) or isinstance(view.maker, Class):
                break
            name = view.maker.name.rpartition(".")[2]
            if name == "as_view":
                break
            allowed = allowed or list(_DECORATORS.get(name, ()))
            inner = next((arg for arg in view.args if isinstance(arg, Function | Class | Instance | External)), None)
            if inner is None:
                break
            view = inner
        return view, allowed

    def _of(self, view: Value) -> Iterator[Answer]:
        if is_view_class(view):
            yield from self._of_class_view(view)
        elif isinstance(view, Instance) and isinstance(view.maker, External):
            # A view class of a library: `auth_views.LoginView.as_view()`.
            cls = view.maker.name.removesuffix(".as_view")
            for method in _OF_LIBRARIES.get(cls.rpartition(".")[2], (ANY,)):
                yield Answer(method, External(cls), _framework([cls]))
        elif isinstance(view, Function):
            yield from self._of_function(view)
        elif isinstance(view, External):
            for method in _OF_LIBRARIES.get(view.name.rpartition(".")[2], (ANY,)):
                yield Answer(method, view, _framework([view.name]))
        else:
            yield Answer(ANY, view)

    def _of_class_view(self, view: Instance) -> Iterator[Answer]:
        owner = view.maker.owner if isinstance(view.maker, Method) else view
        if not isinstance(owner, Class):
            yield Answer(ANY, owner)
            return
        kinds = self.program.kinds(owner)
        framework = _framework(kinds)
        functions = attributes.methods(self.program, owner)
        actions = view.argument(0, "actions")
        if isinstance(actions, dict):
            for method, action in actions.items():
                if isinstance(method, str) and isinstance(action, str):
                    yield Answer(method.upper(), functions.get(action, owner), framework, f"{owner.name}.{action}")
            return
        for method in self.methods_of_class(owner, view.kwargs.get("http_method_names")):
            function = functions.get(method.lower())
            name = f"{owner.name}.{method.lower()}" if function else owner.name
            yield Answer(method, function or owner, framework, name)

    def methods_of_class(self, cls: Class, given: Value = None) -> list[str]:
        """In capitals, without HEAD and OPTIONS, which Django adds by itself."""
        functions = attributes.methods(self.program, cls)
        found = [name.upper() for name in functions if name in VERBS - {"head", "options", "trace"}]
        kinds = [kind.rpartition(".")[2] for kind in self.program.kinds(cls)]
        known = [_OF_LIBRARIES[kind] for kind in kinds if kind in _OF_LIBRARIES]
        for inherited in known:
            found += [method for method in inherited if method not in found]
        if not found:
            return [ANY]
        allowed = self.allowed(cls, given)
        return [method for method in found if not allowed or method in allowed or method == ANY]

    def allowed(self, cls: Class, given: Value = None) -> list[str]:
        """What `http_method_names` lets through; empty: everything."""
        value = given if given is not None else attributes.of_class(self.program, cls, "http_method_names")
        return methods(value, [])

    def _of_function(self, view: Function) -> Iterator[Answer]:
        framework: Framework = "Django"
        allowed: list[str] = []
        for node in getattr(view.node, "decorator_list", []):
            name, args = self._decorator(node, view)
            match name.rpartition(".")[2]:
                case "api_view":
                    framework = "Django REST framework"
                    allowed = methods(args[0] if args else None, ["GET"])
                case "require_http_methods" if args:
                    allowed = allowed or methods(args[0], [])
                case short if short in _DECORATORS:
                    allowed = allowed or list(_DECORATORS[short])
                case _:
                    pass
            allowed = allowed or self._home_made(node, view, args)
        allowed = allowed or _refusing(view.node)
        for method in [one for one in allowed if one not in {"HEAD", "OPTIONS"}] or [ANY]:
            yield Answer(method, view, framework)

    def _decorator(self, node: ast.expr, view: Function) -> tuple[str, list[Value]]:
        """Its full name and arguments; the name is empty for one of the repository's own."""
        callee = node.func if isinstance(node, ast.Call) else node
        value = self.program.value(callee, view.scope)
        args: list[Value] = []
        if isinstance(node, ast.Call):
            args = [self.program.value(arg, view.scope) for arg in node.args]
            args += [self.program.value(keyword.value, view.scope) for keyword in node.keywords]
        return (value.name if isinstance(value, External) else ""), args

    def _home_made(self, node: ast.expr, view: Function, args: list[Value]) -> list[str]:
        """A decorator of the repository that compares the request's method, and answers 405 to others."""
        callee = node.func if isinstance(node, ast.Call) else node
        value = self.program.value(callee, view.scope)
        if not isinstance(value, Function) or not _refuses(value.node):
            return []
        flat = [one for arg in args for one in (arg if isinstance(arg, list | tuple) else [arg])]
        given = [one.upper() for one in flat if isinstance(one, str) and one.upper() in METHODS]
        return given or _compared(value.node)


def _framework(kinds: Iterable[str]) -> Framework:
    rest = any("rest_framework" in kind or "drf" in kind for kind in kinds)
    return "Django REST framework" if rest else "Django"


def _refuses(node: ast.AST) -> bool:
    """Whether a function answers 405 somewhere."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and part.value == 405 and part.value is not True:
            return True
        if isinstance(part, ast.Name | ast.Attribute) and "NotAllowed" in (
            part.id if isinstance(part, ast.Name) else part.attr
        ):
            return True
    return False


def _compared(node: ast.AST) -> list[str]:
    """The methods with which `request.method` is compared."""
    found: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Compare) and isinstance(part.left, ast.Attribute) and part.left.attr == "method":
            constants = [
                one.value for side in part.comparators for one in ast.walk(side) if isinstance(one, ast.Constant)
            ]
            found += [one for one in constants if isinstance(one, str) and one in METHODS and one not in found]
    return [one for one in found if one not in {"OPTIONS", "HEAD"}]


def _refusing(node: ast.AST) -> list[str]:
    """The methods of a view that answers 405 to all others; empty where it takes any."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and qualified_name(part.func).endswith("HttpResponseNotAllowed") and part.args:
            listed = [one.value for one in ast.walk(part.args[0]) if isinstance(one, ast.Constant)]
            if given := [one for one in listed if isinstance(one, str) and one in METHODS]:
                return given
    return _compared(node) if _refuses(node) else []


def qualified_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
