"""An application as the README has it, and beside the routes of accepted the same without it: `bench.served:app`."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import FastAPI, Header
from pydantic import BaseModel
from starlette.responses import Response

from bench.tasks import jobs

app = FastAPI()


class Order(BaseModel):
    repo: str
    branch: str = "main"
    depth: int = 1


@app.post("/bare/tasks/{task}", status_code=202)
async def bare_submit(task: str, order: Order) -> dict[str, str]:
    """Validates what the task validates and stores nothing."""
    return {"id": str(uuid.uuid4()), "task": task, "repo": order.repo}


@app.get("/bare/jobs/{job_id}")
async def bare_status(job_id: str, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """Compares a tag and reads nothing."""
    if if_none_match == 'W/"2"':
        return Response(status_code=304, headers={"ETag": 'W/"2"'})
    return Response(job_id)


# After them: routes are tried in order, and theirs are not to wait for ours.
app.include_router(jobs.router)
