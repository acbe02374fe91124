"""Exactness: our sets are those of a look at every document, for thousands of queries that are written at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlrl.executors.base import Outcome
from sqlrl.executors.boolean import essie, ovid, pubmed
from sqlrl.executors.boolean.histories import is_history
from sqlrl.executors.boolean.queries import leaves
from sqlrl.executors.documents import Document
from tests.executors.boolean.brute import Brute

pytest.importorskip("tantivy")
pytest.importorskip("pyroaring")

WORDS = [f"{stem}{end}" for stem in ("cardio", "hepat", "neuro", "immun", "onc") for end in ("", "a", "al", "pathy")]
WORDS += [
    "heart",
    "failure",
    "pain",
    "of",
    "the",
    "a",
    "Crohn's",
    "post-mortem",
    "na\u00efve",
    "\u03b2-blocker",
    "type",
    "2",
]
HEADINGS = {
    "Heart Diseases": ["C14.280"], "Heart Failure": ["C14.280.434"], "Heart Failure, Systolic": ["C14.280.434.676"],
    "Vascular Diseases": ["C14.907"], "Pain": ["C23.888.592.612", "F02.830"], "Humans": ["B01"], "Asthma": ["C14.2"],
}  # fmt: skip
QUALIFIERS = ["drug therapy", "etiology"]
TYPES = ["Review", "Systematic Review", "Randomized Controlled Trial", "Clinical Trial", "Letter"]


def _text(chance: random.Random, most: int) -> str:
    words = [chance.choice(WORDS) for _ in range(chance.randint(0, most))]
    return "".join(word + chance.choice([" ", " ", ", ", ". ", "\n"]) for word in words)


def _corpus(count: int = 200) -> list[Document]:
    chance = random.Random(3)
    documents = []
    for number in range(count):
        fields = {
            "mesh": [
                {
                    "name": name, "major": chance.random() < 0.3, "tree": HEADINGS[name],
                    "qualifiers": [
                        {"name": each, "major": chance.random() < 0.3} for each in QUALIFIERS if chance.random() < 0.3
                    ],
                }
                for name in chance.sample(list(HEADINGS), chance.randint(0, 3))
            ],
            "publication_types": chance.sample(TYPES, chance.randint(0, 2)),
            "languages": [chance.choice(["eng", "fre"])],
            "authors": [f"{chance.choice(['Smith', 'Smithers', 'Doe'])} {chance.choice(['J', 'JA'])}" for _ in "ab"],
            "affiliations": [_text(chance, 3) for _ in range(chance.randint(0, 3))],
            "keywords": [_text(chance, 3) for _ in range(chance.randint(0, 3))],
            "other_abstracts": [_text(chance, 4) for _ in range(chance.randint(0, 1))],
            "date": chance.choice(["", "2004", "2004-05", "2004-05-17", f"20{chance.randint(10, 19)}-02", "2012"]),
            "Condition": [_text(chance, 2) for _ in range(chance.randint(0, 3))],
            "Phase": chance.sample(["PHASE2", "PHASE3"], chance.randint(0, 2)),
            "EnrollmentCount": chance.randint(1, 300),
            "MinimumAge": chance.choice(["18 Years", "6 Months", "65 Years"]),
            "StartDate": chance.choice(["2010-01", "2012-03-04", "2015"]),
        }  # fmt: skip
        if chance.random() < 0.3:
            del fields["StartDate"], fields["EnrollmentCount"]
        documents.append(
            Document(str(chance.randint(1, 99) * 1000 + number), _text(chance, 6), _text(chance, 25), fields)
        )
    return documents


def _words(chance: random.Random, most: int = 3) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, most)))


def _pubmed_term(chance: random.Random) -> str:
    kind = chance.randint(0, 9)
    tag = chance.choice(["", "[ti]", "[ab]", "[tiab]", "[tw]", "[all]", "[ot]", "[nonsense]"])
    if kind == 0:
        return chance.choice(WORDS)[: chance.randint(1, 7)] + "*" + tag
    if kind == 1:
        return f'"{_words(chance)}{chance.choice(["", "*"])}"{tag}'
    if kind == 2:
        return f'"{_words(chance)}"[{chance.choice(["tiab", "ti", "ad"])}:~{chance.choice([0, 1, 2, 5, 20, 40])}]'
    if kind == 3:
        ends = [chance.choice(["2004", "2004/05", "2004/05/17", "2012", "2015/03", "1990"]) for _ in "ab"]
        return ":".join(ends[: chance.randint(1, 2)]) + "[dp]"
    if kind == 4:
        heading = chance.choice([*HEADINGS, "Heart Dis*"]) + chance.choice(["", "", "/drug therapy"])
        return f'"{heading}"[{chance.choice(["mh", "majr", "mh:noexp", "majr:noexp"])}]'
    if kind == 5:
        name = chance.choice(["smith j", "smith", "smith ja", "doe k", "smit*"])
        return (f'"{name}"' if chance.random() < 0.3 else name) + chance.choice(["[au]", "[1au]", "[lastau]"])
    if kind == 6:
        return chance.choice(
            [
                f"{chance.choice(TYPES)}[{chance.choice(['pt', 'ptyp', 'pt:noexp'])}]",
                "english[la]",
                "pain[pa]",
                "rev*[pt]",
                '"drug therapy"[sh]',
                "hasabstract[sb]",
            ]
        )
    return _words(chance) + tag


def _expression(chance: random.Random, term, operators: list[str], depth: int = 0) -> str:  # type: ignore[no-untyped-def]
    parts = []
    for place in range(chance.randint(1, 4)):
        if place:
            parts.append(chance.choice(operators))
        nested = depth < 3 and chance.random() < 0.3
        parts.append(f"({_expression(chance, term, operators, depth + 1)})" if nested else term(chance))
    return " ".join(parts)


def _essie_term(chance: random.Random) -> str:
    area = chance.choice(
        ["", "", "AREA[BriefTitle]", "AREA[Condition]", "AREA[ConditionSearch]", "AREA[Condition]EXPANSION[None]"]
    )
    how = chance.choice(
        ["", "", "COVERAGE[FullMatch]", "COVERAGE[StartsWith]", "COVERAGE[EndsWith]", "EXPANSION[Term]"]
    )
    kind = chance.randint(0, 6)
    if kind == 0:
        ends = chance.choice(["2010-01-01, MAX", "MIN, 2012-03-04", "2012, 2015", "MIN, MAX", "2010, 2010-01"])
        return f"AREA[{chance.choice(['StartDate', 'StudyFirstPostDate', 'EnrollmentCount'])}]RANGE[{ends}]"
    if kind == 1:
        return chance.choice(["AREA[EnrollmentCount]RANGE[10, 200]", "AREA[MinimumAge]RANGE[1 year, 20 years]", "ALL"])
    if kind == 2:
        return f"AREA[{chance.choice(['Condition', 'StartDate', 'Phase', 'EnrollmentCount'])}]MISSING"
    if kind == 3:
        return chance.choice(['AREA[Phase]"Phase 3"', "AREA[Phase]PHASE2", "NOT heart", "NOT NOT pain"])
    return area + how + (f'"{_words(chance)}"' if chance.random() < 0.5 else _words(chance))


@pytest.fixture(scope="module")
def corpus() -> list[Document]:
    return _corpus()


@pytest.fixture(scope="module")
def folder(corpus: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sqlrl.executors.boolean.engine import build

    return build(corpus, tmp_path_factory.mktemp("boolean") / "index")


def _queries(seed: int, count: int, grammar: str) -> Iterator[str]:
    chance = random.Random(seed)
    for _ in range(count):
        if grammar == "essie":
            yield _expression(chance, _essie_term, ["AND", "OR", "NOT", "AND NOT"])
        else:
            text = _expression(chance, _pubmed_term, ["AND", "OR", "NOT", ""])
            # What people and models leave open, or close too often.
            yield chance.choice([text] * 6 + [f"({text}", f"{text})", f"NOT {text}", f"{text} AND", f"OR {text}"])


@pytest.mark.parametrize("grammar", ["pubmed", "essie"])
def test_equal_to_a_look_at_every_document(folder: Path, corpus: list[Document], grammar: str) -> None:
    _compare(folder, corpus, grammar, _queries(0, 300, grammar))


@pytest.mark.slow
@pytest.mark.parametrize("grammar", ["pubmed", "essie"])
def test_equal_thousands_of_times(folder: Path, corpus: list[Document], grammar: str) -> None:
    _compare(folder, corpus, grammar, _queries(1, 4000, grammar))


def _compare(folder: Path, corpus: list[Document], grammar: str, queries: Iterator[str]) -> None:
    from sqlrl.executors.boolean.engine import Boolean

    engine = Boolean(f"boolean:///{folder}?grammar={grammar}")
    brute = Brute(corpus)
    days = sorted((str(d.fields["date"]) for d in corpus if d.fields["date"]), reverse=True)
    today = int(days[0].replace("-", "") + "01")
    known = frozenset(engine._known)
    some = asked = 0
    for query in queries:
        asked += 1
        parsed = essie.parse(query, known) if grammar == "essie" else pubmed.parse(query, today=today)
        result = engine.search(query, len(corpus), {})
        if parsed.query is None:
            assert (result.outcome, result.message) == (Outcome.INVALID, parsed.message)
            continue
        expected = brute.hits(parsed.query)
        assert {row[0] for row in result.rows} == expected, query
        assert result.total == len(expected)
        some += 0 < len(expected) < len(corpus)
    assert some > asked / 3  # or the comparison says little


@pytest.mark.slow
def test_every_term_of_real_searches(data_root: Path, tmp_path: Path) -> None:
    """Over real abstracts: whole searches find little in so few, their terms do."""
    import csv
    import json

    from sqlrl.executors.boolean.engine import Boolean, build

    documents = []
    for path in sorted((data_root / "pubmed/cohen_2006").glob("*.csv")):
        with open(path, encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if len(row["abstract"]) > 1200][:20]
        documents += [Document(f"{path.stem} {r['record_id']}", r["title"], r["abstract"]) for r in rows]
    engine = Boolean(f"boolean:///{build(documents, tmp_path / 'index')}")
    brute = Brute(documents)
    topics = (data_root / "pubmed/seed_collection/overall_collection.jsonl").read_text(encoding="utf-8").splitlines()
    queries = [pubmed.parse(json.loads(line)["query"]).query for line in topics]
    for path in sorted((data_root / "pubmed/sr_updates/Boolean-Queries").glob("*.txt")):
        text = path.read_text(encoding="utf-8", errors="replace")
        queries.append((ovid.parse(text) if is_history(text) else pubmed.parse(text)).query)
    terms = {leaf for query in queries if query is not None for leaf, _ in leaves(query)}
    assert len(terms) > 1500
    found = 0
    for query in [*queries, *terms]:
        assert query is not None
        expected = brute.hits(query)
        assert {engine._ids[place] for place in engine._evaluator.hits(query)} == expected, query
        found += bool(expected)
    assert found > 300  # most are headings, which these abstracts come without, or of another topic
