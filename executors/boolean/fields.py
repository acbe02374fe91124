"""Fields: what of a document can be searched, and by which names.

What a document brings in `Document.fields` (each optional; a text, or a list of texts):

    date                        published: 2004, 2004-05 or 2004-05-17; of what is less than a day, the first day counts
    date_entered date_created date_revised date_completed date_indexed
    mesh                        headings: {"name", "major", "qualifiers": [{"name", "major"}], "tree": ["C08.127"]},
                                or text: "Asthma", "*Asthma" for a major topic, "Asthma/drug therapy"
    major                       headings that are major topics
    authors affiliations journal languages publication_types substances keywords other_abstracts other_titles
    volume issue pages identifiers accessions grants country status author_ids editors investigators isbn journal_id
    owner persons publisher conflicts
    (also: type, language, affiliation)
    parts                       {"Location": [{"LocationCity": ...}, ...]}, for Essie's SEARCH[]
    anything else               under its own name, for Essie's AREA[]: Condition, InterventionName, Phase ...

The tables below say what becomes of them. A field of text is searched by words and phrases, a field of values by whole
values. Everything but title and abstract is in "words" (what PubMed calls text words) or in "rest" as well, as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlrl.executors.boolean.analysis import fold
from sqlrl.executors.documents import Document

__all__ = [
    "ALL", "DATES", "LANGUAGES", "PART", "TAGS", "TEXTS", "VALUES", "dates_of", "folded", "own_name", "texts_of",
    "values_of",
]  # fmt: skip

PART = ".part."  # and the name of a part: which records have any

TEXTS = ("ti", "ab", "ot", "ad", "tt", "words", "rest", "cois")
VALUES = (
    "mh", "majr", "sh", "pt", "la", "au", "1au", "lastau", "ta", "nm", "vi", "ip", "pg", "aid", "si", "gr", "pl", "sb",
    "id", "auid", "ed", "ir", "isbn", "jid", "owner", "ps", "pubn",
)  # fmt: skip
DATES = {
    "dp": "date", "edat": "date_entered", "crdt": "date_created", "lr": "date_revised", "dcom": "date_completed",
    "mhda": "date_indexed",
}  # fmt: skip
ALL = ("ti", "ab", "ot", "words", "rest")

_TIAB = ("ti", "ab", "ot")
_TEXT_WORDS = ("ti", "ab", "ot", "words")
# PubMed's tags in lower case -> the fields they search.
TAGS: dict[str, tuple[str, ...]] = {}
for _names, _fields in (
    ("ti|title", ("ti",)),
    ("ab|abstract", ("ab",)),
    ("tiab|title/abstract|title abstract|ti,ab|ti ab", _TIAB),
    ("tw|text word|text words|text", _TEXT_WORDS),
    ("all|all fields|all field", ALL),
    ("mh|mesh|mesh terms|mesh term|mesh heading|mesh headings|mesh:exp", ("mh",)),
    ("mh:noexp|mesh:noexp|mesh terms:noexp|mesh term:noexp|mesh heading:noexp", ("mh",)),
    ("majr|mesh major topic|majr:exp", ("majr",)),
    ("majr:noexp|mesh major topic:noexp", ("majr",)),
    ("sh|mesh subheading|mesh subheadings|subheading", ("sh",)),
    ("pt|ptyp|publication type|pt:exp|ptyp:exp", ("pt",)),
    ("pt:noexp|ptyp:noexp|publication type:noexp", ("pt",)),
    ("pa|pharmacological action|pharmacologic action|pharmacological action mesh terms", ("pa",)),
    ("la|lang|language", ("la",)),
    ("au|auth|author|authors|fau|full author name|cn|corporate author", ("au",)),
    ("auid|author identifier", ("auid",)), ("ed|editor", ("ed",)), ("ps|personal name as subject", ("ps",)),
    ("ir|investigator|fir|full investigator name", ("ir",)),
    ("cois|conflict of interest statement|conflict of interest statements", ("cois",)),
    ("isbn", ("isbn",)), ("jid|nlm unique id", ("jid",)), ("owner", ("owner",)), ("pubn|publisher", ("pubn",)),
    ("1au|first author|first author name", ("1au",)),
    ("lastau|last author|last author name", ("lastau",)),
    ("ta|jour|journal|so|journal title|issn|book", ("ta",)),
    ("ad|affl|affiliation", ("ad",)),
    ("nm|supplementary concept|substance name|rn|ec/rn number|supplementary concept:noexp|nm:noexp", ("nm",)),
    ("ot|other term|other terms", ("ot",)),
    ("tt|transliterated title", ("tt",)),
    ("vi|volume", ("vi",)), ("ip|issue", ("ip",)), ("pg|page|pagination", ("pg",)),
    ("aid|doi|lid|article identifier|location id|mid|pmc|pmcid|pmcid & mid|manuscript id", ("aid",)),
    ("si|secondary source id", ("si",)), ("gr|grant|grant number|grants and funding", ("gr",)),
    ("pl|place of publication", ("pl",)),
    ("sb|subset|filter|status", ("sb",)),
    ("pmid|uid", ("id",)),
    ("dp|pdat|date - publication|publication date|date of publication|ppdat|epdat", ("dp",)),
    ("edat|date - entrez|entrez date|date - entry|entry date", ("edat",)),
    ("crdt|date - create|create date", ("crdt",)),
    ("dcom|date - completion|completion date", ("dcom",)),
    ("mhda|date - mesh|mesh date", ("mhda",)),
    ("lr|mdat|date - modification|modification date|date last revised", ("lr",)),
):  # fmt: skip
    TAGS.update(dict.fromkeys(_names.split("|"), _fields))

LANGUAGES = {
    "english": "eng", "french": "fre", "german": "ger", "spanish": "spa", "italian": "ita", "russian": "rus",
    "japanese": "jpn", "chinese": "chi", "portuguese": "por", "polish": "pol", "dutch": "dut", "danish": "dan",
    "swedish": "swe", "norwegian": "nor", "finnish": "fin", "czech": "cze", "hungarian": "hun", "turkish": "tur",
    "korean": "kor", "hebrew": "heb", "arabic": "ara", "greek": "gre", "romanian": "rum", "bulgarian": "bul",
    "croatian": "hrv", "serbian": "srp", "ukrainian": "ukr", "persian": "per", "slovak": "slo", "slovenian": "slv",
}  # fmt: skip

# A document's field -> (field of the index, where its words are searched besides)
_PLAIN = {
    "substances": ("nm", "words"), "publication_types": ("pt", "words"), "type": ("pt", "words"),
    "languages": ("la", ""), "language": ("la", ""), "authors": ("au", "rest"), "journal": ("ta", "rest"),
    "affiliations": ("ad", "rest"), "affiliation": ("ad", "rest"), "keywords": ("ot", ""),
    "other_titles": ("tt", "words"), "other_abstracts": ("ab", ""), "volume": ("vi", "rest"), "issue": ("ip", "rest"),
    "pages": ("pg", "rest"), "identifiers": ("aid", "rest"), "accessions": ("si", "rest"), "grants": ("gr", "rest"),
    "country": ("pl", "rest"), "status": ("sb", ""), "author_ids": ("auid", "rest"), "editors": ("ed", "rest"),
    "investigators": ("ir", "rest"), "isbn": ("isbn", "rest"), "journal_id": ("jid", ""), "owner": ("owner", ""),
    "persons": ("ps", "rest"), "publisher": ("pubn", "rest"), "conflicts": ("cois", ""),
}  # fmt: skip
_KNOWN = {*_PLAIN, *DATES.values(), "mesh", "major", "parts"}


def values_of(document: Document) -> dict[str, list[str]]:
    """Field of the index -> the values that a document has there, as they were written. What is under a name of
    the document's own is in `own_name`."""
    found: dict[str, list[str]] = {
        "ti": [document.title], "ab": [document.text], "id": [document.id], "rest": [document.id], "words": [],
    }  # fmt: skip
    for name, value in document.fields.items():
        texts = list(_texts(value))
        if name in _PLAIN:
            field, also = _PLAIN[name]
            found.setdefault(field, []).extend(LANGUAGES.get(fold(t), t) if field == "la" else t for t in texts)
            if also:
                found[also].extend(texts)
        elif name not in _KNOWN:
            found.setdefault(own_name(name), []).extend(texts)
            found["rest"].extend(texts)
    for name in document.fields.get("parts") or ():
        found[PART + name.lower()] = ["yes"]
    if authors := found.get("au"):
        found["1au"], found["lastau"] = authors[:1], authors[-1:]
    _add_headings(document.fields, found)
    return {field: kept for field, texts in found.items() if (kept := [text for text in texts if text])}


