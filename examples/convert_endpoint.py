"""A blocking endpoint, converted by one line."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI
from pydantic import BaseModel

from accepted import Jobs

jobs = Jobs("sqlite:///jobs.db")
app = FastAPI(lifespan=jobs.lifespan)
app.include_router(jobs.router)


class Question(BaseModel):
    text: str
    seconds: float = 0.0


@app.post("/analyze")
@jobs.endpoint(wait=20)
async def analyze(question: Question) -> dict[str, int]:
    await asyncio.sleep(question.seconds)
    return {"length": len(question.text)}
