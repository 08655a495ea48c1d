"""What the rules find, and what they leave alone; and that what they propose is a program."""

# ruff: noqa: E501  programs as they are written

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from accepted_apps.audit.analysis import Examiner
from accepted_apps.audit.analysis.examiner import risk_of
from accepted_apps.audit.analysis.rewriting import parses
from accepted_apps.audit.discovery.files import SourceTree
from accepted_apps.audit.model import Framework, Route
from accepted_apps.audit.survey import Dossier

FRAMEWORKS: dict[str, tuple[Framework, str]] = {
    "py": ("FastAPI", "python"),
    "js": ("Express", "javascript"),
    "ts": ("NestJS", "typescript"),
    "java": ("Spring", "java"),
    "go": ("Gin", "go"),
    "rb": ("Rails", "ruby"),
}


def examined(
    tmp_path: Path, name: str, text: str, *, method: str = "GET", path: str = "/things", **more: str
) -> Dossier:
    """Of the function `handler` in a file of this name; `more`: other files, with `__` for a dot."""
    text = textwrap.dedent(text)
    (tmp_path / name).write_text(text)
    for other, content in more.items():
        (tmp_path / other.replace("__", ".")).write_text(textwrap.dedent(content))
    framework, language = FRAMEWORKS[name.rpartition(".")[2]]
    line = next(number for number, one in enumerate(text.split("\n"), 1) if "handler" in one)
    route = Route(
        method=method,
        path=path,
        file=name,
        line=line,
        end_line=line,
        function="handler",
        framework=framework,
        language=language,
    )
    dossier = Examiner(SourceTree(tmp_path)).examine(0, route)
    for one in dossier.suggestions:
        assert parses(one.current_code, language), one.current_code
        assert parses(one.improved_code, language), one.improved_code
        kept = {line.strip() for line in text.split("\n")} | {
            line.strip() for content in more.values() for line in content.split("\n")
        }
        assert {line.strip() for line in one.current_code.split("\n")} <= kept, "lines as they stand there"
    for finding in dossier.findings:
        assert finding.excerpt.strip()
        assert finding.why
        assert finding.gain
    return dossier


def rules(dossier: Dossier) -> list[str]:
    return [one.rule for one in dossier.findings]


