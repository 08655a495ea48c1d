"""Small services in the frameworks that the audit reads, each with handlers that are slow for a reason, as git
repositories."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.repo import Repo

Files = Mapping[str, "str | bytes | Link | Submodule"]


class Link(str):
    """A symbolic link to this path."""

    __slots__ = ()


class Submodule(str):
    """A submodule at this commit."""

    __slots__ = ()


def make_repository(path: Path, branches: Mapping[str, Files], *, default: str = "main") -> Path:
    """A bare repository with one commit on each branch."""
    repo = Repo.init_bare(str(path), mkdir=True)
    for branch, files in branches.items():
        repo.refs[f"refs/heads/{branch}".encode()] = commit_of(repo, files)  # type: ignore[index]
    repo.refs.set_symbolic_ref(b"HEAD", f"refs/heads/{default}".encode())  # type: ignore[arg-type]
    repo.close()
    return path


def commit_of(repo: Repo, files: Files) -> ObjectID:
    commit = Commit()
    commit.tree = _tree(repo, files)
    commit.author = commit.committer = b"Ann <ann@example.com>"
    commit.author_time = commit.commit_time = 1_700_000_000
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = b"The service"
    repo.object_store.add_object(commit)
    return commit.id


def _tree(repo: Repo, files: Files) -> ObjectID:
    tree, folders = Tree(), dict[str, dict[str, "str | bytes | Link | Submodule"]]()
    for path, content in files.items():
        name, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(name, {})[rest] = content
        elif isinstance(content, Submodule):
            tree.add(name.encode(), 0o160000, content.encode())  # type: ignore[arg-type]
        else:
            blob = Blob.from_string(content if isinstance(content, bytes) else str(content).encode())
            repo.object_store.add_object(blob)
            mode = stat.S_IFLNK if isinstance(content, Link) else stat.S_IFREG | 0o644
            tree.add(name.encode(), mode, blob.id)
    for name, inside in folders.items():
        tree.add(name.encode(), stat.S_IFDIR, _tree(repo, inside))
    repo.object_store.add_object(tree)
    return tree.id


SHOP_FASTAPI: Final = {
    "README.md": "# shop\n",
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["fastapi", "sqlalchemy"]\n',
    "app/__init__.py": "",
    "app/main.py": """\
from fastapi import FastAPI

from app.orders import router as orders
from app.users import router as users

app = FastAPI()
app.include_router(users, prefix="/api/users")
app.include_router(orders, prefix="/api/orders")


@app.get("/health")
async def health():
    return {"ok": True}
""",
    "app/models.py": """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    orders = relationship("Order")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
""",
    "app/users.py": """\
import requests
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.database import get_db
from app.models import Order, User

router = APIRouter()


@router.get("/")
def list_users(db: Session = Depends(get_db)):
    users = db.query(User).all()
    return [{"id": user.id, "orders": len(user.orders)} for user in users]


@router.get("/{user_id}")
async def read_user(user_id: int, db: Session = Depends(get_db)):
    score = requests.get(f"https://scores.example.com/{user_id}").json()
    return {"user": db.query(User).filter(User.id == user_id).first(), "score": score}


@router.get("/{user_id}/orders")
def orders_of(user_id: int, limit: int = 20, db: Session = Depends(get_db)):
    return db.query(Order).filter(Order.user_id == user_id).limit(limit).all()
""",
    "app/orders.py": """\
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.database import get_db
from app.models import Order
from app.prices import price_of

router = APIRouter()


@router.post("/quote")
def quote(items: list[int], db: Session = Depends(get_db)):
    total = 0
    for item in items:
        total += price_of(db, item)
    return {"total": total}
""",
    "app/prices.py": '''\
from app.models import Order


def price_of(db, item):
    """The price of the newest order of an item; from sqlalchemy."""
    return db.query(Order).filter(Order.id == item).first().price
''',
    "app/database.py": """\
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

make = sessionmaker(create_engine("sqlite://"))


def get_db():
    with make() as session:
        yield session
""",
}

SHOP_EXPRESS: Final = {
    "package.json": '{"name": "shop", "dependencies": {"express": "^4", "mongoose": "^8"}}\n',
    "src/app.js": """\
const express = require("express");
const articles = require("./routes/articles");

const app = express();
app.use("/api/articles", articles);
app.listen(3000);
""",
    "src/routes/articles.js": """\
const express = require("express");
const fs = require("fs");
const Article = require("../models/Article");
const User = require("../models/User");

const router = express.Router();

router.get("/", async (req, res) => {
  const articles = await Article.find({});
  res.json(articles);
});

router.get("/feed", async (req, res) => {
  const feed = [];
  for (const entry of req.user.entries) {
    const author = await User.findById(entry.author);
    feed.push({ entry, author });
  }
  res.json(feed);
});

router.get("/:slug", async (req, res) => {
  const terms = fs.readFileSync("terms.txt", "utf8");
  const article = await Article.findOne({ slug: req.params.slug });
  res.json({ article, terms });
});

module.exports = router;
""",
    "src/models/Article.js": """\
const mongoose = require("mongoose");
module.exports = mongoose.model("Article", new mongoose.Schema({ slug: String }));
""",
    "src/models/User.js": """\
const mongoose = require("mongoose");
module.exports = mongoose.model("User", new mongoose.Schema({ name: String }));
""",
}

SHOP_DJANGO: Final = {
    "manage.py": """\
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
""",
    "shop/__init__.py": "",
    "shop/settings.py": 'ROOT_URLCONF = "shop.urls"\nINSTALLED_APPS = ["books"]\n',
    "shop/urls.py": """\
from django.urls import include, path

urlpatterns = [path("api/", include("books.urls"))]
""",
    "books/__init__.py": "",
    "books/urls.py": """\
from django.urls import path

from . import views

urlpatterns = [
    path("books/", views.list_books),
    path("books/<int:pk>/", views.read_book),
]
""",
    "books/models.py": """\
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100)


class Book(models.Model):
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
""",
    "books/views.py": """\
from django.http import JsonResponse
from django.views.decorators.http import require_GET

from .models import Book


@require_GET
def list_books(request):
    found = []
    for book in Book.objects.all():
        found.append({"title": book.title, "author": book.author.name})
    return JsonResponse({"books": found})


@require_GET
def read_book(request, pk):
    book = Book.objects.select_related("author").get(pk=pk)
    return JsonResponse({"title": book.title, "author": book.author.name})
""",
}

SERVICES: Final[dict[str, Files]] = {
    "shop/fastapi": SHOP_FASTAPI,
    "shop/express": SHOP_EXPRESS,
    "shop/django": SHOP_DJANGO,
    "shop/paper": {"README.md": "# Nothing but words\n"},
}
"""By the names under which the playground serves them."""
