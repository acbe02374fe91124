"""A second evaluator, for tests: looks at every word of every document, and shares no index, cache or set with ours."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sqlrl.executors.boolean.analysis import day_of, number_of, tokens
from sqlrl.executors.boolean.fields import DATES, folded, values_of
from sqlrl.executors.boolean.publication_types import below_types
from sqlrl.executors.boolean.queries import (
    All,
    And,
    Heading,
    Missing,
    Near,
    Not,
    Or,
    Phrase,
    Query,
    Range,
    Token,
    Value,
    Within,
)
from sqlrl.executors.documents import Document

__all__ = ["Brute"]


class Brute:
    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = documents
        self.values = {document.id: values_of(document) for document in documents}
        self.words = {
            name: {field: [tokens(text) for text in texts] for field, texts in values.items()}
            for name, values in self.values.items()
        }
        self.everything = set(self.values)
        self.parts: dict[str, dict[str, Brute]] = {}
        self.answers: dict[Query, set[str]] = {}
        self.numbers: dict[str, set[str]] = {name: set(own) for name, own in below_types().items()}
        for document in documents:
            for heading in document.fields.get("mesh", []):
                if isinstance(heading, dict):
                    own = self.numbers.setdefault(" ".join(tokens(heading["name"])), set())
                    own.update(heading.get("tree", []))

    def hits(self, query: Query) -> set[str]:
        """The ids of the documents that the query holds for."""
        if query not in self.answers:
            self.answers[query] = self.looked_up(query)
        return set(self.answers[query])

    def looked_up(self, query: Query) -> set[str]:
        match query:
            case All():
                return set(self.everything)
            case And(parts):
                found = set(self.everything)
                for part in parts:
                    found &= self.hits(part)
                return found
            case Or(parts):
                return set().union(*(self.hits(part) for part in parts))
            case Not(keep, drop):
                return self.hits(keep) - self.hits(drop)
            case Phrase(fields, wanted, loose):
                found = {name for name in self.everything if self.phrase(name, query)}
                if loose and not found:
                    return self.hits(And(tuple(Phrase(fields, (token,)) for token in wanted)))
                return found
            case Near(fields, wanted, distance):

                def near(words: list[str]) -> bool:
                    own = [[place for place, word in enumerate(words) if _is(word, token)] for token in wanted]
                    return any(
                        len(set(places)) == len(places) and max(places) - min(places) < len(wanted) + distance
                        for places in itertools.product(*own)
                    )

                return {name for name in self.everything if any(near(w) for w in self.each(self.words, name, fields))}
            case Value(fields, text, prefix):
                return {
                    name
                    for name, field in itertools.product(self.everything, fields)
                    for value in self.values[name].get(field, [])
                    if (folded(field, value).startswith(text) if prefix else folded(field, value) == text)
                }
            case Heading(field, heading, qualifier, explode):
                roots = self.numbers.get(heading, set()) if explode else set()
                names = {heading} | {
                    other
                    for other, own in self.numbers.items()
                    for number, root in itertools.product(own, roots)
                    if number == root or number.startswith(root + ".")
                }
                return self.hits(Or(tuple(Value((field,), n + ("/" + qualifier) * bool(qualifier)) for n in names)))
            case Range(field, low, high, number):
                return {document.id for document in self.documents if _within(document, field, low, high, number)}
            case Within(part, inner):
                return {name for name, own in self.within(part).items() if own.hits(inner)}
            case Missing(fields):
                return {name for name in self.everything if not any(True for _ in self.each(self.values, name, fields))}
        raise AssertionError(query)

    def within(self, part: str) -> dict[str, Brute]:
        """The parts of each document, as documents of their own."""
        if part not in self.parts:
            self.parts[part] = {
                document.id: Brute([Document(str(number), fields=own) for number, own in enumerate(found)])
                for document in self.documents
                if (found := (document.fields.get("parts") or {}).get(part.title()))
            }
        return self.parts[part]

    def each(self, table, name, fields):  # type: ignore[no-untyped-def]
        for field in fields:
            yield from table[name].get(field, [])

    def phrase(self, name: str, query: Phrase) -> bool:
        size, first = len(query.tokens), query.tokens[0]
        for words in self.each(self.words, name, query.fields):
            for start in range(len(words) - size + 1):
                if not first.prefix and words[start] != first.text:
                    continue
                if query.start and start != 0:
                    continue
                if query.end and start + size != len(words):
                    continue
                if all(_is(word, token) for word, token in zip(words[start:], query.tokens, strict=False)):
                    return True
        return False


def _is(word: str, token: Token) -> bool:
    return word == token.text or (token.prefix and word.startswith(token.text))


def _within(document: Document, field: str, low: float | None, high: float | None, number: bool) -> bool:
    if field in DATES:
        own = [document.fields.get(DATES[field])]
    else:
        own = [value for name, value in document.fields.items() if f".{name.lower()}" == field]
    if not own or own[0] in (None, "") or (number and field in DATES):
        return False
    found = number_of(own[0]) if number else day_of(own[0])
    return found is not None and (low is None or found >= low) and (high is None or found <= high)
