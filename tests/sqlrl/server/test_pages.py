"""The page's files: each under its own name and kind, nothing else, and again only where it has changed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any


def test_every_file_of_the_page_is_served(serve: Callable[..., Any]) -> None:
    folder = files("sqlrl.server").joinpath("page")
    with serve({}).client() as client:
        for file in folder.iterdir():
            response = client.get(f"/{file.name}")
            assert response.status_code == 200
            assert response.content == file.read_bytes()
            kind = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
            assert response.headers["content-type"].startswith(kind[file.name.rpartition(".")[2]])
            again = client.get(f"/{file.name}", headers={"If-None-Match": response.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        assert client.get("/").content == folder.joinpath("index.html").read_bytes()
        for path in ("/app.py", "/page/index.html", "/page", "/__init__.py", "/..%2fapp.py", "/index.html/"):
            assert client.get(path).status_code == 404
