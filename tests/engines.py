"""Every kind of search engine over the same few documents, services behind local servers; gaps are declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlrl.executors.boolean import essie, pubmed
from sqlrl.executors.boolean.analysis import day_of
from sqlrl.executors.documents import Document
from tests.executors.boolean.brute import Brute
from tests.executors.test_opensearch import Cluster
from tests.loopback import Answer, Asked, Loopback, serving

__all__ = ["GAPS", "KINDS", "TEXTS", "Papers", "Studies", "Subject", "subject"]

# number -> title, text, date; 6 and 7 are alike
TEXTS = {
    1: ("Aspirin and heart", "aspirin after a heart attack", "2001-05-01"),
    2: ("Aspirin for headache", "aspirin helps", "2002-02-02"),
    3: ("Heart failure", "telemonitoring of heart failure", "2003-03-03"),
    4: ("Asthma", "steroids for asthma", "2004-04-04"),
    5: ("Stroke", "thrombolysis after a stroke and aspirin later", "2005-05-05"),
    6: ("Migraine", "triptans against migraine", "2006-06-06"),
    7: ("Migraine", "triptans against migraine", "2006-06-06"),
}

# (engine, what it lacks) -> why. Each is asked about by name in the contract, which then holds the engine to what it
# does instead.
_BAG = "a bag of words has no syntax that a query could break"
_HERE = "it runs in this process: there is nobody who could fail to answer"
_SERVICE_ORDER = "the order is the service's own, and so is that of ties; a document's score is 1 / its rank"
GAPS = {
    ("bm25", "dates"): "its index holds no days",
    ("bm25", "outages"): _HERE,
    ("bm25", "replay"): _HERE,
    ("bm25", "syntax"): _BAG,
    ("boolean-essie", "outages"): _HERE,
    ("boolean-essie", "replay"): _HERE,
    ("boolean-pubmed", "outages"): _HERE,
    ("boolean-pubmed", "replay"): _HERE,
    ("dense", "dates"): "its index holds no days",
    ("dense", "misses"): "every document is more or less near to every query: all of them are hits",
    ("dense", "outages"): _HERE,
    ("dense", "replay"): _HERE,
    ("dense", "syntax"): _BAG,
    ("opensearch", "replay"): "a cluster of one's own is asked again: nothing of it is kept",
    ("pubmed", "ties"): _SERVICE_ORDER,
    ("trials", "ties"): _SERVICE_ORDER,
}


@dataclass(frozen=True)
class Subject:
    """kind: of `KINDS`. source: its address. name: a document's id by its number. server: what answers for a service,
    if anything does. folder: of the answers that a service's client keeps."""

    kind: str
    source: str
    name: Callable[[int], str]
    server: Loopback | None = None

    def lacks(self, what: str) -> bool:
        """Whether this is a declared gap."""
        return (self.kind, what) in GAPS

    def with_options(self, **options: str) -> str:
        """The source with options more."""
        shown = "&".join(f"{name}={value}" for name, value in options.items())
        return f"{self.source}{'&' if '?' in self.source else '?'}{shown}"

    def numbers(self, names: Sequence[str]) -> list[int]:
        """Ids as the numbers of `TEXTS`."""
        own = {self.name(number): number for number in TEXTS}
        return [own[name] for name in names]


def _documents(name: Callable[[int], str]) -> list[Document]:
    return [Document(name(n), title, text, {"date": day}) for n, (title, text, day) in TEXTS.items()]


def _plain(number: int) -> str:
    return f"d{number}"


def _pmid(number: int) -> str:
    return str(10_000 + number)


def _nct(number: int) -> str:
    return f"NCT{number:08}"


