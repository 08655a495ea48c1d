"""Which calls ask a database, by the object-relational mappers that people use; which of them fetch without a bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from .code import Call, Code

Mapper = Literal[
    "Django",
    "SQLAlchemy",
    "SQL",
    "Prisma",
    "Mongoose",
    "Sequelize",
    "TypeORM",
    "Spring Data",
    "GORM",
    "ActiveRecord",
]


@dataclass(frozen=True, slots=True)
class Query:
    """whole: fetches rows without a bound. writes: changes something."""

    mapper: Mapper
    whole: bool = False
    writes: bool = False


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DJANGO: Final = _set(
    "get first last count exists aggregate earliest latest create get_or_create update_or_create bulk_create update "
    "delete"
    " in_bulk aget afirst acount aexists acreate"
)
_DJANGO_WRITES: Final = _set("create get_or_create update_or_create bulk_create update delete acreate")
_ALCHEMY: Final = _set(
    "all first one one_or_none scalar scalars execute get count get_or_404 first_or_404 one_or_404 delete update exec"
)
_MONGOOSE: Final = _set(
    "find findOne findById findOneAndUpdate findByIdAndUpdate findByIdAndDelete countDocuments aggregate create "
    "updateOne"
    " updateMany deleteOne deleteMany exists"
)
_SEQUELIZE: Final = _set("findAll findByPk findAndCountAll findOrCreate bulkCreate")
_PRISMA: Final = _set(
    "findMany findUnique findUniqueOrThrow findFirst findFirstOrThrow create createMany update updateMany upsert delete"
    " deleteMany count aggregate groupBy"
)
_TYPEORM: Final = _set(
    "find findOne findOneBy findOneOrFail findBy findAndCount count save insert update delete remove query exists"
)
_GORM: Final = _set("Find First Take Last Create Save Scan Count Pluck Delete Update Updates FirstOrCreate")
_GO_SQL: Final = _set("Query QueryRow QueryContext QueryRowContext Exec ExecContext Queryx QueryRowx NamedExec")
_RECORD: Final = _set(
    "find find_by find_by! where all first last count exists? create create! find_or_create_by find_or_create_by! pluck"
    " update_all sum"
)
_WRITES: Final = re.compile(
    r"^(create|update|delete|save|insert|upsert|remove|bulk|destroy|Create|Save|Update|Delete|Exec)"
)
_SQL_OBJECT: Final = re.compile(r"(^|[._])(cursor|cur|conn|connection|database|pool|knex)$")
_SESSION: Final = re.compile(r"(^|[._])(db|session|db_session)(\.session)?$")
_GO_OBJECT: Final = re.compile(r"(?i)(^|\.)(db|tx|conn|orm|gorm)\b(\(\))?")
_REPOSITORY: Final = re.compile(r"(?i)(repository|repo|dao|mapper)$")
_TYPEORM_OBJECT: Final = re.compile(r"((?i:repository|repo)|manager|getRepository\(.*\))$", re.DOTALL)
_MODEL: Final = re.compile(r"^([A-Z]\w*|\w*Model|(?:this|db|models)\.([A-Z]\w*|\w*Model))$")
_BOUNDED: Final = re.compile(
    r"\b(limit|take|first|top|fetchmany|paginate|page|skip|perPage|per_page|Pageable|PageRequest)\b", re.IGNORECASE
)
_NOT_MODELS: Final = _set(
    "Promise Object Array JSON Math Number String Date Map Set Boolean Symbol Reflect Intl Buffer URL Error "
    "Response Request"
    " NextResponse File Dir Time Rails Logger Process Struct Hash Kernel Thread ENV I18n"
)


def query_of(call: Call, code: Code) -> Query | None:
    """None where it asks no database, or does so only when another call is made on it."""
    reader = _BY_LANGUAGE.get(code.language)
    return reader(call, code) if reader is not None else None


def _python(call: Call, code: Code) -> Query | None:
    name, target = call.name, call.target
    if re.search(r"\.objects\b|_set\b", target) and code.mentions("django", ".objects"):
        if name in _DJANGO:
            return Query("Django", writes=name in _DJANGO_WRITES)
        if name in {"all", "filter", "exclude"} and not call.chained:
            return Query("Django", whole=target.endswith(".objects"))
        return None
    if name == "get_object_or_404" and code.mentions("django"):
        return Query("Django")
    if not call.chained and name in _ALCHEMY and code.mentions("sqlalchemy", "sqlmodel"):
        asks = ".query" in target or "select(" in call.text or bool(_SESSION.search(target))
        if asks and not (name in {"scalars", "execute", "exec"} and call.chained):
            whole = name == "all" and not _BOUNDED.search(call.text)
            return Query("SQLAlchemy", whole=whole, writes=name in {"delete", "update"})
    if name in {
        "execute",
        "fetch",
        "fetchrow",
        "fetchval",
        "fetch_one",
        "fetch_all",
        "fetchone",
    } and _SQL_OBJECT.search(target):
        return Query("SQL", writes=bool(re.search(r"(?i)['\"]\s*(insert|update|delete)\b", call.text)))
    return None


def _script(call: Call, code: Code) -> Query | None:
    name, target = call.name, call.target
    writes = bool(_WRITES.match(name))
    if name in _PRISMA and re.search(r"(?i)(^|\.)(prisma\w*|tx)\.\w+$", target):
        return Query("Prisma", whole=name == "findMany" and not _BOUNDED.search(call.text), writes=writes)
    if target in _NOT_MODELS or target == "new":
        return None
    if _MODEL.match(target):
        if name in _SEQUELIZE:
            return Query("Sequelize", whole=name == "findAll" and not _BOUNDED.search(call.text), writes=writes)
        if name in _MONGOOSE and code.mentions("mongoose", "Model", "models", "sequelize", "Schema"):
            whole = name == "find" and not call.chained
            return Query("Mongoose", whole=whole, writes=writes)
    if name in _TYPEORM and _TYPEORM_OBJECT.search(target):
        return Query("TypeORM", whole=name == "find" and not _BOUNDED.search(call.text), writes=writes)
    if name in {"query", "execute", "raw"} and re.search(
        r"(?i)(^|\.)(pool|client|db|conn|connection|knex|sequelize)$", target
    ):
        return Query("SQL")
    return None


def _java(call: Call, _: Code) -> Query | None:
    name, target = call.name, call.target.removeprefix("this.")
    if _REPOSITORY.search(target) and re.match(
        r"(find|get|count|exists|save|delete|query|select|insert|update|read)", name
    ):
        return Query("Spring Data", whole=name == "findAll" and not call.arguments, writes=bool(_WRITES.match(name)))
    if re.search(r"(?i)(jdbcTemplate|jdbc)$", target) and re.match(r"(query|update|execute)", name):
        return Query("SQL", writes=name == "update")
    if re.search(r"(?i)(entityManager|em)$", target) and name in {"find", "persist", "merge"}:
        return Query("Spring Data", writes=name != "find")
    return None


def _go(call: Call, code: Code) -> Query | None:
    if not _GO_OBJECT.search(call.target):
        return None
    if call.name in _GORM and code.mentions("gorm"):
        whole = call.name == "Find" and not _BOUNDED.search(call.text) and len(call.arguments) == 1
        return Query("GORM", whole=whole, writes=bool(_WRITES.match(call.name)))
    if call.name in _GO_SQL:
        return Query("SQL", writes=call.name.startswith("Exec"))
    return None


def _ruby(call: Call, _: Code) -> Query | None:
    root = call.target.split(".")[0]
    if not re.fullmatch(r"[A-Z]\w*(::[A-Z]\w*)*", root) or root in _NOT_MODELS or call.name not in _RECORD:
        return None
    if call.name in {"all", "where"}:
        whole = not call.chained and not _BOUNDED.search(call.text)
        return Query("ActiveRecord", whole=whole) if not call.chained else None
    return Query("ActiveRecord", writes=bool(_WRITES.match(call.name)))


_BY_LANGUAGE: Final = {
    "python": _python,
    "javascript": _script,
    "typescript": _script,
    "tsx": _script,
    "java": _java,
    "go": _go,
    "ruby": _ruby,
}