FOUND = [
    ("query-in-loop", "a.py", """
        from django.http import JsonResponse
        def handler(request):
            found = []
            for line in cart.lines:
                item = Item.objects.get(pk=line.item_id)
                found.append(item.name)
            return JsonResponse({"found": found})
     """, "item_by_id = Item.objects.in_bulk([line.item_id for line in cart.lines])"),
    ("query-in-loop", "a.py", """
        from sqlalchemy import select
        async def handler(session, ids):
            return [await session.scalar(select(User).where(User.id == one)) for one in ids]
     """, None),
    ("query-in-loop", "a.py", """
        def handler(ids, cursor):
            for one in ids:
                cursor.execute("select name from t where id = %s", (one,))
     """, None),
    ("query-in-loop", "a.js", """
        const { PrismaClient } = require("@prisma/client");
        async function handler(req, res) {
          for (const line of req.body.lines) {
            const item = await prisma.item.findUnique({ where: { id: line.itemId } });
            res.write(item.name);
          }
          res.end();
        }
     """, "prisma.item.findMany({ where: { id: { in: req.body.lines.map((line) => line.itemId) } } })"),
    ("query-in-loop", "a.js", """
        const { User } = require("./models");
        async function handler(req, res) {
          const users = await Promise.all(req.body.ids.map(async (id) => await User.findByPk(id)));
          res.json(users);
        }
     """, None),
    ("query-in-loop", "a.ts", """
        class Things {
          async handler(ids: number[]) {
            const out: User[] = [];
            for (const id of ids) {
              out.push(await this.userRepository.findOneBy({ id }));
            }
            return out;
          }
        }
     """, None),
    ("query-in-loop", "A.java", """
        class A {
          List<User> handler(List<Long> ids) {
            List<User> found = new ArrayList<>();
            for (Long id : ids) {
              found.add(userRepository.findById(id).orElseThrow());
            }
            return found;
          }
        }
     """, None),
    ("query-in-loop", "a.go", """
        package main
        import "gorm.io/gorm"
        func handler(c *gin.Context) {
          for _, id := range ids {
            var user User
            db.First(&user, id)
          }
        }
     """, None),
    ("query-in-loop", "a.rb", """
        class ThingsController
          def handler
            lines.each do |line|
              item = Item.find(line.item_id)
              puts item.name
            end
          end
        end
     """, "Item.where(id: lines.map { |line| line.item_id }).index_by(&:id)"),
    ("missing-pagination", "a.py", """
        from sqlalchemy.orm import Session
        def handler(db):
            return db.query(User).all()
     """, "db.query(User).limit(100).all()"),
    ("missing-pagination", "a.js", """
        const mongoose = require("mongoose");
        async function handler(req, res) { res.json(await User.find({})); }
     """, "User.find({}).limit(100)"),
    ("missing-pagination", "a.ts", """
        async function handler() { return this.prisma.user.findMany({ where: { active: true } }); }
     """, "findMany({ take: 100, where: { active: true } })"),
    ("missing-pagination", "A.java", """
        class A { List<User> handler() { return userRepository.findAll(); } }
     """, "userRepository.findAll(PageRequest.of(0, 100))"),
    ("missing-pagination", "a.go", """
        package main
        import "gorm.io/gorm"
        func handler(c *gin.Context) {
          var users []User
          db.Find(&users)
          c.JSON(200, users)
        }
     """, "db.Limit(100).Find(&users)"),
    ("missing-pagination", "a.rb", """
        class UsersController
          def handler
            render json: User.all
          end
        end
     """, "User.all.limit(100)"),
    ("blocking-in-coroutine", "a.py", """
        import time
        async def handler():
            time.sleep(1)
     """, "await asyncio.sleep(1)"),
    ("blocking-in-coroutine", "a.py", """
        import requests
        async def handler(url):
            return requests.get(url, timeout=5).json()
     """, "(await asyncio.to_thread(requests.get, url, timeout=5)).json()"),
    ("blocking-call", "a.js", """
        const fs = require("fs");
        async function handler(req, res) { res.send(fs.readFileSync("a.txt", "utf8").trim()); }
     """, '(await fs.promises.readFile("a.txt", "utf8")).trim()'),
    ("no-timeout", "a.py", """
        import requests
        def handler(url):
            return requests.post(
                url,
                json={},
            )
     """, "timeout=10"),
    ("no-timeout", "a.js", """
        async function handler(req, res) { res.json(await (await fetch("https://x.test/a")).json()); }
     """, "AbortSignal.timeout(10000)"),
    ("no-timeout", "a.go", """
        package main
        import "net/http"
        func handler() { http.Get("https://x.test") }
     """, "(&http.Client{Timeout: 10 * time.Second}).Get"),
    ("sequential-awaits", "a.py", """
        async def handler(client):
            user = await client.get_user(1)
            orders = await client.get_orders(1)
            return user, orders
     """, "user, orders = await asyncio.gather(client.get_user(1), client.get_orders(1))"),
    ("sequential-awaits", "a.js", """
        async function handler(req, res) {
          const user = await getUser(req.id);
          const orders = await loadOrders(req.id);
          res.json({ user, orders });
        }
     """, "const [user, orders] = await Promise.all([getUser(req.id), loadOrders(req.id)]);"),
    ("sequential-awaits", "a.ts", """
        async function handler(id: number) {
          let user = await getUser(id);
          const orders = await loadOrders(id);
          user = user ?? orders.owner;
          return user;
        }
     """, "let [user, orders] = await Promise.all([getUser(id), loadOrders(id)]);"),
    ("request-in-loop", "a.py", """
        import requests
        def handler(urls):
            return [requests.get(url, timeout=3).text for url in urls]
     """, None),
    ("background-work", "a.rb", """
        class UsersController
          def handler
            UserMailer.welcome(user).deliver_now
          end
        end
     """, "deliver_later"),
    ("background-work", "A.java", """
        class A { void handler() { mailSender.send(message); } }
     """, "CompletableFuture.runAsync(() -> mailSender.send(message))"),
    ("unbounded-read", "a.go", """
        package main
        func handler(c *gin.Context) { body, _ := io.ReadAll(c.Request.Body); use(body) }
     """, "io.ReadAll(io.LimitReader(c.Request.Body, 10<<20))"),
    ("unbounded-read", "a.py", """
        from fastapi import UploadFile
        async def handler(file: UploadFile):
            return len(await file.read())
     """, "file.read(10 * 1024 * 1024)"),
    ("file-in-loop", "a.py", """
        def handler(names):
            return [open(name).read() for name in names]
     """, None),
    ("select-star", "a.py", """
        def handler(cursor):
            cursor.execute("SELECT * FROM users WHERE id = 1")
     """, None),
    ("swallowed-exception", "a.py", """
        def handler():
            try:
                work()
            except Exception:
                pass
     """, "raise"),
    ("swallowed-exception", "a.js", """
        function handler() { try { work(); } catch (error) {} }
     """, "throw error;"),
    ("swallowed-exception", "A.java", """
        class A { void handler() { try { work(); } catch (Exception e) { } } }
     """, "throw new IllegalStateException(e);"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "name", "text", "improved"), FOUND, ids=[f"{rule}-{name}" for rule, name, *_ in FOUND]
)
def test_what_is_found(rule: str, name: str, text: str, improved: str | None, tmp_path: Path) -> None:
    dossier = examined(tmp_path, name, text)
    assert rule in rules(dossier)
    said = [one for one in dossier.suggestions if one.rule == rule]
    if improved is not None:
        assert improved in said[0].improved_code
        assert improved not in said[0].current_code


