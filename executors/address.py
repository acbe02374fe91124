"""An address: where a search engine is, as people write it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from sqlrl.executors.errors import SourceError, UsageError, nearest

__all__ = ["ENGINES", "INDEX", "SERVICES", "Address", "index_settings", "is_search", "parse_address"]

# scheme -> (module, class) of what searches an index
ENGINES = {
    "bm25": ("sqlrl.executors.bm25", "BM25"),
    "dense": ("sqlrl.executors.dense", "Dense"),
    "boolean": ("sqlrl.executors.boolean.engine", "Boolean"),
    "pubmed": ("sqlrl.executors.pubmed", "PubMed"),
    "trials": ("sqlrl.executors.clinicaltrials", "ClinicalTrials"),
    "opensearch": ("sqlrl.executors.opensearch", "OpenSearch"),
}
SERVICES = {"pubmed", "trials"}  # one place each: nothing stands between the colon and the options
INDEX = "index.json"  # what makes a folder an index


@dataclass(frozen=True, slots=True)
class Address:
    """source: as it was written. path: of an index, absolute; of a server's, its name. options: what follows the
    question mark. host: of a server, with the port."""

    source: str
    scheme: str
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    host: str = ""


def is_search(source: object) -> bool:
    """Whether a source is a search engine's: by its scheme, or a bare path to an index."""
    if not isinstance(source, str):
        return False
    scheme, colon, _ = source.partition(":")
    if colon and scheme in ENGINES:
        return True
    return "://" not in source and os.path.isfile(os.path.join(os.path.expanduser(source), INDEX))


def parse_address(source: str) -> Address:
    """`bm25:///folder` (three slashes before a relative path, four before an absolute one, as SQLAlchemy has it),
    `pubmed:`, `trials:`, `opensearch://host:port/index`, or a bare path to an index; options follow a question mark.

    UsageError for an unknown scheme or a malformed option, SourceError where there is no such index.
    """
    if "://" not in source and ":" not in source.partition("/")[0]:
        path = os.path.abspath(os.path.expanduser(source))
        scheme = str(index_settings(path).get("engine", ""))
        if scheme not in ENGINES:
            raise SourceError(f"{path} is an index of no kind known here: {scheme!r}")
        return Address(source, scheme, path)
    scheme, _, rest = source.partition(":")
    if scheme not in ENGINES:
        raise UsageError(f"no search engine {scheme!r}{nearest(scheme, ENGINES)}")
    before, mark, asked = rest.partition("?")
    try:
        pairs = parse_qsl(asked, keep_blank_values=True, strict_parsing=True) if mark and asked else []
    except ValueError:
        raise UsageError(f"{source}: options are written name=value, with & between them") from None
    options = dict(pairs)
    if len(options) != len(pairs):
        raise UsageError(f"{source}: an option is given twice")
    if scheme in SERVICES:
        if before not in ("", "//"):
            raise UsageError(f"{scheme}: is one place: nothing but ?options follows it, not {before!r:.40}")
        return Address(source, scheme, "", options)
    if scheme == "opensearch":
        host, index = _server(before)
        return Address(source, scheme, index, options, host)
    path = _path(before)
    found = index_settings(path).get("engine")
    if found != scheme:
        raise SourceError(f"{path} is an index for {found}, not for {scheme}")
    return Address(source, scheme, path, options)


def index_settings(folder: str | Path) -> dict[str, Any]:
    """What `index.json` says. SourceError where the folder is no index."""
    path = Path(folder) / INDEX
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(f"{folder} is no index: it has no {INDEX}") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise SourceError(f"{path} does not describe an index")
    return values


def _server(written: str) -> tuple[str, str]:
    """(host with its port, name of the index). UsageError, which does not show a password that is in it."""
    host, _, index = written.removeprefix("//").partition("/")
    if "@" in written:
        raise UsageError("an opensearch:// address is shown and kept: give user and password by the environment")
    if not written.startswith("//") or not host or not index.strip("/") or "/" in index.strip("/"):
        raise UsageError(f"opensearch://host:port/index, not opensearch:{written:.80}")
    return host, index.strip("/")


def _path(written: str) -> str:
    """An absolute path; what is only there as an absolute one is meant so, with three slashes too."""
    rest = written.removeprefix("//")
    path = rest.removeprefix("/") if rest.startswith("/") else rest
    if rest.startswith("/") and not os.path.exists(os.path.expanduser(path)) and os.path.exists(rest):
        path = rest
    return os.path.abspath(os.path.expanduser(path or "."))
