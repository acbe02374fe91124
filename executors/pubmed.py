"""PubMed: NCBI's own search of the medical literature, by E-utilities (esearch and efetch).

Source: Entrez Programming Utilities Help, NBK25499. Three requests a second for each address, ten with a key.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar
from xml.etree import ElementTree

from sqlrl.executors.base import Limits
from sqlrl.executors.citation import citation_document
from sqlrl.executors.documents import Document
from sqlrl.executors.http import GarbledError, Reply, Request, form
from sqlrl.executors.service import Found, InvalidQueryError, Service

__all__ = ["MOST", "PubMed"]

MOST = 9_999  # hits of one search that PubMed gives, however they are asked for
_BASE = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
_LONGEST_LINE = 600  # characters of parameters that still go into the address; more are posted
_AT_ONCE = 200  # records of one efetch, as NCBI asks for
_IDS_AT_ONCE = 1_000  # of one membership question
_SORTS = {"date": "pub_date", "best": "relevance"}
_DATES = ("pdat", "edat", "crdt", "mdat")
_OLDEST, _SPARSE = date(1700, 1, 1), date(1940, 1, 1)  # before the second one, few documents are dated
_AHEAD = timedelta(days=3 * 366)  # journals date issues that are still to come
# PubMed takes nearly any query, and warns of what it made of it; these are the errors that a query can cause. In doubt
# an error is the service's: an outage costs a reward, a wrong INVALID would teach something.
_QUERY_ERRORS = re.compile(
    r"empty term|nothing to ?do|syntax error|malformed (term|query)|invalid (term|query|search|field|date)|unbalanced|"
    r"too (many|long|complex)|wildcard|truncat|query *#",
    re.IGNORECASE,
)
_SERVICE_ERRORS = re.compile(
    r"backend|retstart|resolve|connect|server|internal|exception|time[d -]*out|unavailable|try again|limit|api.?key",
    re.IGNORECASE,
)
_NOTES = (  # (list of the reply, name in it, what a person reads)
    ("errorlist", "phrasesnotfound", "not found"),
    ("errorlist", "fieldsnotfound", "no such field"),
    ("warninglist", "phrasesignored", "ignored"),
    ("warninglist", "quotedphrasesnotfound", "phrase not found, so taken without quotes"),
    ("warninglist", "outputmessages", ""),
)
_SYNTAX = """\
PubMed takes a Boolean query over titles, abstracts, MeSH subject headings and other fields.
- AND, OR and NOT are upper case and are done strictly from left to right; parentheses come first.
- Words side by side are joined by AND. A word without a tag is first looked up among subject headings, journals and
  authors, and its variants are searched too; quotes, a tag or * switch that off.
- "a phrase" is searched as a phrase where PubMed's index has it; otherwise its words are joined by AND.
- word* stands for every ending; at least four letters before the star.
- A tag follows its term: [ti] title, [tiab] title or abstract, [tw] text word, [mh] MeSH heading and all narrower
  ones, [mh:noexp] without them, [majr] main topic, [pt] publication type, [la] language, [au] author, [ta] journal,
  [dp] date of publication, [pmid] number.
- "word word"[tiab:~3] finds the words in any order with at most three words between them; no star inside.
- 2010:2020[dp] is a range of years, both included; 2010/05:2010/12[dp] one of months.
- English[la], Randomized Controlled Trial[pt] and humans[mh] narrow a search.
Example: (heart failure[mh] OR "heart failure"[tiab]) AND (telemonitor*[tiab] OR "remote monitoring"[tiab])\
"""


@dataclass(frozen=True, slots=True)
class _Page:
    """One reply of esearch. history: its place on NCBI's server, (WebEnv, query_key)."""

    ids: list[str]
    total: int
    warnings: list[str]
    history: tuple[str, str]


