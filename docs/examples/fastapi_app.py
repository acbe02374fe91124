"""An app whose customers ask about their own orders: whoever asks, and whatever is asked, no query sees other rows.

SHOP=shop.db POLICY=http://localhost:8000/v1#qwen2.5-coder uvicorn --app-dir docs/examples fastapi_app:app
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Request
from pydantic import BaseModel

import sqlrl


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with sqlrl.connect(os.environ["SHOP"], os.environ["POLICY"], tables=["orders"], rows=100) as app.state.shop:
        yield


app = FastAPI(lifespan=lifespan)


class Question(BaseModel):
    question: str


@app.post("/ask")
async def ask(body: Question, request: Request, x_customer: Annotated[int, Header()]) -> dict[str, Any]:
    # The header stands for what tells your app who asks: a session, a token that was checked.
    mine = request.app.state.shop.scoped(f"customer {x_customer}", row_filters={"orders": {"customer_id": x_customer}})
    answer = await mine.aask(body.question)
    if not answer:  # refused, cannot be run, too slow; no rows are an answer
        raise HTTPException(422, answer.message)
    return {"query": answer.query, "rows": answer.records(), "truncated": answer.truncated}