LEFT_ALONE = [
    # A query that does not depend on the element, pages, batches, a loop that counts, the loop's own source.
    ("a.py", "def handler(request):\n    for number in range(3):\n        Item.objects.get(pk=number)\n"),
    ("a.py", "def handler(pages):\n    for page in pages:\n        cursor.execute(f'select x limit {page}')\n"),
    ("a.py", "from django.db import models\ndef handler(r):\n    for item in Item.objects.filter(owner=r.user)[:20]:\n        use(item)\n"),
    ("a.py", "def handler(rows):\n    found = {}\n    for row in rows:\n        found[row.id] = cache.get(row.id)\n    return found\n"),
    ("a.py", "def handler(names):\n    for name in names:\n        settings.objects_by_name.get(name)\n"),
    ("a.js", "async function handler() { for (const id of ids) { map.get(id); list.find((one) => one === id); } }"),
    ("a.js", "async function handler() { const all = Object.create(null); for (const a of b) { Array.from(a); Map.exists(a); } }"),
    ("a.js", "async function handler() { while (true) { const rows = await prisma.row.findMany({ skip, take: 100 }); if (!rows.length) break; } }"),
    ("a.go", "package main\nfunc handler() { for _, id := range ids { cache.First(id) } }"),
    ("A.java", "class A { void handler(Long id) { service.byId(id).map(one -> { userRepository.delete(one); return 1; }); } }"),
    ("a.rb", "class A\n  def handler\n    names.each { |name| Time.find(name) }\n  end\nend\n"),
    # Lists with a limit, or that are narrow.
    ("a.py", "from sqlalchemy import x\ndef handler(db, limit):\n    return db.query(User).limit(limit).all()\n"),
    ("a.py", "from sqlalchemy import x\ndef handler(db, me):\n    return db.query(User).filter(User.boss == me).all()\n"),
    ("a.py", "from django.core.paginator import Paginator\ndef handler(r):\n    return Paginator(User.objects.all(), 20).page(1)\n"),
    ("a.py", "import django\ndef handler(project):\n    return [one.name for one in project.check_set.all()]\n"),
    ("a.js", "async function handler(req, res) { res.json(await User.find({}).limit(20)); }"),
    ("a.js", "function handler() { return users.find((user) => user.id === 1); }"),
    ("A.java", "class A { Page<User> handler(Pageable pageable) { return userRepository.findAll(pageable); } }"),
    ("a.rb", "class A\n  def handler\n    render json: User.page(params[:page])\n  end\nend\n"),
    # Blocking calls where they do no harm.
    ("a.py", "import time\ndef handler():\n    time.sleep(1)\n"),
    ("a.py", "import asyncio, requests\nasync def handler(url):\n    return await asyncio.to_thread(requests.get, url)\n"),
    ("a.py", "from aiofiles import open\nasync def handler(name):\n    async with open(name) as file:\n        return await file.read(10)\n"),
    ("a.js", "function handler() { return fs.existsSync('a'); }"),
    # Time-outs that are there.
    ("a.py", "import requests\ndef handler(url):\n    return requests.get(url, timeout=3)\n"),
    ("a.py", "import requests\ndef handler(url, **more):\n    return requests.get(url, **more)\n"),
    ("a.js", "async function handler() { return fetch('https://x.test', { signal }); }"),
    # Awaits that need each other, share a session, or write.
    ("a.py", "async def handler(c):\n    user = await c.get_user(1)\n    orders = await c.get_orders(user)\n    return orders\n"),
    ("a.py", "async def handler(session):\n    a = await session.get(A, 1)\n    b = await session.get(B, 1)\n    return a, b\n"),
    ("a.js", "async function handler() { const a = await createUser(1); const b = await createOrder(1); return [a, b]; }"),
    # Errors that are told.
    ("a.py", "def handler():\n    try:\n        work()\n    except KeyError:\n        pass\n"),
    ("a.py", "def handler():\n    try:\n        work()\n    except Exception:\n        log.exception('x')\n"),
    ("a.js", "function handler() { try { work(); } catch (error) { next(error); } }"),
    ("a.rb", "class A\n  def handler\n    UserMailer.welcome(user).deliver_later\n  end\nend\n"),
    ("a.py", "def handler(cursor):\n    cursor.execute('SELECT count(*) FROM users')\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"), LEFT_ALONE, ids=[f"{number}-{name}" for number, (name, _) in enumerate(LEFT_ALONE)]
)
def test_what_is_left_alone(name: str, text: str, tmp_path: Path) -> None:
    assert rules(examined(tmp_path, name, text)) == []


