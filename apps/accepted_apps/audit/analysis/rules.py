"""The rules: what in a function costs time, why, and how it is written better.

Each is a generator of hits in one function. A rule says nothing where it is not sure: a wrong hint costs its reader
more than a missing one. What each looks for, and what it leaves alone, is in docs/audit.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from accepted_apps.audit.model import Route, Severity

from .code import Bound, Call, Code, Function, Loop, Span, names_in
from .queries import Query, query_of
from .rewriting import Edit, insertion


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that a rule names. edits: how it is written better; none where that is for a person to decide."""

    rule: str
    title: str
    severity: Severity
    span: Span
    why: str
    gain: str
    fix: str
    edits: tuple[Edit, ...] = ()
    imports: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What a rule looks at. relations: names of lazily loaded relations that the repository declares, by model.

    fetching: methods that ask for relations along with their rows, where the call does not show it (Spring Data).
    """

    function: Function
    code: Code
    route: Route
    relations: dict[str, dict[str, str]] = field(default_factory=dict)
    fetching: frozenset[str] = frozenset()

    def text(self, span: Span) -> str:
        return self.code.at(span)

    @property
    def own_text(self) -> str:
        return self.code.at(self.function.span)

    def indentation(self, span: Span) -> str:
        line = self.code.lines[span.line - 1]
        return line[: len(line) - len(line.lstrip())]


_SCRIPTS: Final = frozenset({"javascript", "typescript", "tsx"})
_PAGES: Final = re.compile(
    r"(?i)\b(range|batch\w*|chunk\w*|page\w*|slices?|in_groups_of|find_each|retries|attempts?)\b"
)


# ── queries ──


def query_in_loop(view: View) -> Iterator[Hit]:
    """A query for each element of a loop: N + 1 queries."""
    for call in view.function.calls:
        query = query_of(call, view.code)
        loop = _loop_of_elements(call)
        if query is None or loop is None or not _depends(call.text, loop):
            continue
        yield Hit(
            "query-in-loop",
            f"{query.mapper}: one {'statement' if query.writes else 'query'} for each turn of a loop",
            "high",
            call.span,
            f"`{_short(call.text)}` runs once for each `{', '.join(loop.variables)}` of `{_short(loop.over)}`: "
            "N elements are N round trips to the database, one after the other.",
            "50–95 % of this handler's time where the loop has 10 elements or more: N round trips become one.",
            _IN_ONE[query.mapper]
            if not query.writes
            else "Collect what is to be written, and write it in one statement.",
            tuple(_in_one_query(view, call, query, loop)),
        )


_IN_ONE: Final = {
    "Django": "Fetch them all before the loop with in_bulk() or filter(pk__in=…), then look them up.",
    "SQLAlchemy": "Fetch them all before the loop with where(Model.id.in_(ids)), then look them up.",
    "SQL": "Fetch them all before the loop with WHERE id = ANY(…) or IN (…), then look them up.",
    "Prisma": "Fetch them all before the loop with findMany({ where: { id: { in: ids } } }), then look them up.",
    "Mongoose": "Fetch them all before the loop with find({ _id: { $in: ids } }), then look them up.",
    "Sequelize": "Fetch them all before the loop with findAll({ where: { id: ids } }), then look them up.",
    "TypeORM": "Fetch them all before the loop with find({ where: { id: In(ids) } }), then look them up.",
    "Spring Data": "Fetch them all before the loop with findAllById(ids), then look them up in a Map.",
    "GORM": 'Fetch them all before the loop with Where("id IN ?", ids).Find(&rows), then look them up in a map.',
    "ActiveRecord": "Fetch them all before the loop with where(id: ids).index_by(&:id), then look them up.",
}


def _in_one_query(view: View, call: Call, query: Query, loop: Loop) -> Iterator[Edit]:
    """Where a loop looks rows up by one key of its element: a look-up before it, and a table instead of the query."""
    if len(loop.variables) != 1 or query.writes or loop.span == loop.body or len(call.loops) != 1:
        return
    key, table = _key_of(call, loop.variables[0]), _table_of(call)
    if key is None or table is None or not re.fullmatch(r"[\w.()@\[\]\"' ]+", loop.over):
        return
    before, variable, over = view.indentation(loop.span), loop.variables[0], loop.over
    start = view.code.source.rfind(b"\n", 0, loop.span.start) + 1
    match query.mapper, view.code.language:
        case "Django", "python" if call.name == "get":
            yield insertion(
                start,
                f"{before}{table} = {call.target.removesuffix('.all()')}.in_bulk([{key} for {variable} in {over}])\n",
            )
            yield Edit(call.span.start, call.span.end, f"{table}[{key}]")
        case "Mongoose", _ if call.name == "findById":
            rows = f"await {call.target}.find({{ _id: {{ $in: {over}.map(({variable}) => {key}) }} }})"
            yield insertion(start, f"{before}const {table} = new Map(({rows}).map((row) => [String(row._id), row]));\n")
            yield _awaited_to(view, call, f"{table}.get(String({key}))")
        case "Sequelize", _ if call.name == "findByPk":
            rows = f"await {call.target}.findAll({{ where: {{ id: {over}.map(({variable}) => {key}) }} }})"
            yield insertion(start, f"{before}const {table} = new Map(({rows}).map((row) => [row.id, row]));\n")
            yield _awaited_to(view, call, f"{table}.get({key})")
        case "Prisma", _ if call.name in {"findUnique", "findUniqueOrThrow"} and len(call.arguments) == 1:
            rows = f"await {call.target}.findMany({{ where: {{ id: {{ in: {over}.map(({variable}) => {key}) }} }} }})"
            yield insertion(start, f"{before}const {table} = new Map(({rows}).map((row) => [row.id, row]));\n")
            yield _awaited_to(view, call, f"{table}.get({key})")
        case "ActiveRecord", "ruby" if call.name == "find":
            yield insertion(
                start,
                f"{before}{table} = {call.target}.where(id: {over}.map {{ |{variable}| {key} }}).index_by(&:id)\n",
            )
            yield Edit(call.span.start, call.span.end, f"{table}.fetch({key})")


def _key_of(call: Call, variable: str) -> str | None:
    """The one expression that the row is looked up by, if it is plainly an attribute of the loop's element."""
    if len(call.arguments) != 1:
        return None
    given = call.arguments[0]
    found = re.fullmatch(r"(?:(?:pk|id)\s*=\s*)?(.+)", given, re.DOTALL)
    if given.startswith("{"):
        found = re.fullmatch(r"\{\s*where\s*:\s*\{\s*id\s*:\s*([^,{}]+?)\s*,?\s*\}\s*,?\s*\}", given)
    key = found[1].strip() if found else ""
    return key if re.fullmatch(rf"{re.escape(variable)}(\??\.\w+|\[[\"']\w+[\"']\])?", key) else None


