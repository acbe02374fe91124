"""Records: rows of a table and JSON objects as documents: which column is the id, the title, the text.

Where nobody says which, the usual names are known: of the id `_id`, `pmid`, `nct_id` ..., of the text `abstract`,
`contents` ... What is neither becomes a field of the document under its own name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlrl.executors.documents import Document
from sqlrl.executors.errors import DataError, UsageError, nearest

__all__ = ["ROLES", "Columns", "columns_of"]

ROLES = ("id", "title", "text", "date")
# Compared in lower case, without what is no letter or digit; the first that is there is taken.
_USUAL = {
    "id": ("id", "pmid", "pubmedid", "nctid", "nctnumber", "docid", "docno", "documentid", "passageid"),
    "title": ("title", "articletitle", "brieftitle", "studytitle", "headline"),
    "text": ("text", "abstract", "abstracttext", "contents", "content", "body", "passage", "summary", "briefsummary",
             "description"),
    "date": ("date", "publicationdate", "pubdate", "publicationyear", "pubyear", "year"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns are what; title, text and date may be made of several, or none."""

    id: str
    title: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    date: tuple[str, ...] = ()

    def document(self, record: Mapping[str, Any]) -> Document:
        """One record. DataError where it has no id, or a text that is none."""
        name = record.get(self.id)
        if isinstance(name, bool) or not isinstance(name, (str, int)) or not str(name).strip():
            raise DataError(f"no {self.id!r} that could be an id")
        own = record.get("fields")
        fields = dict(own) if isinstance(own, dict) else {}
        used = {self.id, *self.title, *self.text, *self.date, *(("fields",) if isinstance(own, dict) else ())}
        fields.update(
            (key, value) for key, value in record.items() if key and key not in used and value not in (None, "", [], {})
        )
        if date := self._joined(record, self.date):
            fields["date"] = date
        return Document(str(name).strip(), self._joined(record, self.title), self._joined(record, self.text), fields)

    def _joined(self, record: Mapping[str, Any], names: tuple[str, ...]) -> str:
        parts = []
        for name in names:
            value = record.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                raise DataError(f"{name!r} is no text")
            parts.append(str(value))
        return "\n".join(parts)


def columns_of(names: Collection[str], said: Mapping[str, tuple[str, ...]]) -> Columns:
    """The columns, from those that there are: as `said` (role -> columns), else by the usual names.

    UsageError for a column that is said and not there, DataError where none can be told to be the id, or none to be
    title or text.
    """
    for role, chosen in said.items():
        if role not in ROLES:
            raise UsageError(f"a column is the {', the '.join(ROLES)}, not the {role!r}")
        for name in chosen:
            if name not in names:
                raise UsageError(f"there is no column {name!r}{nearest(name, names)}")
    if len(said.get("id", ())) > 1:
        raise UsageError("one column is the id")
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault("".join(filter(str.isalnum, str(name).lower())), name)
    taken = {name for chosen in said.values() for name in chosen}
    found = dict(said)
    for role, usual in _USUAL.items():
        if role not in said:
            free = (plain[word] for word in usual if word in plain and plain[word] not in taken)
            found[role] = tuple(free)[:1]
    listed = ", ".join(map(str, names)) or "none"
    if not found["id"]:
        raise DataError(f"no column looks like the id: say --column id=NAME (there are: {listed})")
    if not found["title"] and not found["text"]:
        raise DataError(f"no column looks like title or text: say --column text=NAME (there are: {listed})")
    return Columns(found["id"][0], found["title"], found["text"], found["date"])