MODELS = """
    from django.db import models
    class Author(models.Model):
        name = models.TextField()
    class Book(models.Model):
        author = models.ForeignKey(Author, on_delete=models.CASCADE)
        tags = models.ManyToManyField("Tag")
"""


@pytest.mark.parametrize(
    ("loop", "improved"),
    [
        ("for book in Book.objects.all()[:50]:\n        use(book.author.name)", None),
        ("for book in Book.objects.order_by('id'):\n        use(book.author.name)", None),
        (
            "for book in Book.objects.filter(x=1):\n        use(book.author.name)",
            '.filter(x=1).select_related("author")',
        ),
        (
            "for book in Book.objects.filter(x=1):\n        use(book.tags.all())",
            '.filter(x=1).prefetch_related("tags")',
        ),
        ("[book.author.name for book in Book.objects.filter(x=1)]", '.select_related("author")'),
    ],
)
def test_relations_of_django_that_load_for_each_row(loop: str, improved: str | None, tmp_path: Path) -> None:
    text = f"def handler(request, limit):\n    {loop}\n"
    dossier = examined(tmp_path, "a.py", text, models__py=MODELS)
    said = [one for one in dossier.suggestions if one.rule == "lazy-relation"]
    if improved is not None:
        assert improved in said[0].improved_code


@pytest.mark.parametrize(
    "loop",
    [
        "for book in Book.objects.select_related('author').filter(x=1):\n        use(book.author.name)",
        "for book in Book.objects.filter(x=1):\n        use(book.author_id)",
        "for book in Book.objects.filter(x=1):\n        use(book.title)",
        "for book in books:\n        use(book.author.name)",
        "for name in Book.objects.values_list('author__name', flat=True):\n        use(name)",
    ],
)
def test_relations_that_are_fetched_along_or_not_used(loop: str, tmp_path: Path) -> None:
    dossier = examined(tmp_path, "a.py", f"def handler(request, limit):\n    {loop}\n", models__py=MODELS)
    assert "lazy-relation" not in rules(dossier)