def _table_of(call: Call) -> str | None:
    words = [word for word in re.findall(r"\w+", call.target) if word not in {"objects", "prisma", "this", "all"}]
    if not words:
        return None
    last = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", words[-1]).lower()
    name = f"{last}_by_id"
    return (
        name
        if call.name in {"get", "find"}
        else "".join([last.split("_")[0], *(one.title() for one in last.split("_")[1:])]) + "ById"
    )


def _awaited_to(view: View, call: Call, text: str) -> Edit:
    start = call.span.start
    if call.awaited:
        start = view.code.source.rfind(b"await", 0, start)
    return Edit(start, call.span.end, text)


def lazy_relation(view: View) -> Iterator[Hit]:
    """A relation that is loaded for each row, because the query does not fetch it along."""
    told: set[tuple[int, str]] = set()
    for loop in view.function.loops:
        source = _query_behind(view, loop)
        if source is None or len(loop.variables) != 1 or loop.counting:
            continue
        call, model = source
        known = view.relations.get(model, {})
        body = view.text(loop.body)
        for relation, kind in known.items():
            if (call.span.start, relation) in told or _fetched_along(call.text, relation):
                continue
            if not _is_loaded(view, loop.variables[0], relation, kind, body) or _is_asked_for(call, relation, kind):
                continue
            edit, fix = _along(view, call, model, relation, kind)
            if not fix:
                continue
            told.add((call.span.start, relation))
            yield Hit(
                "lazy-relation",
                f"`{relation}` is loaded anew for each {model}",
                "high",
                call.span,
                f"`{_short(call.text)}` does not fetch `{relation}`, which the loop of line {loop.span.line} uses "
                f"of each "
                f"`{loop.variables[0]}`: one more query for each row.",
                "50–95 % of this handler's time for lists of 10 rows or more: N + 1 queries become one or two.",
                fix,
                (edit,) if edit is not None else (),
                "from sqlalchemy.orm import selectinload" if edit is not None and "selectinload" in edit.text else "",
            )