class PubMed(Service):
    """`pubmed:`; see `Service` for the options that every service has. Its own:

    sort: "date" (newest first) or "best" (PubMed's best match). Beyond 9,999 hits, a list by date is put together from
    shorter spans of time; one by best match ends there. datetype: the date that max_date speaks of: pdat (published),
    edat (entered), crdt (created), mdat (modified). email, tool: who asks; NCBI wants to know, by default $NCBI_EMAIL
    and "sqlrl". A key is read from $NCBI_API_KEY, and goes into no address, message or kept question.
    """

    dialect: ClassVar[str] = "pubmed"
    name: ClassVar[str] = "PubMed"
    host: ClassVar[str] = _BASE
    options: ClassVar[Mapping[str, str]] = {"sort": "date", "datetype": "pdat", "email": "", "tool": "sqlrl"}
    syntax: ClassVar[str] = _SYNTAX

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        """UsageError for an option that is none."""
        self._key = os.environ.get("NCBI_API_KEY", "")
        super().__init__(source, limits)
        self._sort = _SORTS[self.choice("sort", _SORTS)]
        self._date = self.choice("datetype", _DATES)

    @property
    def allowed_per_second(self) -> float:
        return 10 if self._key else 3

    @property
    def secrets(self) -> Sequence[str]:
        return [self._key]

    def is_id(self, name: str) -> bool:
        return name.isascii() and name.isdigit()

    def find(self, query: str, depth: int, until: str, deadline: float) -> Found:
        """The first hits; more than 9,999 by date, from span to span."""
        first = self._page(self._asked(query, min(depth, MOST), "", until), deadline)
        ids, warnings = first.ids, first.warnings
        if depth > MOST and first.total > MOST:
            if self._sort == "pub_date":
                ids, more = self._by_spans(query, depth, until, deadline)
                warnings = warnings + more
            else:
                warnings = [*warnings, f"PubMed gives the {MOST:,} best matches and no more; sort=date goes further"]
        return Found(ids[:depth], first.total, warnings)

    def find_among(self, query: str, ids: Sequence[str], until: str, deadline: float) -> Found:
        """Where the hits are too many to be listed, they are kept on NCBI's server and asked for these ids: the query
        itself stays as it is, whatever its parentheses."""
        first = self._page([*self._asked(query, MOST, "", until), ("usehistory", "y")], deadline)
        known = set(ids)
        if first.total <= len(first.ids):
            return Found([name for name in first.ids if name in known], first.total, first.warnings)
        place, number = first.history
        if not place or not number:
            raise self.client.failed("it keeps no history, which is needed for more than 9,999 hits")
        found: list[str] = []
        for start in range(0, len(ids), _IDS_AT_ONCE):
            some = ids[start : start + _IDS_AT_ONCE]
            term = f"#{number} AND ({' OR '.join(f'{name}[uid]' for name in some)})"
            asked = [*self._asked(term, MOST, "", ""), ("usehistory", "y"), ("WebEnv", place)]
            found += [name for name in self._page(asked, deadline).ids if name in known]
        return Found(found, first.total, first.warnings)

    def read(self, ids: Sequence[str], deadline: float) -> list[Document]:
        """Titles and abstracts by efetch; see `sqlrl.executors.citation` for the fields."""
        found: list[Document] = []
        for start in range(0, len(ids), _AT_ONCE):
            some = ",".join(ids[start : start + _AT_ONCE])
            asked = [("db", "pubmed"), ("id", some), ("retmode", "xml")]
            found += self.client.ask(self._request("efetch.fcgi", asked), self._citations, deadline)
        return found

    def _by_spans(self, query: str, depth: int, until: str, deadline: float) -> tuple[list[str], list[str]]:
        """(ids, newest first; warnings): a span of time with too many hits is halved, the newest is asked first."""
        found: dict[str, None] = {}  # a document with two dates may be in two spans; the newer counts
        warnings: list[str] = []
        newest = date.fromisoformat(until) if until else date.today() + _AHEAD
        spans = [(_OLDEST, min(_SPARSE - timedelta(1), newest))]
        if newest >= _SPARSE:
            spans.append((_SPARSE, newest))
        while spans and len(found) < depth:
            first, last = spans.pop()
            page = self._page(self._asked(query, MOST, first.isoformat(), last.isoformat()), deadline)
            if page.total > MOST and first < last:
                middle = first + (last - first) // 2
                spans += [(first, middle), (middle + timedelta(1), last)]
                continue
            found.update(dict.fromkeys(page.ids))
            if page.total > len(page.ids):
                warnings.append(f"of the {page.total:,} hits of {first}, PubMed gives {len(page.ids):,}")
        return list(found), warnings

    def _asked(self, term: str, most: int, since: str, until: str) -> list[tuple[str, str]]:
        asked = [("db", "pubmed"), ("term", term), ("retmode", "json"), ("retstart", "0"), ("retmax", str(most)),
                 ("sort", self._sort)]  # fmt: skip
        if until:  # both ends must be given
            asked += [("datetype", self._date), ("mindate", (since or _OLDEST.isoformat()).replace("-", "/")),
                      ("maxdate", until.replace("-", "/"))]  # fmt: skip
        return asked

    def _page(self, asked: list[tuple[str, str]], deadline: float) -> _Page:
        wanted = int(dict(asked)["retmax"])
        return self.client.ask(self._request("esearch.fcgi", asked), lambda reply: self._hits(reply, wanted), deadline)

    def _request(self, program: str, asked: list[tuple[str, str]]) -> Request:
        email = self.asked_with["email"] or os.environ.get("NCBI_EMAIL", "")
        whole = [*asked, ("tool", self.asked_with["tool"]), *([("email", email)] if email else []),
                 *([("api_key", self._key)] if self._key else [])]  # fmt: skip
        text = form(whole)
        if len(text) <= _LONGEST_LINE and not self._key:  # addresses end up in logs
            return Request("GET", f"{program}?{text}")
        return Request("POST", program, text.encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def _hits(self, reply: Reply, wanted: int) -> _Page:
        if reply.status != 200:
            raise self.client.refuse(reply)
        try:
            body = json.loads(reply.body, strict=False)  # translations hold control characters at times
        except (ValueError, RecursionError):
            raise GarbledError(f"no JSON: {reply.excerpt}") from None
        found = body.get("esearchresult") if isinstance(body, dict) else None
        if not isinstance(found, dict):
            raise GarbledError(f"no search result: {reply.excerpt}")
        error = found.get("ERROR")
        if error:
            if _QUERY_ERRORS.search(str(error)) and not _SERVICE_ERRORS.search(str(error)):
                raise InvalidQueryError(self.client.cleaned(str(error)))
            raise GarbledError(str(error)[:300])
        try:
            total, ids = int(found["count"]), [str(name) for name in found["idlist"]]
        except (KeyError, TypeError, ValueError):
            raise GarbledError(f"a result without count or ids: {reply.excerpt}") from None
        if not all(map(self.is_id, ids)) or (total and wanted and not ids):
            raise GarbledError(f"a result of {total:,} hits with {len(ids):,} ids")
        history = (str(found.get("webenv", "")), str(found.get("querykey", "")))
        return _Page(ids[:wanted], total, _notes(found), history)

    def _citations(self, reply: Reply) -> list[Document]:
        if reply.status == 400 and b"ID list is empty" in reply.body:  # what it says where it knows none of them
            return []
        if reply.status != 200:
            raise self.client.refuse(reply)
        try:
            records = ElementTree.fromstring(reply.body)
        except ElementTree.ParseError as error:
            raise GarbledError(f"no whole XML ({error}): {reply.excerpt}") from None
        if not records.tag.endswith("ArticleSet"):
            raise GarbledError(f"no records: {reply.excerpt}")
        return [document for record in records if (document := citation_document(record)) is not None]


def _notes(found: dict[str, Any]) -> list[str]:
    """What PubMed took otherwise than it was written, and how it read the whole."""
    notes = []
    for part, name, meaning in _NOTES:
        lists = found.get(part)
        listed = lists.get(name) if isinstance(lists, dict) else None
        for said in listed if isinstance(listed, list) else ():
            if not str(said).startswith("Restrictions achieved"):  # of how many ids it gives at most
                notes.append(f"{meaning}: {said}" if meaning else str(said))
    translation = found.get("querytranslation")
    if isinstance(translation, str) and translation:
        notes.append(f"read as: {translation}")
    return notes
