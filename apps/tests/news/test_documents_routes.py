"""The documents by the contract."""

from __future__ import annotations

import uuid
from datetime import datetime

import pytest

from .serving import Client, Site


async def test_documents_are_as_the_contract_says(client: Client, site: Site) -> None:
    await client.enter(id="shape", name="Shape", url=site.feed("shape", 2))
    await client.run("shape")
    found = await client.documents(sourceId="shape", limit=1)
    assert found["status"] == "success"
    assert found["pagination"] == {"limit": 1, "offset": 0, "total": 2, "hasMore": True}
    (document,) = found["documents"]
    assert uuid.UUID(document["id"]).version == 4
    assert document["title"] == "Story 2 of the shape about harbours", "newest first"
    assert document["url"] == f"{site.url}/shape/2"
    assert document["summary"]
    assert "Paragraph 3" in document["fullText"]
    assert document["publishedAt"] == "2026-11-01T09:02:00.000+00:00"
    assert document["source"]["ids"] == ["shape"]
    assert document["media"]["type"] == "image"
    assert datetime.fromisoformat(document["processingDate"]).tzinfo is not None
    one = (await client.http.get(document["documentUrl"])).json()
    assert one == {"status": "success", "document": document}
    last = await client.documents(sourceId="shape", limit=1, offset=1)
    assert last["pagination"] == {"limit": 1, "offset": 1, "total": 2, "hasMore": False}
    assert last["documents"][0]["title"] == "Story 1 of the shape about harbours"


async def test_documents_are_searched(client: Client, site: Site) -> None:
    site.titles["/search/1"] = "Bundesregierung beschließt Klimagesetz"
    site.titles["/search/2"] = "中国经济增长放缓"
    await client.enter(id="search", name="Search", url=site.feed("search", 3))
    await client.run("search")

    async def found(q: str) -> list[str]:
        return await client.titles(sourceId="search", q=q)

    assert await found("regierung") == ["Bundesregierung beschließt Klimagesetz"]
    assert await found("经济") == ["中国经济增长放缓"]
    assert len(await found('"harbour of search"')) == 3
    assert len(await found("harbour -klimagesetz")) == 2
    assert len(await found(" ")) == 3
    assert await found('"') == []
    assert len(await found("AND (")) == 3, "a word like any other"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1000", "limit"),
        ("offset=-1", "offset"),
        ("limit=x", "limit"),
        ("q=" + "x" * 2000, "q"),
    ],
)
async def test_a_query_that_does_not_fit_names_the_field(query: str, field: str, client: Client) -> None:
    answer = await client.http.get(f"/api/news/documents?{query}")
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert field in answer.json()["error"]


async def test_an_unknown_document_is_404(client: Client) -> None:
    answer = await client.http.get(f"/api/news/documents/{uuid.uuid4()}")
    assert (answer.status_code, answer.json()["success"]) == (404, False)