def folded(field: str, value: str) -> str:
    """A whole value as it is compared; a heading and its qualifier have a stroke between them."""
    return "/".join(fold(part) for part in value.split("/")) if field in ("mh", "majr") else fold(value)


def dates_of(document: Document) -> Iterator[tuple[str, Any]]:
    """(field of the index, date as it was written)."""
    for field, name in DATES.items():
        if document.fields.get(name):
            yield field, document.fields[name]


def own_name(name: str) -> str:
    """The index's name of a field that documents themselves name; none of ours begins so."""
    return f".{name.lower()}"


def _add_headings(fields: Mapping[str, Any], found: dict[str, list[str]]) -> None:
    for heading in [*_listed(fields.get("mesh")), *({"name": n, "major": True} for n in _texts(fields.get("major")))]:
        if isinstance(heading, str):
            name, *qualifiers = heading.split("/")
            heading = {
                "name": name.strip("* "), "major": "*" in heading,
                "qualifiers": [{"name": each.strip("* "), "major": "*" in each} for each in qualifiers],
            }  # fmt: skip
        name, major = str(heading.get("name", "")), bool(heading.get("major"))
        pairs = [(str(q["name"]), bool(q.get("major"))) for q in heading.get("qualifiers", ()) if q.get("name")]
        found.setdefault("mh", []).extend([name, *(f"{name}/{qualifier}" for qualifier, _ in pairs)])
        if major or any(of_major for _, of_major in pairs):
            # A star at a qualifier makes the heading a major topic with that qualifier; one at the heading, with none.
            starred = [f"{name}/{qualifier}" for qualifier, of_major in pairs if of_major]
            found.setdefault("majr", []).extend([name, *starred])
        found.setdefault("sh", []).extend(qualifier for qualifier, _ in pairs)
        found["words"].extend([name, *(qualifier for qualifier, _ in pairs)])


def texts_of(value: Any) -> list[str]:
    """The texts of a value, whatever it is made of."""
    return [text for text in _texts(value) if text]


def _texts(value: Any) -> Iterator[str]:
    for each in _listed(value):
        if isinstance(each, dict):
            yield from _texts(list(each.values()))
        elif isinstance(each, list):
            yield from _texts(each)
        elif each is not None:
            yield str(each).lower() if isinstance(each, bool) else str(each)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
