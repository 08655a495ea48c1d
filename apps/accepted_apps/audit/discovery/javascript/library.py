"""The functions of JavaScript and Node that routes are built with: of arrays, strings, objects, `path` and `fs`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from accepted_apps.audit.discovery.javascript.values import (
    Arguments,
    Class,
    Function,
    Host,
    Lazy,
    Native,
    Partial,
    Record,
    RegExp,
    Site,
    Unknown,
    Value,
    concatenated,
    first,
    native,
    truth,
)

if TYPE_CHECKING:
    from accepted_apps.audit.discovery.javascript.interpreter import Interpreter

Files = Sequence[str]
"""All paths of the checkout, sorted."""


def items(value: Value) -> list[Value] | None:
    """What a loop over a value takes; None where it is not known."""
    return list(value) if isinstance(value, (list, str)) else None


def keys(value: Value) -> list[Value] | None:
    match value:
        case list():
            return [str(index) for index in range(len(value))]
        case Record() if not value.more:
            return list(value.properties)
        case _:
            return None


def _is_array(value: Value) -> Value:
    return isinstance(value, list) if isinstance(value, (list, str, Partial)) or type(value) is Record else Unknown()


def type_of(value: Value) -> Value:
    match value:
        case None | Unknown() | Lazy():
            return Unknown()
        case str() | Partial():
            return "string"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case Function() | Class() | Native():
            return "function"
        case Host() if isinstance(value.member("()"), Native):
            return "function"
        case _:
            return "object"


def binary(operator: str, left: Value, right: Value) -> Value:
    if operator == "+":
        return _plus(left, right)
    if isinstance(left, (Unknown, Partial)) or isinstance(right, (Unknown, Partial)):
        return Unknown()
    if operator in {"===", "=="}:
        return left == right
    if operator in {"!==", "!="}:
        return left != right
    if operator == "in" and isinstance(right, Record):
        return left in right.properties or (Unknown() if right.more else False)
    if _numbers(left, right) or (isinstance(left, str) and isinstance(right, str)):
        return _compared(operator, left, right)
    return Unknown()


def _compared(operator: str, left: Value, right: Value) -> Value:
    match operator:
        case "<":
            return left < right
        case ">":
            return left > right
        case "<=":
            return left <= right
        case ">=":
            return left >= right
        case "-" if _numbers(left, right):
            return left - right
        case "*" if _numbers(left, right):
            return left * right
        case _:
            return Unknown()


def _numbers(*values: Value) -> bool:
    return all(isinstance(value, (int, float)) for value in values)


def _plus(left: Value, right: Value) -> Value:
    if _numbers(left, right):
        return left + right
    return concatenated([left, right])


def of_promise(value: Value, name: str, interpreter: Interpreter) -> Native:
    """What is awaited is taken as there already."""

    def run(given: Arguments, site: Site) -> Value:
        return interpreter.call(given[0], [value], site) if name == "then" and given else value

    return Native(name, run)


def of_function(function: Value, name: str, interpreter: Interpreter) -> Native:
    def run(given: Arguments, site: Site) -> Value:
        rest = given[1:]
        if name == "bind":
            return function
        if name == "apply":
            rest = rest[0] if rest and isinstance(rest[0], list) else []
        return interpreter.call(function, rest, site)

    return Native(name, run)


def member(value: Value, name: str, interpreter: Interpreter) -> Value:
    match value:
        case list():
            return _of_array(value, name, interpreter)
        case str():
            return _of_string(value, name)
        case Partial():
            return native(name, lambda _given: value)
        case RegExp() if name == "test":
            return native(name, lambda given: _tested(value, given))
        case Function() if name == "name":
            return value.name
        case Record():
            return Unknown(name)
        case _:
            return Unknown(name)


def _tested(expression: RegExp, given: Arguments) -> Value:
    if not given or not isinstance(given[0], str):
        return Unknown()
    try:
        return re.search(expression.source, given[0][:300]) is not None
    except (re.error, RecursionError):
        return Unknown()


def _of_array(array: list[Value], name: str, interpreter: Interpreter) -> Value:
    if name == "length":
        return len(array)

    def each(given: Arguments, site: Site) -> list[Value]:
        function = given[0] if given else None
        return [interpreter.call(function, [item, index, array], site) for index, item in enumerate(list(array)[:600])]

    def kept(given: Arguments, site: Site) -> list[Value]:
        return [item for item, keep in zip(list(array), each(given, site), strict=False) if truth(keep) is not False]

    def reduced(given: Arguments, site: Site) -> Value:
        rest = list(array)
        value = given[1] if len(given) > 1 else rest.pop(0) if rest else None
        for index, item in enumerate(rest[:600]):
            value = interpreter.call(given[0] if given else None, [value, item, index], site)
        return value

    def pushed(given: Arguments, _site: Site) -> Value:
        array.extend(given)
        return len(array)

    ways: dict[str, Callable[[Arguments, Site], Value]] = {
        "forEach": each,
        "map": each,
        "flatMap": lambda given, site: _flat(each(given, site)),
        "filter": kept,
        "find": lambda given, site: next(iter(kept(given, site)), None),
        "some": lambda given, site: bool(kept(given, site)) or Unknown(),
        "every": lambda _given, _site: Unknown(),
        "reduce": reduced,
        "push": pushed,
        "flat": lambda _given, _site: _flat(array),
        "concat": lambda given, _site: list(array) + _flat(given),
        "includes": lambda given, _site: given[0] in array if given and isinstance(given[0], str) else Unknown(),
        "indexOf": lambda given, _site: array.index(given[0]) if given and given[0] in array else -1,
        "join": lambda given, _site: _joined(array, given),
        "slice": lambda given, _site: array[_slice(given)],
        "reverse": lambda _given, _site: list(reversed(array)),
        "sort": lambda _given, _site: array,
        "entries": lambda _given, _site: [[index, item] for index, item in enumerate(array)],
        "values": lambda _given, _site: list(array),
        "keys": lambda _given, _site: list(range(len(array))),
        "pop": lambda _given, _site: array[-1] if array else None,
        "shift": lambda _given, _site: array[0] if array else None,
    }
    return Native(name, ways[name]) if name in ways else Unknown(name)


def _flat(array: list[Value]) -> list[Value]:
    flat: list[Value] = []
    for item in array:
        flat += item if isinstance(item, list) else [item]
    return flat


def _joined(array: list[Value], given: Arguments) -> Value:
    between = given[0] if given and isinstance(given[0], str) else ","
    parts: list[Value] = []
    for item in array:
        parts += [between, item] if parts else [item]
    return concatenated(parts)


def _slice(given: Arguments) -> slice:
    ends = [end if isinstance(end, int) else None for end in given[:2]]
    return slice(*ends) if len(ends) == 2 else slice(ends[0] if ends else 0, None)


def _of_string(string: str, name: str) -> Value:
    if name == "length":
        return len(string)

    def wanted(given: Arguments) -> str:
        return given[0] if given and isinstance(given[0], str) else ""

    ways: dict[str, Callable[[Arguments], Value]] = {
        "toLowerCase": lambda _given: string.lower(),
        "toUpperCase": lambda _given: string.upper(),
        "toString": lambda _given: string,
        "trim": lambda _given: string.strip(),
        "startsWith": lambda given: string.startswith(wanted(given)),
        "endsWith": lambda given: string.endswith(wanted(given)),
        "includes": lambda given: wanted(given) in string,
        "indexOf": lambda given: string.find(wanted(given)),
        "split": lambda given: string.split(wanted(given)) if wanted(given) else list(string),
        "slice": lambda given: string[_slice(given)],
        "substring": lambda given: string[_slice(given)],
        "substr": lambda given: string[_slice(given[:1])],
        "concat": lambda given: concatenated([string, *given]),
        "charAt": lambda given: string[given[0] : given[0] + 1] if given and isinstance(given[0], int) else "",
        "replace": lambda given: _replaced(string, given, 1),
        "replaceAll": lambda given: _replaced(string, given, 0),
    }
    return native(name, ways[name]) if name in ways else Unknown(name)


def _replaced(string: str, given: Arguments, count: int) -> Value:
    if len(given) < 2 or not isinstance(given[1], str):
        return Unknown(string)
    old, new = given[0], given[1]
    if isinstance(old, str):
        return string.replace(old, new, count or -1)
    if not isinstance(old, RegExp) or "$" in new or len(string) > 300:
        return Unknown(string)
    try:
        return re.sub(old.source, lambda _found: new, string)
    except (re.error, RecursionError):
        return Unknown(string)


def _record(ways: dict[str, Callable[[Arguments], Value]], **constants: Value) -> Record:
    made = Record({name: native(name, way) for name, way in ways.items()})
    made.properties.update(constants)
    return made


def _assigned(given: Arguments) -> Value:
    target = given[0] if given else None
    for other in given[1:]:
        if isinstance(target, Record) and isinstance(other, Record):
            target.properties.update(other.properties)
    return target


def _of_object(given: Arguments) -> Record | None:
    return given[0] if given and isinstance(given[0], Record) and not given[0].more else None


def _forced(record: Record, name: str) -> Value:
    value = record.properties[name]
    if isinstance(value, Lazy):
        value = record.properties[name] = value.force()
    return value


def _values(given: Arguments) -> Value:
    record = _of_object(given)
    return Unknown() if record is None else [_forced(record, name) for name in list(record.properties)]


def _entries(given: Arguments) -> Value:
    record = _of_object(given)
    return Unknown() if record is None else [[name, _forced(record, name)] for name in list(record.properties)]


def _keys(given: Arguments) -> Value:
    found = keys(given[0]) if given else None
    return Unknown() if found is None else found


def _listed(given: Arguments) -> Value:
    """A map is taken as its pairs, which is what loops over one see."""
    return list(given[0]) if given and isinstance(given[0], list) else Unknown()


GLOBALS: dict[str, Value] = {
    "Object": _record(
        {
            "keys": _keys,
            "values": _values,
            "entries": _entries,
            "assign": _assigned,
            "freeze": first,
            "seal": first,
        }
    ),
    "Array": _record({"isArray": lambda given: _is_array(first(given)), "from": first}),
    "Promise": _record({"all": first, "resolve": first}),
    "Map": native("Map", _listed),
    "Set": native("Set", _listed),
    "String": native("String", lambda given: concatenated(given[:1])),
}


def path_module(home: str) -> Record:
    """`path`, for a process whose working folder is `home`."""

    def joined(given: Arguments) -> Value:
        if not all(isinstance(part, str) for part in given):
            return Unknown("path")
        return posixpath.normpath("/".join(given)) if given else "."

    def resolved(given: Arguments) -> Value:
        if not all(isinstance(part, str) for part in given):
            return Unknown("path")
        return posixpath.normpath(posixpath.join("/" + home, *given))

    def named(given: Arguments) -> Value:
        if not given or not isinstance(given[0], str):
            return Unknown("path")
        name, ending = posixpath.basename(given[0]), given[1] if len(given) > 1 else ""
        return name.removesuffix(ending) if isinstance(ending, str) else name

    def parsed(given: Arguments) -> Value:
        if not given or not isinstance(given[0], str):
            return Unknown("path")
        name, suffix = posixpath.splitext(posixpath.basename(given[0]))
        return Record({"name": name, "ext": suffix, "base": name + suffix, "dir": posixpath.dirname(given[0])})

    def of_one(way: Callable[[str], str]) -> Callable[[Arguments], Value]:
        return lambda given: way(given[0]) if given and isinstance(given[0], str) else Unknown("path")

    made = _record(
        {
            "join": joined,
            "resolve": resolved,
            "basename": named,
            "parse": parsed,
            "dirname": of_one(posixpath.dirname),
            "normalize": of_one(posixpath.normpath),
            "extname": of_one(lambda path: posixpath.splitext(path)[1]),
        },
        sep="/",
    )
    made.properties["posix"] = made
    return made


def fs_module(files: Files) -> Record:
    """The functions of `fs` that list the checkout."""
    known = set(files)

    def inside(path: Value) -> list[str] | None:
        if not isinstance(path, str) or not path.startswith("/"):
            return None
        folder = path.strip("/") + "/" if path.strip("/") else ""
        names = {file[len(folder) :].split("/")[0] for file in files if file.startswith(folder)}
        return sorted(names)

    def read(given: Arguments) -> Value:
        names = inside(first(given))
        return Unknown("fs.readdirSync") if names is None else names

    def described(given: Arguments) -> Value:
        path = first(given)
        is_file = path.strip("/") in known if isinstance(path, str) else Unknown()
        is_folder = (not is_file) if isinstance(is_file, bool) else Unknown()
        return _record({"isFile": lambda _given: is_file, "isDirectory": lambda _given: is_folder})

    def exists(given: Arguments) -> Value:
        path = first(given)
        return (path.strip("/") in known or bool(inside(path))) if isinstance(path, str) else Unknown()

    return _record(
        {"readdirSync": read, "readdir": read, "statSync": described, "lstatSync": described, "existsSync": exists}
    )


def glob_module(files: Files, home: str) -> Record:
    """`glob.sync(pattern, {cwd})` and its like."""

    def found(given: Arguments) -> Value:
        pattern = first(given)
        options = given[1] if len(given) > 1 else None
        folder = options.properties.get("cwd") if isinstance(options, Record) else None
        base = folder if isinstance(folder, str) else "/" + home
        if not isinstance(pattern, str):
            return Unknown("glob")
        expression = re.compile(_glob(posixpath.normpath(posixpath.join(base, pattern)).lstrip("/")))
        names = [file for file in files if expression.fullmatch(file)]
        return [_below(name, base) if isinstance(folder, str) else "/" + name for name in names]

    return _record({"sync": found, "globSync": found, "globbySync": found})


def _below(path: str, folder: str) -> str:
    return posixpath.relpath("/" + path, folder)


def _glob(pattern: str) -> str:
    """A regular expression for `**`, `*`, `?` and `{a,b}`; what else there is stands for itself."""
    made, braces = "", 0
    for piece in re.findall(r"\*\*/|\*\*|[*?{},]|[^*?{},]+", pattern):
        match piece:
            case "**/":
                made += "(?:[^/]+/)*"
            case "**":
                made += ".*"
            case "*":
                made += "[^/]*"
            case "?":
                made += "[^/]"
            case "{":
                made, braces = made + "(?:", braces + 1
            case "}" if braces:
                made, braces = made + ")", braces - 1
            case "," if braces:
                made += "|"
            case _:
                made += re.escape(piece)
    return made + ")" * braces
