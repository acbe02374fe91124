"""Downloads: a benchmark's archive from its public home, resumed, checked and safely unpacked."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlrl.benchmarks.location import cache_folder
from sqlrl.executors.errors import DataError, MissingExtraError, SqlrlError, UnavailableError, UsageError, nearest

__all__ = ["ARCHIVES", "Archive", "fetch", "unpack"]

Advance = Callable[[int, int], None]  # bytes more, bytes in all (0 where the server doesn't say)

_MAX_UNPACKED = 200 << 30  # BIRD's training databases are 33 GB; an archive that claims more is a bomb
_MAX_RATIO = 2_000


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip file. folder: below the data root, where it is unpacked. sha256: as published or as two independent
    projects record it; empty where nobody does, and then the hash that was found is reported."""

    url: str
    folder: str
    sha256: str = ""
    licence: str = ""


# benchmark -> the archives that hold it. Spider's home is a Google Drive file; the hub holds the same archive.
ARCHIVES: Mapping[str, tuple[Archive, ...]] = {
    "spider": (
        Archive(
            "https://drive.usercontent.google.com/download?id=1iRDVHLr4mX2wQKSgA9J8Pire73Jahh0m&export=download&confirm=t",
            "spider",
            licence="CC BY-SA 4.0",
        ),
    ),
    "bird": (
        Archive(
            "https://bird-bench.oss-cn-beijing.aliyuncs.com/dev.zip",
            "bird",
            "cdd6d19faeb45a23970b98d3ef6c40a87987c95459c2cf12076897a60cf5a630",
            "CC BY-SA 4.0",
        ),
        Archive("https://bird-bench.oss-cn-beijing.aliyuncs.com/minidev.zip", "bird/minidev", licence="CC BY-SA 4.0"),
    ),
    "geoquery": (
        Archive("https://codeload.github.com/jkkummerfeld/text2sql-data/zip/refs/heads/master", "text2sql-data"),
    ),
}


def fetch(
    benchmark: str,
    root: Path | None = None,
    *,
    advance: Advance | None = None,
    archives: Mapping[str, tuple[Archive, ...]] = ARCHIVES,
) -> list[tuple[Path, str]]:
    """Download and unpack a benchmark below `root` (by default the user's cache): [(folder, sha256 of its archive)].

    A download that was cut off goes on where it stopped. UsageError for a benchmark without a download,
    UnavailableError where its home does not answer, DataError where what came is not what it should be.
    """
    if benchmark == "mini":
        raise UsageError("mini is made on the spot: there is nothing to fetch")
    if benchmark not in archives:
        raise UsageError(f"no download for {benchmark!r}{nearest(benchmark, archives)}")
    root = root or cache_folder() / "data"
    done = []
    for archive in archives[benchmark]:
        target = root / archive.folder
        target.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(archive.url.encode()).hexdigest()[:16]
        part = root / f".{benchmark}-{name}.zip.part"
        digest = download(archive.url, part, advance)
        if archive.sha256 and digest != archive.sha256:
            part.unlink()
            raise DataError(
                f"{archive.url} came with sha256 {digest}, not {archive.sha256}: it was changed or damaged on the way"
            )
        unpack(part, target)
        part.unlink()
        done.append((target, digest))
    return done


def download(url: str, part: Path, advance: Advance | None = None) -> str:
    """Bring `url` to the file `part`, going on with what is there; the sha256 of the whole."""
    try:
        import httpx
    except ImportError:
        raise MissingExtraError("httpx", "data") from None
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as response:
            if response.status_code == 416:  # nothing is left to send: the part is whole, or of another version
                total = response.headers.get("content-range", "").rpartition("/")[2]
                if total != str(have):
                    part.unlink()
                    raise UnavailableError(f"{url} has changed since the download began; run it again")
                return _digest(part)
            if response.status_code not in (200, 206):
                raise UnavailableError(f"{url} answers {response.status_code} {response.reason_phrase}")
            resumes = response.status_code == 206 and _starts_at(response.headers, have)
            if response.headers.get("content-type", "").startswith("text/html"):
                raise UnavailableError(f"{url} answers with a page, not a file: download it by hand, see sqlrl data")
            length = int(response.headers.get("content-length", 0))
            total_bytes = length + (have if resumes else 0) if length else 0
            if advance is not None:
                advance(have if resumes else 0, total_bytes)
            with part.open("ab" if resumes else "wb") as file:
                for chunk in response.iter_raw():  # as they come, so that a cut costs nothing
                    file.write(chunk)
                    if advance is not None:
                        advance(len(chunk), total_bytes)
    except httpx.HTTPError as error:
        line = " ".join(str(error).split()) or type(error).__name__
        raise UnavailableError(f"{url} cannot be had: {line} (run it again to go on where it stopped)") from None
    except OSError as error:
        raise SqlrlError(f"{part} cannot be written: {error.strerror}") from None
    if total_bytes and part.stat().st_size != total_bytes:
        raise UnavailableError(f"{url} was cut off at {part.stat().st_size:,} of {total_bytes:,} bytes; run it again")
    return _digest(part)


def unpack(archive: Path, target: Path) -> None:
    """Unpack a zip file into `target`, without its single top folder; zips inside it too, beside themselves.

    Refuses members that would land outside, links, and archives that unpack to absurd sizes; nothing of a refused
    archive is left.
    """
    beside = target.with_name(f".{target.name}.{os.getpid()}.unpacking")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        _unpack_into(archive, beside)
        for inner in sorted(beside.rglob("*.zip")):
            _unpack_into(inner, inner.parent)
            inner.unlink()
        _drop_litter(beside)
        entries = list(beside.iterdir())
        top = entries[0] if len(entries) == 1 and entries[0].is_dir() else beside
        shutil.copytree(top, target, dirs_exist_ok=True, copy_function=shutil.move)
    except zipfile.BadZipFile as error:
        raise DataError(f"{archive.name} is not a zip file: {error}") from None
    except OSError as error:
        raise SqlrlError(f"{target} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _unpack_into(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        for member in members:
            path = PurePosixPath(member.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
                raise DataError(f"{archive.name} holds {member.filename!r}, which would land outside its folder")
            if stat.S_ISLNK(member.external_attr >> 16):
                raise DataError(f"{archive.name} holds a link: {member.filename!r}")
        size = sum(member.file_size for member in members)
        packed = sum(member.compress_size for member in members)
        if size > _MAX_UNPACKED or (packed and size / packed > _MAX_RATIO):
            raise DataError(f"{archive.name} would unpack from {packed:,} to {size:,} bytes: that is no data set")
        folder.mkdir(parents=True, exist_ok=True)
        file.extractall(folder)


def _drop_litter(folder: Path) -> None:
    """What macOS leaves in zip files."""
    for litter in [*folder.rglob("__MACOSX")]:
        shutil.rmtree(litter, ignore_errors=True)
    for litter in [*folder.rglob(".DS_Store"), *folder.rglob("._*")]:
        litter.unlink(missing_ok=True)


def _starts_at(headers: Mapping[str, str], have: int) -> bool:
    return headers.get("content-range", "").startswith(f"bytes {have}-")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