def _is_loaded(view: View, variable: str, relation: str, kind: str, body: str) -> bool:
    """Whether a loop's body takes more of the relation than its key, or the thing itself to hand it on."""
    if view.code.language == "java":
        getter = rf"\b{re.escape(variable)}\.get{relation[:1].upper()}{re.escape(relation[1:])}\(\)"
        use = r"\s*\.(?!getId\(\))" if kind == "one" else r"(?!\s*(\.add\b|\)?\s*[!=]=))"
        return re.search(getter + use, body) is not None
    used = re.search(rf"\b{re.escape(variable)}\.{re.escape(relation)}\b", body)
    return used is not None and (kind == "many" or re.match(r"\s*[.!?&]", body[used.end() :]) is not None)


def _is_asked_for(call: Call, relation: str, kind: str) -> bool:
    """Whether all rows have the same one, as those of `findByCustomerId`: it is loaded once."""
    return (
        kind == "one"
        and re.search(rf"By(\w*And)?{relation[:1].upper()}{re.escape(relation[1:])}", call.name) is not None
    )


def _along(view: View, call: Call, model: str, relation: str, kind: str) -> tuple[Edit | None, str]:
    language, end = view.code.language, call.span.end
    if language == "python" and ".objects" in call.text:
        method = "select_related" if kind == "one" else "prefetch_related"
        return insertion(
            end, f'.{method}("{relation.removesuffix("_set")}")'
        ), f'Add .{method}("{relation}") to the query.'
    if language == "python":
        if call.name != "all":
            return None, ""
        if not call.target.isascii():
            return None, ""
        at = end - len(view.text(call.span)) + len(call.target)
        fix = f"Fetch it along: .options(selectinload({model}.{relation}))."
        return insertion(at, f".options(selectinload({model}.{relation}))"), fix
    if language == "ruby":
        return insertion(end, f".includes(:{relation})"), f"Add .includes(:{relation}) to the query."
    if language == "java":
        graph = f'@EntityGraph(attributePaths = "{relation}")'
        return None, f"Put {graph} on `{call.name}` in the repository, or JOIN FETCH in its query."
    return None, ""


def _fetched_along(text: str, relation: str) -> bool:
    return bool(
        re.search(
            r"select_related|prefetch_related|includes|preload|eager_load|joinedload|selectinload|subqueryload", text
        )
        and re.search(rf"\b{re.escape(relation)}\b|select_related\(\)", text)
    ) or bool(re.search(r"\b(values|values_list|pluck|only)\(", text))


def _query_behind(view: View, loop: Loop) -> tuple[Call, str] | None:
    """The query whose rows a loop goes through: its own expression, or what a name in it was given before."""
    candidates = []
    typed = r"(?:final\s+)?[\w.]+(?:<[^=;]*>)?\s+" if view.code.language == "java" else "@?"
    for call in view.function.calls:
        behind = loop.span != loop.body and call.span.start > loop.body.start
        if call.chained or behind:
            continue
        stands_there = view.text(call.span) == loop.over
        kept = re.fullmatch(
            rf"{typed}{re.escape(loop.over.strip().lstrip('@'))}\s*(:[^=]+)?=\s*(await\s+)?", _before(view, call)
        )
        if (stands_there and loop.span.holds(call.span)) or (kept and not call.loops):
            candidates.append(call)
    if not candidates:
        return None
    call = candidates[-1]
    if view.code.language == "java":
        return _rows_of_java(view, call, loop)
    model = re.match(r"([A-Z]\w*)\.(?:objects\b|query\b|all\b|where\b|order\b)", call.text) or re.search(
        r"\.query\((\w+)\)|\bselect\((\w+)\)", call.text
    )
    if model is None:
        return None
    if call.name in {"get", "first", "last", "count", "exists", "in_bulk", "find", "find_by", "paginate"}:
        return None
    return call, next(one for one in model.groups() if one)


def _rows_of_java(view: View, call: Call, loop: Loop) -> tuple[Call, str] | None:
    """The entity is the type of the loop's element, or that of the list which keeps the rows."""
    query = query_of(call, view.code)
    if query is None or query.mapper != "Spring Data" or query.writes or call.name in view.fetching:
        return None
    declared = re.match(r"for\s*\(\s*(?:final\s+)?([A-Z]\w*)\s", view.text(loop.span)) or re.match(
        r"(?:final\s+)?\w+<([A-Z]\w*)>\s", _before(view, call)
    )
    return (call, declared[1]) if declared is not None else None


