"""`sqlrl data index`: make files of documents searchable."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors.documents import Document

__all__ = ["command"]

# option -> the engines that take it
_SETTINGS = {
    "k1": "bm25 opensearch", "b": "bm25 opensearch", "method": "bm25", "lengths": "bm25", "stemmer": "bm25",
    "stop_words": "bm25", "model": "dense", "exact_to": "dense", "cache": "dense", "shards": "opensearch",
    "copies": "opensearch", "analyzer": "opensearch",
}  # fmt: skip


@click.command("index")
@click.argument("sources", nargs=-1, required=True)
@click.option("--out", metavar="DIR", help="Folder of the index; one that is there is replaced.")
@click.option(
    "--to", metavar="URL", help="In the place of --out: opensearch://host:port/name, which all of it is to be."
)
@click.option("--engine", metavar="NAME", help="Of a folder: bm25, dense or boolean [default: bm25].")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="ROLE=NAME,...",
    help="Of a table or JSON: what is the id, title, text or date [default: by the usual names].",
)
@click.option("--k1", type=float, help="bm25, OpenSearch: how much a repeated word counts [default: 0.9].")
@click.option("--b", type=float, help="bm25, OpenSearch: how much a document's length counts [default: 0.4].")
@click.option("--method", metavar="NAME", help="bm25: lucene, robertson or atire [default: lucene].")
@click.option("--lengths", metavar="NAME", help="bm25: of documents: lucene (rounded) or exact [default: lucene].")
@click.option("--stemmer", metavar="NAME", help="bm25: porter, english or none [default: porter].")
@click.option("--stop-words", metavar="FILE", help="bm25: words to leave out, or `none` [default: Lucene's 33].")
@click.option("--model", metavar="NAME", help="dense: a folder or name of sentence-transformers [default: MiniLM].")
@click.option("--exact-to", type=click.IntRange(0), metavar="N", help="dense: beyond, a graph [default: 200000].")
@click.option("--cache", metavar="FILE", help="dense: keeps vectors [default: embeddings.sqlite beside DIR].")
@click.option("--shards", type=click.IntRange(1), metavar="N", help="OpenSearch: pieces of the index [default: 1].")
@click.option(
    "--copies", type=click.IntRange(0), metavar="N", help="OpenSearch: of each, beside the first [default: 0]."
)
@click.option("--analyzer", metavar="NAME", help="OpenSearch: of titles and texts [default: english].")
def command(
    sources: tuple[str, ...], out: str | None, to: str | None, engine: str | None, columns: tuple[str, ...],
    **settings: Any,
) -> None:  # fmt: skip
    """Build an index of documents that `sqlrl run bm25:///DIR` and every other command can search.

    SOURCES are files or folders of them: JSON lines (BEIR's _id, title, text, or others), CSV and TSV, PubMed's XML
    (baseline and update files; the last file's record counts), ClinicalTrials.gov's JSON; packed as .gz or not. They
    are read as they stream by; an index stands in DIR once it is whole.

    With --to, OpenSearch is filled: a new index gets the documents, and the name is given to it once all are there;
    until then queries find what was there before. User and password: $OPENSEARCH_USER, $OPENSEARCH_PASSWORD.
    """
    from sqlrl.benchmarks.indexes import check_engine
    from sqlrl.benchmarks.intake import files_of, read_documents
    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors.address import ENGINES, index_settings

    if to is not None:
        _load(sources, to, out, engine, _said(columns), settings)
        return
    if out is None:
        raise click.UsageError("say where: --out DIR, or --to opensearch://host:port/name")
    engine = engine or "bm25"
    known = [name for name in ("bm25", "dense", "boolean") if name in ENGINES]
    build = importlib.import_module(ENGINES[check_engine(engine, known)][0]).build
    given = _given(engine, settings)
    said = _said(columns)
    files = files_of(sources)
    folder = Path(out).expanduser()
    with Terminal() as terminal:
        bar = _Bar(terminal, files)
        if engine == "dense":
            given["advance"] = bar.embedded
        build(bar.counted(read_documents(files, said, bar.moved)), folder, **given)
        about = index_settings(folder)
        terminal.print(f"{about['documents']:,} document{'' if about['documents'] == 1 else 's'} in {folder}")
        terminal.print(f'search them: sqlrl run {engine}:///{folder} "..."')


def _load(
    sources: tuple[str, ...], to: str, out: str | None, engine: str | None, said: dict[str, tuple[str, ...]],
    settings: dict[str, Any],
) -> None:  # fmt: skip
    """Fill an index of OpenSearch's, and give it the name."""
    from sqlrl.benchmarks.intake import files_of, read_documents
    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors.address import parse_address
    from sqlrl.executors.errors import UsageError
    from sqlrl.executors.opensearch_loading import load

    if out is not None or engine is not None:
        raise UsageError(f"--to says where it goes and what it is: leave out {'--out' if out else '--engine'}")
    address = parse_address(to)
    if address.scheme != "opensearch":
        raise UsageError(f"--to opensearch://host:port/name, not {to:.80}")
    given = _given("opensearch", settings)
    files = files_of(sources)
    with Terminal() as terminal:
        bar = _Bar(terminal, files)
        index = load(bar.counted(read_documents(files, said, bar.moved)), to, **given)
        count = f"{bar.documents:,} document{'' if bar.documents == 1 else 's'}"
        terminal.print(f"{count} in the index {index} of {address.host}, which is {address.path} from now on")
        terminal.print(f'search them: sqlrl run {to} "..."')


class _Bar:
    """Moves a bar by megabytes while files are read, then one by documents while they are embedded."""

    def __init__(self, terminal: Terminal, files: Sequence[Path]) -> None:
        self.terminal = terminal
        self.documents = 0
        self._bytes = 0
        self._embedding: Any = None
        self._advance = terminal.start("reading (MB)", sum(path.stat().st_size for path in files) // 1_000_000)

    def moved(self, count: int) -> None:
        """More bytes were read."""
        before = self._bytes // 1_000_000
        self._bytes += count
        if whole := self._bytes // 1_000_000 - before:
            self._advance(whole, f"{self.documents:,} documents")

    def counted(self, documents: Iterator[Document]) -> Iterator[Document]:
        """The documents themselves."""
        for document in documents:
            self.documents += 1
            yield document

    def embedded(self, count: int) -> None:
        """More documents have their vector."""
        if self._embedding is None:
            self._embedding = self.terminal.start("embedding", self.documents)
        self._embedding(count, "")


def _given(engine: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What was said of the engine's settings. UsageError for another engine's."""
    from sqlrl.executors.errors import UsageError

    given = {name: value for name, value in settings.items() if value is not None}
    for name in given:
        if engine not in _SETTINGS[name].split():
            takes = _SETTINGS[name].replace(" ", " and ")
            raise UsageError(f"--{name.replace('_', '-')} is for {takes}, not for {engine}")
    if "stop_words" in given:
        given["stop_words"] = _words(given["stop_words"])
    return given


def _words(given: str) -> list[str]:
    from sqlrl.executors.errors import UsageError

    if given == "none":
        return []
    try:
        return Path(given).expanduser().read_text(encoding="utf-8").lower().split()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--stop-words {given} cannot be read: {error}") from None


def _said(columns: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Role -> names."""
    from sqlrl.benchmarks.records import ROLES
    from sqlrl.executors.errors import UsageError, nearest

    said: dict[str, tuple[str, ...]] = {}
    for column in columns:
        role, equals, names = column.partition("=")
        parts = tuple(part.strip() for part in names.split(",") if part.strip())
        if not equals or not parts:
            raise UsageError(f"--column {column}: write ROLE=NAME, as in --column text=abstract")
        if role not in ROLES:
            raise UsageError(f"--column {column}: no role {role!r}{nearest(role, ROLES)}")
        said[role] = said.get(role, ()) + parts
    return said