def test_relations_of_rails(tmp_path: Path) -> None:
    text = """
        class PostsController
          def handler
            posts = Post.where(shown: true)
            posts.each do |post|
              puts post.author.name
            end
          end
        end
    """
    dossier = examined(tmp_path, "a.rb", text, post__rb="class Post < ApplicationRecord\n  belongs_to :author\nend\n")
    [one] = [one for one in dossier.suggestions if one.rule == "lazy-relation"]
    assert "Post.where(shown: true).includes(:author)" in one.improved_code


ORDER = """
    @Entity
    class Order {
        @OneToMany(mappedBy = "order", cascade = CascadeType.ALL)
        private List<Item> items;
        @ManyToMany(fetch = FetchType.EAGER)
        private Set<Tag> tags;
        @ManyToMany @BatchSize(size = 50)
        private Set<Note> notes;
        @ManyToOne(fetch = FetchType.LAZY)
        private Customer customer;
        @ManyToOne
        private Shop shop;
    }
"""
ORDERS = """
    interface OrderRepository extends JpaRepository<Order, Long> {
        List<Order> findByYear(int year);
        @EntityGraph(attributePaths = "items")
        List<Order> findWithItems(int year);
        @Query("select o from Order o join fetch o.customer")
        List<Order> findOpen();
    }
"""


def of_orders(tmp_path: Path, body: str, **more: str) -> Dossier:
    text = "class A { void handler(int year) { " + body + " } }"
    return examined(tmp_path, "A.java", text, Order__java=ORDER, OrderRepository__java=ORDERS, **more)


@pytest.mark.parametrize(
    ("body", "relation"),
    [
        ("for (Order o : orderRepository.findByYear(year)) { n += o.getItems().size(); }", "items"),
        ("for (final Order o : orderRepository.findByYear(year)) { for (Item i : o.getItems()) { use(i); } }", "items"),
        ("List<Order> all = orderRepository.findByYear(year); for (Order o : all) { use(o.getItems()); }", "items"),
        ("List<Order> all = orderRepository.findByYear(year); all.forEach(o -> use(o.getItems()));", "items"),
        ("for (Order o : this.orderRepository.findByYear(1)) { use(o.getCustomer().getName()); }", "customer"),
    ],
)
def test_relations_of_jpa_that_load_for_each_row(body: str, relation: str, tmp_path: Path) -> None:
    [found] = [one for one in of_orders(tmp_path, body).findings if one.rule == "lazy-relation"]
    assert found.title == f"`{relation}` is loaded anew for each Order"
    assert "findByYear" in found.excerpt


@pytest.mark.parametrize(
    "body",
    [
        "for (Order o : orderRepository.findByYear(year)) { use(o.getTags().size(), o.getNotes().size()); }",
        "for (Order o : orderRepository.findByYear(year)) { use(o.getShop().getName()); }",
        "for (Order o : orderRepository.findByYear(year)) { use(o.getCustomer().getId(), o.getNumber()); }",
        "for (Order o : orderRepository.findByCustomerId(1)) { use(o.getCustomer().getName()); }",
        "for (Order o : orderRepository.findByYear(year)) { o.getItems().add(item); }",
        "for (Order o : orderRepository.findWithItems(year)) { n += o.getItems().size(); }",
        "for (Order o : orderRepository.findOpen()) { use(o.getCustomer().getName()); }",
        "for (Order o : orders) { n += o.getItems().size(); }",
        "for (var o : orderRepository.findByYear(year)) { n += o.getItems().size(); }",
        "for (Bill o : billRepository.findByYear(year)) { n += o.getItems().size(); }",
    ],
)
def test_relations_of_jpa_that_are_no_queries_of_their_own(body: str, tmp_path: Path) -> None:
    assert "lazy-relation" not in rules(of_orders(tmp_path, body))