def _before(view: View, call: Call) -> str:
    return view.code.source[call.statement.start : call.span.start].decode("utf-8", "replace")


def missing_pagination(view: View) -> Iterator[Hit]:
    """A list of everything there is, in a handler that lists."""
    route, text = view.route, view.own_text
    if route.method not in {"GET", "ANY"} or route.path.rstrip("/").endswith("}"):
        return
    if re.search(
        r""
        r"(?i)paginat|\blimit\b|\boffset\b|per_?page|page_?size|pageable|\bkaminari\b|\.page\b|\btake\b|\[\s*\w*\s*:\s*\w+\s*\]|cursor",
        text,
    ):
        return
    for call in view.function.calls:
        query = query_of(call, view.code)
        if query is None or not query.whole or call.loops or _is_narrow(call) or _is_counted(view, call):
            continue
        edit, fix = _bounded(view, call, query)
        yield Hit(
            "missing-pagination",
            f"{query.mapper}: all rows are fetched at once",
            "high",
            call.span,
            f"`{_short(call.text)}` has no limit, and {route.method} {route.path} answers with all it brings: time, "
            f"memory "
            "and the size of the answer grow with the table.",
            "In proportion to the table: of 10,000 rows and pages of 100, about 90–99 % of the time of the query "
            "and of "
            "writing the answer.",
            fix,
            (edit,) if edit is not None else (),
        )


def _is_narrow(call: Call) -> bool:
    """A filter by what is likely a few rows: by an owner, a parent or a key."""
    return call.name in {"filter", "where", "exclude"} or bool(
        re.search(r"\b(filter|filter_by|where|in_)\(", call.target)
    )


def _is_counted(view: View, call: Call) -> bool:
    """The rows are only counted, or go to something that makes pages of them."""
    around = view.code.source[max(call.statement.start, call.span.start - 60) : call.span.start].decode(
        "utf-8", "replace"
    )
    return bool(re.search(r"(len|Paginator|paginate\w*|apply|count)\($", around))


def _bounded(view: View, call: Call, query: Query) -> tuple[Edit | None, str]:
    end = call.span.end
    at_name = end - len(view.code.source[call.span.start : end]) + len(call.target.encode())
    match query.mapper:
        case "Django":
            return insertion(end, "[:100]"), "Take a page: slice the query set, or use a paginator."
        case "SQLAlchemy" if "select(" not in call.text:
            return insertion(at_name, ".limit(100)"), "Take a page: .limit() and .offset() before .all()."
        case "Mongoose":
            return insertion(end, ".limit(100)"), "Take a page: .limit() and .skip()."
        case "Prisma" | "TypeORM":
            return _member(view, call, "take: 100"), "Take a page: `take` and `skip`."
        case "Sequelize":
            return _member(view, call, "limit: 100"), "Take a page: `limit` and `offset`."
        case "Spring Data":
            return Edit(
                end - 1, end, "PageRequest.of(0, 100))"
            ), "Take a page: pass a Pageable, such as PageRequest.of(page, 100)."
        case "GORM":
            return insertion(at_name, ".Limit(100)"), "Take a page: .Limit() and .Offset() before .Find()."
        case "ActiveRecord":
            return insertion(end, ".limit(100)"), "Take a page: .limit and .offset, or a paginating gem."
        case _:
            return None, "Take a page: ask for a bounded number of rows."


def _member(view: View, call: Call, member: str) -> Edit | None:
    """One more member of the options that a call is given."""
    if not call.arguments:
        return Edit(call.span.end - 1, call.span.end, f"{{ {member} }})")
    first = call.arguments[0]
    if not first.startswith("{"):
        return None
    at = view.code.source.find(b"{", call.span.start + len(call.target.encode()))
    return insertion(at + 1, f" {member}," if first.strip("{} \n") else f" {member} ")


def select_star(view: View) -> Iterator[Hit]:
    for span, text in view.function.strings:
        found = re.match(r"\s*(?:[fr]?[\"'`]+)?\s*select\s+\*\s+from\s+(\S+)", text, re.IGNORECASE)
        if found and not re.search(r"(?i)count\s*\(|\bexists\b", text):
            yield Hit(
                "select-star",
                f"Every column of {found[1].strip(chr(34))} is read",
                "low",
                span,
                "`SELECT *` reads and sends columns that nobody uses, and no index can answer it alone.",
                "0–30 % of this query, by how many wide columns (texts, JSON) are left out.",
                "Name the columns that are used.",
            )


