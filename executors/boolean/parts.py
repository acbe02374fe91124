"""Parts of a record: what there is several of, each with fields of its own, such as the locations of a study.

A query of one part holds where one of them has all that it asks for; the fields of the record alone cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlrl.executors.boolean.analysis import day_of, number_of, tokens
from sqlrl.executors.boolean.fields import folded, own_name, texts_of
from sqlrl.executors.boolean.matching import has_near, has_phrase
from sqlrl.executors.boolean.queries import All, And, Missing, Near, Not, Or, Phrase, Query, Range, Value

__all__ = ["PARTS", "any_part_holds", "relaxed"]

# part -> the pieces that it is made of, and, of these, where words without an area are looked for
PARTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "location": (
        ("LocationFacility", "LocationStatus", "LocationCity", "LocationState", "LocationZip", "LocationCountry"),
        ("LocationFacility", "LocationCity", "LocationState", "LocationCountry", "LocationZip"),
    ),
}


def relaxed(query: Query) -> Query:
    """A query that holds for every record one of whose parts the query holds for."""
    if isinstance(query, And):
        return And(tuple(map(relaxed, query.parts)))
    if isinstance(query, Or):
        return Or(tuple(map(relaxed, query.parts)))
    if isinstance(query, Not):
        return relaxed(query.keep)
    return All() if isinstance(query, Missing) else query


def any_part_holds(query: Query, parts: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the query holds for one of these."""
    return any(_holds(query, {own_name(name): texts_of(value) for name, value in part.items()}) for part in parts)


def _holds(query: Query, values: Mapping[str, Sequence[str]]) -> bool:
    if isinstance(query, And):
        return all(_holds(part, values) for part in query.parts)
    if isinstance(query, Or):
        return any(_holds(part, values) for part in query.parts)
    if isinstance(query, Not):
        return _holds(query.keep, values) and not _holds(query.drop, values)
    if isinstance(query, All):
        return True
    if isinstance(query, Range):
        own = values.get(query.field, ())
        found = (number_of(own[0]) if query.number else day_of(own[0])) if own else None
        return found is not None and (query.low or found) <= found <= (found if query.high is None else query.high)
    own = [value for field in getattr(query, "fields", ()) for value in values.get(field, ())]
    if isinstance(query, Missing):
        return not own
    if isinstance(query, Phrase):
        return any(has_phrase(tokens(value), query) for value in own)
    if isinstance(query, Near):
        return any(has_near(tokens(value), query) for value in own)
    if isinstance(query, Value):
        names = [folded(query.fields[0], value) for value in own]
        return any(name.startswith(query.text) if query.prefix else name == query.text for name in names)
    return False
