"""Downloads from a real HTTP server on this machine: resumed, checked, safely unpacked."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sqlrl.benchmarks.download import Archive, download, fetch, unpack
from sqlrl.executors.errors import DataError, UnavailableError, UsageError

pytest.importorskip("httpx")


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, body in members.items():
            file.writestr(name, body)
    return buffer.getvalue()


class Server:
    """Serves `body` with ranges; cuts the first answer off after `cut` bytes."""

    def __init__(self) -> None:
        self.body = b""
        self.cut = 0
        self.status = 200
        self.page = False
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range", "")
                server.asked.append(wanted)
                start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else 0
                if server.status != 200:
                    self.send_error(server.status)
                    return
                if wanted and start >= len(server.body):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(server.body)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                rest = server.body[start:]
                self.send_response(206 if wanted else 200)
                if wanted:
                    self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
                self.send_header("Content-Type", "text/html" if server.page else "application/zip")
                self.send_header("Content-Length", str(len(rest)))
                self.end_headers()
                cut, server.cut = server.cut, 0
                self.wfile.write(rest[:cut] if cut else rest)
                if cut:
                    self.close_connection = True

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/data.zip"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def test_a_benchmark_arrives_checked_and_unpacked(server: Server, tmp_path: Path) -> None:
    inner = _zip({"dev_databases/shop/shop.sqlite": b"rows"})
    server.body = _zip({"top/dev.json": b"[]", "top/dev_databases.zip": inner, "__MACOSX/x": b""})
    digest = hashlib.sha256(server.body).hexdigest()
    archives = {"bird": (Archive(server.url, "bird", digest),)}
    moved: list[int] = []
    done = fetch("bird", tmp_path, archives=archives, advance=lambda count, total: moved.append(count))
    assert done == [(tmp_path / "bird", digest)]
    assert (tmp_path / "bird" / "dev.json").read_bytes() == b"[]"
    assert (tmp_path / "bird" / "dev_databases" / "shop" / "shop.sqlite").read_bytes() == b"rows"
    assert sum(moved) == len(server.body)
    assert [path.name for path in tmp_path.iterdir()] == ["bird"]


def test_a_cut_download_goes_on(server: Server, tmp_path: Path) -> None:
    server.body = _zip({"a.json": bytes(range(256)) * 400})
    server.cut = 100
    part = tmp_path / "part"
    with pytest.raises(UnavailableError, match="run it again"):
        download(server.url, part)
    assert part.stat().st_size == 100
    assert download(server.url, part) == hashlib.sha256(server.body).hexdigest()
    assert server.asked == ["", "bytes=100-"]
    # A part that is whole already is asked about and kept.
    assert download(server.url, part) == hashlib.sha256(server.body).hexdigest()


def test_a_part_of_another_version_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.body = b"short"
    part = tmp_path / "part"
    part.write_bytes(b"longer than that")
    with pytest.raises(UnavailableError, match="changed"):
        download(server.url, part)
    assert not part.exists()


def test_a_wrong_hash_is_refused_and_nothing_is_kept(server: Server, tmp_path: Path) -> None:
    server.body = _zip({"dev.json": b"[]"})
    with pytest.raises(DataError, match="sha256"):
        fetch("bird", tmp_path, archives={"bird": (Archive(server.url, "bird", "0" * 64),)})
    assert not list((tmp_path / "bird").iterdir())
    assert not list(tmp_path.glob("*.part"))


def test_a_page_or_an_error_is_no_data(server: Server, tmp_path: Path) -> None:
    server.page = True
    server.body = b"<html>log in</html>"
    with pytest.raises(UnavailableError, match="by hand"):
        download(server.url, tmp_path / "part")
    server.status = 404
    with pytest.raises(UnavailableError, match="404"):
        download(server.url, tmp_path / "part")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_an_archive_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "x.zip"
    archive.write_bytes(_zip({"fine": b"", name: b"x"}))
    with pytest.raises(DataError, match="outside"):
        unpack(archive, tmp_path / "target")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.zip"]


def test_links_and_bombs_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as file:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="link"):
        unpack(archive, tmp_path / "target")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("zeros", bytes(40_000_000))
    with pytest.raises(DataError, match="no data set"):
        unpack(archive, tmp_path / "target")
    archive.write_bytes(b"not a zip")
    with pytest.raises(DataError, match="zip"):
        unpack(archive, tmp_path / "target")


def test_what_cannot_be_fetched_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to fetch"):
        fetch("mini", tmp_path)
    with pytest.raises(UsageError, match="spider"):
        fetch("spidr", tmp_path)
