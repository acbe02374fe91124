"""Essie's grammar: its precedence, its operators, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.boolean.essie import parse
from sqlrl.executors.boolean.queries import All, Missing, Not, Or, Phrase, Range, Token
from sqlrl.executors.boolean.vocabulary import Vocabulary
from tests.executors.boolean.test_pubmed import shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # OR least, then AND, then NOT: not PubMed's left to right.
        ("a1 OR b1 AND c1", "(a1 | (b1 & c1))"),
        ("a1 AND NOT b1 OR c1", "((a1 - b1) | c1)"),
        ("a1 NOT b1", "(a1 - b1)"),
        ("NOT a1", "(* - a1)"),
        ("NOT NOT a1", "a1"),
        ("(a1 OR b1) AND c1", "((a1 | b1) & c1)"),
        ("heart attack", "(heart & attack)"),
        ('"heart attack"', "heart_attack"),
        ("EXPANSION[None] heart attack", "heart_attack"),
        ("AREA[Condition] heart", "heart..condition"),
        ("AREA[Condition](heart OR lung)", "(heart..condition | lung..condition)"),
        ("AREA[BriefTitle]AREA[Condition]x1 AND y1", "(x1..condition & y1)"),
        ("ALL", "*"),
        ("heart \\AND lung", "(heart & and & lung)"),
        ('"a \\" b"', "a_b"),
        ('AREA[Phase]"Phase 3"', "phase3..phase"),
        ("a1 (b1)", "(a1 & b1)"),
        ("AREA[NCTId]NCT00000102", "id=nct00000102"),
        ("heart or lung", "(heart & or & lung)"),  # in lower case, words
    ],
)
def test_what_is_read(text: str, expected: str) -> None:
    assert shown(parse(text).query) == expected


def test_ranges_and_what_is_missing() -> None:
    found = parse("AREA[StartDate]RANGE[01/31/2010, MAX]").query
    assert found == Or((Range(".startdate", 20100131, None),))
    found = parse("AREA[MinimumAge]RANGE[MIN, 18 Years]").query
    assert found == Or((Range(".minimumage", None, 18 * 365.25, True),))
    assert parse("AREA[ResultsFirstPostDate]MISSING").query == Missing((".resultsfirstpostdate",))
    assert parse("NOT AREA[Phase]MISSING").query == Not(All(), Missing((".phase",)))


def test_coverage_holds_a_value_at_its_ends() -> None:
    heart = (".condition",), (Token("heart"),), False
    assert parse("AREA[Condition]COVERAGE[FullMatch]heart").query == Phrase(*heart, start=True, end=True)
    assert parse("AREA[Condition]COVERAGE[StartsWith]heart").query == Phrase(*heart, start=True)
    assert parse("AREA[Condition]COVERAGE[EndsWith]heart").query == Phrase(*heart, end=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no term"),
        ("(a1", "never closed"),
        ("a1)", "without an opening"),
        ("a1 AND", "a term is missing"),
        ("OR a1", "a term is missing"),
        ('"a1', "that has no other"),
        ("AREA[Nonsense]a1", "no area"),
        ("NEAR[3]a1", "no operator NEAR"),
        ("RANGE[1,2]", "needs an area"),
        ("AREA[StartDate]RANGE[soon, MAX]", "no date"),
        ("AREA[StartDate]RANGE[2010]", "two ends"),
        ("EXPANSION[Lots]a1", "no expansion"),
        ("MISSING", "needs an area"),
        ("...", "without a word"),
        ("(" * 500 + "a1" + ")" * 500, "within one another"),
    ],
)
def test_what_the_service_refuses_is_no_query(text: str, message: str) -> None:
    parsed = parse(text)
    assert parsed.query is None
    assert message in parsed.message


def test_concepts_are_words_without_a_vocabulary() -> None:
    assert any("no vocabulary" in each for each in parse("heart attack").warnings)
    vocabulary = Vocabulary({"heart attack": '"myocardial infarction"'})
    found = parse("AREA[Condition] heart attack", vocabulary=vocabulary)
    assert shown(found.query) == "((heart..condition & attack..condition) | myocardial_infarction..condition)"
    assert found.warnings == ()


@given(st.text(alphabet='ab1 "()[]\\,AND OR NOT AREA[Condition]', max_size=60) | st.text(max_size=40))
def test_every_text_is_read_or_refused_with_a_reason(text: str) -> None:
    parsed = parse(text)
    assert (parsed.query is None) == bool(parsed.message)