class Papers:
    """E-utilities over some documents, searched by a look at each of them; the newest first."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = {document.id: document for document in documents}
        self.brute = Brute(documents)
        self.history: list[set[str]] = []

    def __call__(self, asked: Asked) -> Answer:
        if asked.path.endswith("efetch.fcgi"):
            return self._records(asked["id"].split(","))
        parsed = pubmed.parse(asked["term"])
        if parsed.query is None:
            return Answer({"esearchresult": {"ERROR": "Empty term and query_key - nothing todo"}})
        hits = self.brute.hits(parsed.query)
        if "maxdate" in asked:
            last = day_of(asked["maxdate"].replace("/", "-")) or 0
            hits = {name for name in hits if (day_of(self.documents[name].fields["date"]) or 0) <= last}
        ranked = sorted(hits, key=lambda name: (str(self.documents[name].fields["date"]), name), reverse=True)
        return Answer({"esearchresult": {"count": str(len(ranked)), "idlist": ranked[: int(asked["retmax"])]}})

    def _records(self, names: Sequence[str]) -> Answer:
        known = [self.documents[name] for name in names if name in self.documents]
        records = "".join(
            f"<PubmedArticle><MedlineCitation><PMID>{each.id}</PMID><Article><ArticleTitle>{each.title}</ArticleTitle>"
            f"<Abstract><AbstractText>{each.text}</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
            for each in known
        )
        return Answer(f"<PubmedArticleSet>{records}</PubmedArticleSet>")


class Studies:
    """ClinicalTrials.gov's API over some documents, searched by a look at each of them, in the order of their ids."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = {document.id: document for document in documents}
        self.brute = Brute(documents)

    def __call__(self, asked: Asked) -> Answer:
        hits = set(self.documents)
        if "query.term" in asked:
            parsed = essie.parse(asked["query.term"])
            if parsed.query is None:
                return Answer(f"`query.term` has an error: {parsed.message}", 400)
            hits = self.brute.hits(parsed.query)
        if "filter.advanced" in asked:
            found = re.fullmatch(r"AREA\[StudyFirstPostDate\]RANGE\[MIN,([\d-]+)\]", asked["filter.advanced"])
            assert found is not None
            last = date.fromisoformat(found[1]).isoformat()
            hits = {name for name in hits if str(self.documents[name].fields["date"]) <= last}
        if "filter.ids" in asked:
            hits &= set(asked["filter.ids"].split(","))
        whole = "fields" not in asked
        records = [self._record(self.documents[name], whole) for name in sorted(hits)[: int(asked["pageSize"])]]
        return Answer({"studies": records, "totalCount": len(hits)})

    def _record(self, document: Document, whole: bool) -> dict[str, Any]:
        known: dict[str, Any] = {"identificationModule": {"nctId": document.id}}
        if whole:
            known["identificationModule"]["briefTitle"] = document.title
            known["descriptionModule"] = {"briefSummary": document.text}
        return {"protocolSection": known}


def _bm25(folder: Path, _: ExitStack) -> Subject:
    from sqlrl.executors.bm25 import build

    return Subject("bm25", f"bm25:///{build(_documents(_plain), folder / 'bm25')}", _plain)


def _dense(folder: Path, _: ExitStack) -> Subject:
    from sqlrl.executors.dense import build

    return Subject("dense", f"dense:///{build(_documents(_plain), folder / 'dense')}", _plain)


def _boolean(grammar: str) -> Callable[[Path, ExitStack], Subject]:
    def made(folder: Path, _: ExitStack) -> Subject:
        from sqlrl.executors.boolean.engine import build

        index = build(_documents(_plain), folder / grammar)
        return Subject(f"boolean-{grammar}", f"boolean:///{index}?grammar={grammar}", _plain)

    return made


def _service(scheme: str, name: Callable[[int], str], api: Callable[..., Any]) -> Callable[[Path, ExitStack], Subject]:
    def made(folder: Path, opened: ExitStack) -> Subject:
        server = opened.enter_context(serving(api(_documents(name))))
        options = f"base={server.url}&per_second=1000&backoff_seconds=0.001&cache={folder / scheme}"
        return Subject(scheme, f"{scheme}:?{options}", name, server)

    return made


def _opensearch(_: Path, opened: ExitStack) -> Subject:
    cluster = Cluster(0)
    for number, (title, text, day) in TEXTS.items():
        cluster.documents.append({"id": _plain(number), "title": title, "text": text, "date": day})
    server = opened.enter_context(serving(cluster))
    source = f"opensearch://127.0.0.1:{server.port}/papers?backoff_seconds=0.001"
    return Subject("opensearch", source, _plain, server)


KINDS: dict[str, Callable[[Path, ExitStack], Subject]] = {
    "bm25": _bm25,
    "boolean-essie": _boolean("essie"),
    "boolean-pubmed": _boolean("pubmed"),
    "dense": _dense,
    "opensearch": _opensearch,
    "pubmed": _service("pubmed", _pmid, Papers),
    "trials": _service("trials", _nct, Studies),
}


@contextmanager
def subject(kind: str, folder: Path) -> Iterator[Subject]:
    """An engine of one kind, and what it stands on, while they are needed."""
    with ExitStack() as opened:
        yield KINDS[kind](folder, opened)
