"""ClinicalTrials.gov: the registry's own search of clinical studies, by version 2 of its API; its language is Essie.

Source: https://clinicaltrials.gov/data-api/api. It asks for no key and names no limit; robots.txt asks for a second
between requests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sqlrl.executors.base import Limits
from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError
from sqlrl.executors.http import GarbledError, Reply, Request, form
from sqlrl.executors.service import Found, InvalidQueryError, Service
from sqlrl.executors.studies import study_document

__all__ = ["ClinicalTrials"]

_BASE = "https://clinicaltrials.gov/api/v2"
_PAGE = 1_000  # studies of one reply, at most
_IDS_AT_ONCE = 200  # of one filter: an address must not grow too long
_RECORDS_AT_ONCE = 50  # whole records are tens of kilobytes each
_LONGEST_LINE = 8_000  # characters of an address: servers commonly refuse more, and this API takes no POST
_SORTS = {"best": "@relevance", "date": "StudyFirstPostDate:desc"}
_QUERY = "query.term"
_PARAMETERS = re.compile(r"`((?:query|filter)\.\w+|page\w+|sort|fields|format|countTotal)`")
_NUMBER = re.compile(r"NCT\d{8}")
_SYNTAX = """\
ClinicalTrials.gov takes a query in Essie over all fields of a study's record.
- Operators are upper case. NOT binds closest, then AND, then OR; parentheses group.
- Words side by side are one term: heart attack is looked for as a concept, its synonyms included.
- "a phrase" in quotes must occur as it stands.
- AREA[Field] before a term looks in one field: AREA[Condition], AREA[InterventionName], AREA[BriefTitle],
  AREA[OfficialTitle], AREA[BriefSummary], AREA[EligibilityCriteria], AREA[Phase]PHASE3, AREA[StudyType]INTERVENTIONAL,
  AREA[OverallStatus]COMPLETED, AREA[LeadSponsorName].