# ── waiting ──

_BLOCKING: Final = {
    "requests": ("get", "post", "put", "patch", "delete", "head", "options", "request"),
    "urllib.request": ("urlopen", "urlretrieve"),
    "subprocess": ("run", "call", "check_call", "check_output"),
    "os": ("system",),
    "shutil": ("copy", "copyfile", "copytree", "rmtree", "move"),
}


def blocking_in_coroutine(view: View) -> Iterator[Hit]:
    """A call that blocks the event loop, in a coroutine."""
    if not view.function.is_async or view.code.language != "python":
        return
    for call in view.function.calls:
        if call.awaited:
            continue
        edit: tuple[Edit, ...] = ()
        if call.path == "time.sleep":
            edit = (Edit(call.span.start, call.span.end, f"await asyncio.sleep({', '.join(call.arguments)})"),)
        elif call.name in _BLOCKING.get(call.target, ()):
            given = "".join(f", {one}" for one in call.arguments)
            waits = f"await asyncio.to_thread({call.path}{given})"
            used = view.code.source[call.span.end : call.span.end + 1] in {b".", b"["}
            edit = (Edit(call.span.start, call.span.end, f"({waits})" if used else waits),)
        elif call.path != "open" or not _shadowless(view, "open"):
            continue
        yield Hit(
            "blocking-in-coroutine",
            f"`{call.path}` blocks the event loop",
            "medium" if call.path == "open" else "high",
            call.span,
            f"While `{_short(call.text)}` runs, the process serves no other request: it is a blocking call in a "
            f"coroutine.",
            "Throughput of the whole process: from one such call at a time to as many as come; this request alone "
            "is not "
            "faster.",
            "Use an asynchronous library, or run it in a thread with asyncio.to_thread().",
            edit,
            "import asyncio",
        )


def _shadowless(view: View, name: str) -> bool:
    return not re.search(rf"(?m)^\s*(from\s+\S+\s+import\s+.*\b{name}\b|def\s+{name}\b)", view.code.text)


def sync_in_handler(view: View) -> Iterator[Hit]:
    """Node: a call that blocks the only thread."""
    if view.code.language not in _SCRIPTS:
        return
    for call in view.function.calls:
        if not call.name.endswith("Sync") or call.name in {"existsSync", "lstatSync", "statSync", "accessSync"}:
            continue
        if call.target.rpartition(".")[2] not in {"fs", "child_process", "zlib", "crypto", "bcrypt", "bcryptjs", "fse"}:
            continue
        edits: tuple[Edit, ...] = ()
        plain = call.name.removesuffix("Sync")
        if call.target in {"fs", "fse"} and view.function.is_async and not call.loops:
            edits = (Edit(call.span.start, call.span.end, f"await fs.promises.{plain}({', '.join(call.arguments)})"),)
        elif call.target.startswith("bcrypt") and view.function.is_async:
            edits = (Edit(call.span.start, call.span.end, f"await {call.target}.{plain}({', '.join(call.arguments)})"),)
        if edits and view.code.source[call.span.end : call.span.end + 1] in {b".", b"["}:
            edits = (Edit(edits[0].start, edits[0].end, f"({edits[0].text})"),)
        yield Hit(
            "blocking-call",
            f"`{call.path}` blocks the event loop",
            "high",
            call.span,
            f"While `{_short(call.text)}` runs, the process serves no other request: Node has one thread for all of "
            f"them.",
            "Throughput of the whole process under load; this request alone is not faster.",
            f"Use the asynchronous form, `{plain}`.",
            edits,
        )


_HTTP_PYTHON: Final = re.compile(r"^(requests|httpx)$")
_VERBS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "request"})


def no_timeout(view: View) -> Iterator[Hit]:
    """An outgoing call that may wait for ever."""
    for call in view.function.calls:
        edit, title = _with_timeout(view, call)
        if edit is None:
            continue
        yield Hit(
            "no-timeout",
            f"`{title}` has no time-out",
            "medium",
            call.span,
            f"`{_short(call.text)}` waits as long as the other server likes; when that one hangs, so does every "
            f"request "
            "here, until nobody is left to serve.",
            "None while the other server is well; when it is not, requests fail after seconds instead of piling up.",
            "Give it a time-out, and say what happens then.",
            (edit,),
        )