def test_relations_of_jpa_that_hibernate_loads_in_batches(tmp_path: Path) -> None:
    body = "for (Order o : orderRepository.findByYear(year)) { n += o.getItems().size(); }"
    settings = "spring.jpa.properties.hibernate.default_batch_fetch_size=50"
    assert "lazy-relation" not in rules(of_orders(tmp_path, body, application__properties=settings))


def test_calls_are_followed_into_other_files_two_levels_deep(tmp_path: Path) -> None:
    dossier = examined(
        tmp_path,
        "a.py",
        "from service import load\ndef handler(db):\n    return load(db)\n",
        service__py="from store import load_all\ndef load(db):\n    return load_all(db)\n",
        store__py="import sqlalchemy\nimport deep\ndef load_all(db):\n    return deep.most(db, db.query(User).all())\n",
        deep__py="import time\nimport requests\ndef most(db, rows):\n    return requests.get(rows)\n",
    )
    assert [(one.rule, one.file) for one in dossier.findings] == [("missing-pagination", "store.py")]
    assert [one.file for one in dossier.sources] == ["a.py", "service.py", "store.py"]


def test_a_name_that_two_files_define_is_not_followed(tmp_path: Path) -> None:
    body = "import requests\ndef load(db):\n    return requests.get(db)\n"
    dossier = examined(tmp_path, "a.py", "def handler(db):\n    return load(db)\n", one__py=body, two__py=body)
    assert [one.file for one in dossier.sources] == ["a.py"]


def test_complexity_is_cyclomatic_and_risk_follows_it(tmp_path: Path) -> None:
    programs = {
        "a.py": "def handler(a, b):\n    if a and b or a:\n        return 1\n    for x in a:\n        while x:\n            x = 1 if b else 2\n    return [y for y in a if y]\n",
        "a.js": "function handler(a, b) { if (a && b || a) { return 1; } for (const x of a) { while (x) { b ? 1 : 2; } } }",
        "A.java": "class A { int handler(int a, int b) { if (a > 0 && b > 0 || a < 0) { return 1; } for (int x : y) { while (x) { z = b ? 1 : 2; } } return 2; } }",
        "a.go": "package main\nfunc handler(a, b bool) { if a && b || a { return }\nfor _, x := range y { switch x { case 1: return\ncase 2: return } } }",
        "a.rb": "def handler(a, b)\n  return 1 if a && b || a\n  while a\n    b ? 1 : 2\n  end\nend\n",
    }
    expected = {"a.py": 9, "a.js": 7, "A.java": 7, "a.go": 7, "a.rb": 6}
    for name, text in programs.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(text)
        framework, language = FRAMEWORKS[name.rpartition(".")[2]]
        line = next(number for number, one in enumerate(text.split("\n"), 1) if "handler" in one)
        route = Route(
            method="GET",
            path="/",
            file=name,
            line=line,
            end_line=line,
            function="handler",
            framework=framework,
            language=language,
        )
        Examiner(SourceTree(folder)).measure(route)
        assert route.complexity == expected[name], name
    assert [risk_of(number, worst=3) for number in (1, 5, 6, 10, 11, 20, 21)] == [
        "LOW", "LOW", "MEDIUM", "MEDIUM", "HIGH", "HIGH", "CRITICAL",
    ]  # fmt: skip
    assert risk_of(1, worst=0) == "MEDIUM"
    assert risk_of(99, worst=0) == "CRITICAL"


@pytest.mark.parametrize("name", ["a.py", "a.js", "A.java", "a.go", "a.rb"])
def test_broken_and_deep_programs_harm_nobody(name: str, tmp_path: Path) -> None:
    for text in ("def handler(:\n((((", "handler " + "(" * 3000, "handler\n" + "if a {\n" * 500, "handler\0"):
        (tmp_path / name).write_text(text)
        framework, language = FRAMEWORKS[name.rpartition(".")[2]]
        route = Route(
            method="GET",
            path="/",
            file=name,
            line=1,
            end_line=1,
            function="handler",
            framework=framework,
            language=language,
        )
        examiner = Examiner(SourceTree(tmp_path))
        examiner.measure(route)
        examiner.examine(0, route)