- AREA[StartDate]RANGE[2015-01-01,2019-12-31] is a range, ends included; MIN and MAX stand for an open end.
- EXPANSION[None]term takes the words as written; EXPANSION[Term] their forms; EXPANSION[Concept] synonyms.
- COVERAGE[FullMatch]term must be the whole field; StartsWith, EndsWith and Contains likewise.
- AREA[Field]MISSING finds studies without that field.
- A backslash before a bracket, a quote or an operator takes away its meaning.
Example: AREA[Condition](heart failure OR cardiomyopathy) AND (telemonitoring OR "remote monitoring")\
"""


class ClinicalTrials(Service):
    """`trials:`; see `Service` for the options that every service has. Its own:

    sort: "best" (the registry's relevance) or "date" (first posted, newest first). max_date speaks of the day on which
    a study was first posted. The API has no POST: a query whose address is longer than 8,000 characters is invalid.
    """

    dialect: ClassVar[str] = "essie"
    name: ClassVar[str] = "ClinicalTrials.gov"
    host: ClassVar[str] = _BASE
    options: ClassVar[Mapping[str, str]] = {"sort": "best"}
    syntax: ClassVar[str] = _SYNTAX

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        """UsageError for an option that is none."""
        super().__init__(source, limits)
        self._sort = _SORTS[self.choice("sort", _SORTS)]

    @property
    def allowed_per_second(self) -> float:
        return 1

    def is_id(self, name: str) -> bool:
        return _NUMBER.fullmatch(name) is not None

    def find(self, query: str, depth: int, until: str, deadline: float) -> Found:
        """Page after page. All other parameters of a page must be those of the first."""
        asked = [*self._asked(query, until), ("pageSize", str(min(depth, _PAGE))), ("countTotal", "true")]
        ids, total, token = self._page(asked, deadline)
        while token and len(ids) < depth:
            more, _, token = self._page([*asked, ("pageToken", token)], deadline)
            ids += more
        return Found(list(dict.fromkeys(ids))[:depth], total)

    def find_among(self, query: str, ids: Sequence[str], until: str, deadline: float) -> Found:
        """Where the hits are more than a page, a filter on these ids is asked beside the query."""
        asked = [*self._asked(query, until), ("pageSize", str(_PAGE))]
        hits, total, _ = self._page([*asked, ("countTotal", "true")], deadline)
        known = set(ids)
        if total > len(hits):
            hits = []
            for start in range(0, len(ids), _IDS_AT_ONCE):
                some = ",".join(ids[start : start + _IDS_AT_ONCE])
                hits += self._page([*asked, ("filter.ids", some)], deadline, counted=False)[0]
        return Found([name for name in hits if name in known], total)

    def read(self, ids: Sequence[str], deadline: float) -> list[Document]:
        """Whole records; see `sqlrl.executors.studies` for the fields. A study's older number finds none here."""
        found: list[Document] = []
        for start in range(0, len(ids), _RECORDS_AT_ONCE):
            some = ids[start : start + _RECORDS_AT_ONCE]
            asked = [("filter.ids", ",".join(some)), ("pageSize", str(len(some))), ("format", "json")]
            found += self.client.ask(Request("GET", f"studies?{form(asked)}"), self._records, deadline)
        return found

    def _asked(self, query: str, until: str) -> list[tuple[str, str]]:
        asked = [(_QUERY, query), ("fields", "NCTId"), ("sort", self._sort), ("format", "json")]
        if until:
            asked.append(("filter.advanced", f"AREA[StudyFirstPostDate]RANGE[MIN,{until}]"))
        return asked

    def _page(
        self, asked: list[tuple[str, str]], deadline: float, *, counted: bool = True
    ) -> tuple[list[str], int, str]:
        """(ids, hits in all where they are counted, the token of the next page or nothing)."""
        text = form(asked)
        if len(text) > _LONGEST_LINE:
            raise InvalidQueryError(f"the query's address would be {len(text):,} characters long, of {_LONGEST_LINE:,}")

        def read(reply: Reply) -> tuple[list[str], int, str]:
            body = self._body(reply)
            token = body.get("nextPageToken") or ""
            try:
                ids = [study["protocolSection"]["identificationModule"]["nctId"] for study in body["studies"]]
                total = int(body["totalCount"]) if counted and "pageToken" not in dict(asked) else 0
            except (KeyError, TypeError, ValueError):
                raise GarbledError(f"no list of studies: {reply.excerpt}") from None
            if not all(isinstance(name, str) and self.is_id(name) for name in ids) or (total and not ids):
                raise GarbledError(f"a list of {total:,} studies with {len(ids):,} numbers")
            return ids, total, str(token)

        return self.client.ask(Request("GET", f"studies?{text}"), read, deadline)

    def _body(self, reply: Reply) -> dict[str, Any]:
        if reply.status in (400, 414):
            raise self._complaint(reply)
        if reply.status != 200:
            raise self.client.refuse(reply)
        try:
            body = json.loads(reply.body)
        except (ValueError, RecursionError):
            raise GarbledError(f"no JSON: {reply.excerpt}") from None
        if not isinstance(body, dict) or "studies" not in body:
            raise GarbledError(f"no list of studies: {reply.excerpt}")
        return body

    def _complaint(self, reply: Reply) -> Exception:
        """Whose fault a 400 is. The registry says in plain text which parameter it could not read, its name between
        backquotes; a page of HTML comes from something that stands before it."""
        text = reply.excerpt
        html = text.startswith("<") or "html" in reply.headers.get("content-type", "")
        named = set(_PARAMETERS.findall(text))
        if not text or html or (named and _QUERY not in named):
            return self.client.refuse(reply)
        return InvalidQueryError(text)

    def _records(self, reply: Reply) -> list[Document]:
        body = self._body(reply)
        try:
            return [study_document(record) for record in body["studies"]]
        except (DataError, TypeError, AttributeError) as error:
            raise GarbledError(f"no records of studies: {error}") from None