def _with_timeout(view: View, call: Call) -> tuple[Edit | None, str]:
    end, language = call.span.end, view.code.language
    given = ", ".join(call.arguments)
    bare = "timeout" not in given and "**" not in given
    if language == "python" and call.target == "requests" and call.name in _VERBS:
        return (_last(view, call, "timeout=10") if call.arguments and bare else None), call.path
    if (
        language in _SCRIPTS
        and call.path == "fetch"
        and len(call.arguments) == 1
        and call.arguments[0][:1] in "`'\""
        and ("://" in call.arguments[0] or "${" in call.arguments[0])
    ):
        return insertion(end - 1, ", { signal: AbortSignal.timeout(10000) }"), "fetch"
    if (
        language in _SCRIPTS
        and call.target == "axios"
        and call.name in {"get", "delete", "head"}
        and len(call.arguments) == 1
    ) and "axios.defaults.timeout" not in view.code.text:
        return insertion(end - 1, ", { timeout: 10000 }"), call.path
    if language == "go" and call.target == "http" and call.name in {"Get", "Post", "Head", "PostForm"}:
        client = "(&http.Client{Timeout: 10 * time.Second})"
        return Edit(call.span.start, call.span.start + len(b"http"), client), call.path
    party = language == "ruby" and call.target == "HTTParty" and call.name in {"get", "post", "put", "delete"}
    if party and call.text.endswith(")") and bare:
        return insertion(end - 1, ", timeout: 10"), call.path
    return None, ""


def _last(view: View, call: Call, argument: str) -> Edit:
    """One more argument, behind a trailing comma or without one."""
    inside = view.code.source[call.span.start : call.span.end - 1].decode("utf-8", "replace").rstrip()
    at = call.span.start + len(inside.encode())
    return insertion(at, f" {argument}" if inside.endswith(",") else f", {argument}")


_READS: Final = re.compile(r"(?i)^(get|find|fetch|load|list|count|read|query|select|search|lookup)")
_ANSWERS: Final = re.compile(r"\b(res|response|reply)\b")
"""What is given the answer may end it."""
_SHARED: Final = re.compile(r"(?i)\b(session|db|conn\w*|tx|transaction|cursor|queryRunner|uow|unit_of_work)\b")


def sequential_awaits(view: View) -> Iterator[Hit]:
    """Awaits one after the other that do not need each other."""
    for run in view.function.awaits:
        for group in _independent(run):
            first, last = group[0].statement, group[-1].statement
            span = Span(first.start, last.end, first.line, last.end_line)
            names = ", ".join(one.text.split("=", 1)[0].strip() if one.declared == "" else one.text for one in group)
            calls = ", ".join(one.call for one in group)
            if view.code.language == "python":
                text, imports = f"{names} = await asyncio.gather({calls})", "import asyncio"
            else:
                kept = "const" if all(one.declared == "const" for one in group) else "let"
                text, imports = f"{kept} [{names}] = await Promise.all([{calls}]);", ""
            yield Hit(
                "sequential-awaits",
                f"{len(group)} calls wait for each other without need",
                "medium",
                span,
                f"Lines {span.line} to {span.end_line} await {len(group)} calls one after the other, and none of "
                f"them uses "
                "what another brings.",
                f"Up to {100 - 100 // len(group)} % of the time of these {len(group)} calls: the slowest one counts "
                f"instead of "
                "their sum.",
                "Await them together.",
                (Edit(span.start, span.end, text),),
                imports,
            )


def _independent(run: list[Bound]) -> Iterator[list[Bound]]:
    group: list[Bound] = []
    for bound in run:
        called = re.match(r"[\w.\s?]*?(\w+)\s*(?:<[^>]*>)?\(", bound.call)
        reads = (
            bool(called and _READS.match(called[1]))
            and not _SHARED.search(bound.call)
            and not _ANSWERS.search(bound.call)
        )
        earlier = {name for one in group for name in one.names}
        if reads and not earlier & names_in(bound.call) and not earlier & set(bound.names):
            group.append(bound)
            continue
        if len(group) > 1:
            yield group
        group = [bound] if reads else []
    if len(group) > 1:
        yield group


