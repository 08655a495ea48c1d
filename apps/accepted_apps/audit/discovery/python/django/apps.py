"""Django's registry of applications: those of the repository, by which programs find their plugins and models."""

from __future__ import annotations

import ast

from accepted_apps.audit.discovery.python import attributes
from accepted_apps.audit.discovery.python.calls import named
from accepted_apps.audit.discovery.python.program import Program
from accepted_apps.audit.discovery.python.values import (
    Class,
    External,
    Function,
    Import,
    Instance,
    Module,
    Native,
    Value,
)

_CONFIG = "django.apps.AppConfig"
_MODELS = ("django.db.models.Model", "django.db.models.base.Model")
_MOST_APPS = 500


class Apps:
    """modules: the settings, of which each may name applications."""

    def __init__(self, program: Program, modules: list[Module]) -> None:
        self.program = program
        self._settings = modules
        self._configs: list[Instance] | None = None

    def known(self, name: str) -> Value | None:
        """What `django.apps.apps` has by a full name, as far as a program may build its routes of it."""
        match name.removeprefix("django.apps.apps."):
            case "get_app_configs":
                return Native(lambda _args, _kwargs: self.configs())
            case "get_app_config":
                return Native(lambda args, _kwargs: self._labelled(args[0] if args else None))
            case "get_models":
                return Native(lambda _args, _kwargs: [one for each in self.configs() for one in self._models(each)])
            case _:
                return None

    def configs(self) -> list[Value]:
        if self._configs is None:
            self._configs = []  # an application that asks for all others while it is read gets none
            self._configs = [config for entry, module in self._installed() if (config := self._config(entry, module))]
        return list(self._configs)

    def ready(self) -> None:
        """Runs what applications do when Django starts."""
        for config in self.configs():
            cls = config.maker
            start = attributes.of_class(self.program, cls, "ready") if isinstance(cls, Class) else None
            if isinstance(start, Function):
                bound = Function(start.node, start.scope, start.owner, bound=config)
                self.program.begin()
                self.program.call(bound, [], {}, start.node, start.scope)

    def _installed(self) -> list[tuple[str, Module]]:
        found: dict[str, Module] = {}
        for module in self._settings:
            listed = module.scope.names.get("INSTALLED_APPS")
            for entry in listed if isinstance(listed, list | tuple) else []:
                if isinstance(entry, str):
                    found.setdefault(entry, module)
        return list(found.items())[:_MOST_APPS]

    def _config(self, entry: str, settings: Module) -> Instance | None:
        """entry: of a package or of its AppConfig. None for one that is not in the repository."""
        cls = named(self.program, entry, settings) if "." in entry else None
        if not isinstance(cls, Class):
            if self.program.finder.find(entry, settings.path) is None:
                return None
            module = self.program.module_named(f"{entry}.apps", settings.path)
            cls = self._default(module) if module else None
        name: Value = entry
        label: Value = None
        if isinstance(cls, Class):
            made = Instance(cls, [], {}, cls.module, cls.node)
            name = attributes.of_class(self.program, cls, "name")
            label = attributes.of_class(self.program, cls, "label")
        else:
            made = Instance(External(_CONFIG), [], {}, settings, ast.Pass())
        name = name if isinstance(name, str) else entry
        made.attributes["name"] = name
        made.attributes["label"] = label if isinstance(label, str) else name.rpartition(".")[2]
        made.attributes["get_models"] = Native(lambda _args, _kwargs: self._models(made))
        return made

    def _default(self, module: Module) -> Class | None:
        found = [value for value in module.scope.names.values() if isinstance(value, Class) and value.module is module]
        configs = [one for one in found if any(kind.endswith(".AppConfig") for kind in self.program.kinds(one))]
        return configs[-1] if configs else None

    def _labelled(self, label: Value) -> Value:
        return next((one for one in self.configs() if one.attributes["label"] == label), None)

    def _models(self, config: Instance) -> list[Value]:
        """The models of an application, without abstract ones."""
        module = self.program.module_named(f"{config.attributes['name']}.models", config.module.path)
        found: dict[int, Class] = {}
        for value in list(module.scope.names.values()) if module else []:
            cls = self.program.resolved(value, module) if isinstance(value, Import) and module else value
            near = module.path.removesuffix(".py").removesuffix("__init__") if module else ""
            if isinstance(cls, Class) and cls.module.path.startswith(near) and self._is_model(cls):
                found.setdefault(id(cls), cls)
        return list(found.values())

    def _is_model(self, cls: Class) -> bool:
        meta = next((one for one in cls.node.body if isinstance(one, ast.ClassDef) and one.name == "Meta"), None)
        abstract = meta is not None and any(
            isinstance(one, ast.Assign) and ast.unparse(one) == "abstract = True" for one in meta.body
        )
        return not abstract and any(kind in _MODELS for kind in self.program.kinds(cls))
