"""Pages: the files of the page, served as they are."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["add_pages"]

_KINDS = {
    "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml", "png": "image/png",
}  # fmt: skip


def add_pages(app: FastAPI) -> None:
    """Every file of `page/` under its own name, index.html as `/` too. They are read once: a few hundred kilobytes."""
    for file in sorted(files("sqlrl.server").joinpath("page").iterdir(), key=lambda each: each.name):
        kind = _KINDS.get(file.name.rpartition(".")[2])
        if kind is not None and file.is_file():
            content = file.read_bytes()
            for path in ("/", "/index.html") if file.name == "index.html" else (f"/{file.name}",):
                app.add_route(path, _giving(content, kind), methods=["GET"], include_in_schema=False)


def _giving(content: bytes, kind: str) -> Any:
    mark = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # Asked for each time, and sent only where it has changed: the page must fit the server.
    headers = {"etag": mark, "cache-control": "no-cache", "content-type": kind}

    async def give(request: Request) -> Response:
        if mark in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers)

    return give