def request_in_loop(view: View) -> Iterator[Hit]:
    """A request to another server for each element of a loop, one after the other."""
    for call in view.function.calls:
        loop = _loop_of_elements(call)
        if loop is None or not _depends(call.text, loop) or not _is_request(call, view.code.language):
            continue
        if view.code.language in _SCRIPTS and (not call.awaited or _is_gathered(view, loop)):
            continue
        if view.code.language == "python" and re.search(r"gather\(|TaskGroup|as_completed|submit\(", view.own_text):
            continue
        yield Hit(
            "request-in-loop",
            "One request to another server for each turn of a loop",
            "high",
            call.span,
            f"`{_short(call.text)}` runs once for each `{', '.join(loop.variables)}` of `{_short(loop.over)}`, and "
            f"each waits "
            "for the one before it.",
            "50–90 % of this handler's time for 10 elements or more, if the other server takes several at once.",
            "Ask for all of them in one request, or send some at once, within a bound.",
        )


def _is_request(call: Call, language: str) -> bool:
    if language == "python":
        return call.target in {"requests", "httpx", "urllib.request"} or (
            call.awaited
            and re.search(r"(^|[._])(client|http|http_client)$", call.target) is not None
            and call.name in _VERBS
        )
    if language in _SCRIPTS:
        return call.path in {"fetch", "axios"} or (call.target == "axios" and call.name in _VERBS)
    if language == "go":
        return call.target == "http" and call.name in {"Get", "Post", "Head", "PostForm"}
    if language == "java":
        return bool(re.search(r"(?i)restTemplate$", call.target)) and bool(
            re.match(r"get|post|put|exchange|delete", call.name)
        )
    return call.target in {"Net::HTTP", "HTTParty", "Faraday", "RestClient"}


def _is_gathered(view: View, loop: Loop) -> bool:
    around = view.code.source[max(0, loop.span.start - 40) : loop.span.start].decode("utf-8", "replace")
    return bool(re.search(r"Promise\.(all|allSettled)\(\s*$", around))


# ── work that others could do, or nobody ──


def background_work(view: View) -> Iterator[Hit]:
    """Mail and documents that the caller waits for."""
    for call in view.function.calls:
        found = _slow_work(view, call)
        if found is None:
            continue
        what, fix, edits = found
        yield Hit(
            "background-work",
            f"The caller waits until {what}",
            "medium",
            call.span,
            f"`{_short(call.text)}` runs before the answer goes out, though the caller needs nothing of it.",
            "100 ms to several seconds of this request, by the mail server or the size of the document.",
            fix,
            edits,
        )


def _slow_work(view: View, call: Call) -> tuple[str, str, tuple[Edit, ...]] | None:
    language, mail = view.code.language, "a mail is sent"
    if language == "ruby" and call.name in {"deliver_now", "deliver_now!"}:
        at = call.span.start + len(call.target.encode()) + 1
        return mail, "Hand it to the job queue: deliver_later.", (Edit(at, at + len(call.name), "deliver_later"),)
    sends = language == "python" and call.path in {"send_mail", "mail.send", "send_mass_mail"}
    if sends and not _in_background(view) and re.search(r"(?i)django\.core\.mail|flask_mail", view.code.text):
        return mail, "Hand it to a task queue, or to a thread after the transaction.", ()
    if language == "python" and call.name in {"sendmail", "send_message"} and "smtp" in call.target.lower():
        return mail, "Hand it to a task queue; in FastAPI, to BackgroundTasks.", ()
    if language in _SCRIPTS and call.awaited and call.name == "sendMail":
        return mail, "Put it into a queue, and answer at once.", ()
    if (
        language == "java"
        and re.search(r"(?i)mailSender$", call.target)
        and call.name == "send"
        and call.span.start >= call.statement.start
    ):
        text = f"CompletableFuture.runAsync(() -> {call.text})"
        return (
            mail,
            "Send it on another thread, or mark the method @Async.",
            (Edit(call.span.start, call.span.end, text),),
        )
    if language == "go" and call.path == "smtp.SendMail":
        return mail, "Send it in a goroutine, or put it into a queue.", ()
    return None


def _in_background(view: View) -> bool:
    return bool(re.search(r"\b(delay|apply_async|add_task|on_commit|enqueue)\b", view.own_text))


def unbounded_read(view: View) -> Iterator[Hit]:
    """A body that is read whole, however large."""
    for call in view.function.calls:
        edit = _bounded_read(view, call)
        if edit is not None:
            yield Hit(
                "unbounded-read",
                "A body is read whole, however large it is",
                "medium",
                call.span,
                f"`{_short(call.text)}` holds all that a client sends in memory at once.",
                "Memory: from the size of the largest body to the bound; with it, the pauses that a full memory "
                "brings.",
                "Read up to a bound, and refuse what is larger.",
                (edit,),
            )


def _bounded_read(view: View, call: Call) -> Edit | None:
    start, end = call.span.start, call.span.end
    if view.code.language == "go" and call.path in {"io.ReadAll", "ioutil.ReadAll"} and len(call.arguments) == 1:
        of_request = re.search(r"(?i)(request|req|r|c\.Request\(?\)?)\.Body$", call.arguments[0])
        if of_request and "MaxBytesReader" not in view.code.text:
            return Edit(start, end, f"{call.path}(io.LimitReader({call.arguments[0]}, 10<<20))")
    if view.code.language == "python" and call.awaited and call.name == "read" and not call.arguments:
        upload = re.search(rf"\b{re.escape(call.target)}\s*:\s*(\w+\.)?UploadFile\b", view.own_text)
        return Edit(start, end, f"{call.path}(10 * 1024 * 1024)") if upload else None
    return None


def file_in_loop(view: View) -> Iterator[Hit]:
    """Files that are read one after the other while the caller waits."""
    for call in view.function.calls:
        loop = _loop_of_elements(call)
        if loop is None or not _depends(call.text, loop):
            continue
        if (view.code.language == "python" and call.path == "open") or (
            view.code.language == "ruby" and call.path in {"File.read", "File.open"}
        ):
            yield Hit(
                "file-in-loop",
                "A file is opened in each turn of a loop",
                "medium",
                call.span,
                f"`{_short(call.text)}` reads from the disk for each `{', '.join(loop.variables)}`, while the "
                f"caller waits.",
                "By the number and size of the files; a cache takes nearly all of it.",
                "Read them once, at the start or into a cache, or in the background.",
            )


def swallowed_exception(view: View) -> Iterator[Hit]:
    """An error that nobody will ever hear of."""
    for catch in view.function.catches:
        if not (catch.empty and catch.broad):
            continue
        edits: tuple[Edit, ...] = ()
        imports = ""
        if view.code.language == "python":
            edits = (
                Edit(
                    catch.body.start,
                    catch.body.end,
                    'logging.getLogger(__name__).exception("It failed")\n' + _deeper(view, catch.body) + "raise",
                ),
            )
            imports = "import logging"
        elif view.code.language in _SCRIPTS and catch.name:
            edits = (Edit(catch.body.start, catch.body.end, f"{{ console.error({catch.name}); throw {catch.name}; }}"),)
        elif view.code.language == "java" and catch.name:
            edits = (Edit(catch.body.start, catch.body.end, f"{{ throw new IllegalStateException({catch.name}); }}"),)
        yield Hit(
            "swallowed-exception",
            "An error is dropped without a word",
            "low",
            catch.span,
            "Every error ends here, and nobody hears of it: what fails shows only as wrong or missing answers.",
            "None in time; the share of requests that fail becomes visible, and can be mended.",
            "Log it, and let it go on or answer with an error.",
            edits,
            imports,
        )


def _deeper(view: View, span: Span) -> str:
    return view.indentation(span)


# ── what rules have in common ──


def _loop_of_elements(call: Call) -> Loop | None:
    """The innermost loop over elements that a call is in; none where it goes page by page, or counts."""
    for loop in reversed(call.loops):
        if loop.counting or not loop.variables:
            return None
        return None if _PAGES.search(loop.over) or any(_PAGES.fullmatch(one) for one in loop.variables) else loop
    return None


def _depends(text: str, loop: Loop) -> bool:
    return any(re.search(rf"(?<![\w.]){re.escape(one)}\b", text) for one in loop.variables)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:99]}…"


Rule = Callable[[View], Iterator[Hit]]
RULES: Final[tuple[Rule, ...]] = (
    query_in_loop,
    lazy_relation,
    request_in_loop,
    missing_pagination,
    blocking_in_coroutine,
    sync_in_handler,
    no_timeout,
    sequential_awaits,
    background_work,
    unbounded_read,
    file_in_loop,
    select_star,
    swallowed_exception,
)
