"""PubMed's grammar: what is read out of what people and models write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.boolean.pubmed import parse
from sqlrl.executors.boolean.queries import All, And, Heading, Near, Not, Or, Phrase, Query, Range, Value
from sqlrl.executors.boolean.vocabulary import Vocabulary


def shown(query: Query | None) -> str:
    """A tree in one line: words as they are, with their first field."""
    match query:
        case None:
            return "-"
        case And(parts):
            return f"({' & '.join(map(shown, parts))})"
        case Or(parts):
            return f"({' | '.join(map(shown, parts))})"
        case Not(keep, drop):
            return f"({shown(keep)} - {shown(drop)})"
        case All():
            return "*"
        case Phrase(fields, tokens, loose):
            words = "_".join(token.text + "*" * token.prefix for token in tokens)
            return words + "~" * loose + (f".{fields[0]}" if len(fields) == 1 else "")
        case Near(_, tokens, distance):
            return f"{'+'.join(token.text + '*' * token.prefix for token in tokens)}~{distance}"
        case Value(fields, text, prefix):
            return f"{fields[0]}={text}{'*' * prefix}"
        case Heading(field, name, qualifier, explode):
            return f"{field}:{name}{'/' + qualifier if qualifier else ''}{'+' * explode}"
        case Range(field, low, high):
            return f"{field}[{low}..{high}]"
    return repr(query)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # From left to right, whatever the operators.
        ("a1 OR b1 AND c1", "((a1 | b1) & c1)"),
        ("a1 AND b1 OR c1 NOT d1", "(((a1 & b1) | c1) - d1)"),
        ("a1 OR (b1 AND c1)", "(a1 | (b1 & c1))"),
        ("a1 b1", "(a1 & b1)"),
        ("a1 AND NOT b1", "(a1 - b1)"),
        ("NOT a1", "(* - a1)"),
        # Terms.
        ('"heart failure"', "heart_failure"),
        ("heart failure[tiab]", "heart_failure~"),
        ("post-mortem[ti]", "post_mortem.ti"),
        ("Crohn's disease[ti]", "crohn_s_disease~.ti"),
        ("na\u00efve[ti]", "naive.ti"),
        ("random*[ti]", "random*.ti"),
        ("ran*[ti]", "ran.ti"),
        ('"breast cancer*"[ti]', "breast_cancer*.ti"),
        ('"hip pain"[tiab:~2]', "hip+pain~2"),
        ('"hip pain"[Title/Abstract:~0]', "hip+pain~0"),
        ('"Thyroid Neoplasms"[MeSH]', "mh:thyroid neoplasms+"),
        ("Masks/adverse effects[majr:noexp]", "majr:masks/adverse effects"),
        ("neoplas*[mh]", "mh=neoplas*"),
        ("randomized controlled trial[pt]", "pt:randomized controlled trial+"),
        ('"Clinical Trial"[ptyp:noexp]', "pt:clinical trial"),
        ("clinical tri*[pt]", "pt=clinical tri*"),
        ("caustics[pa]", "(mh:caustics | nm=caustics)"),
        ("asthma[mesh:no exp]", "mh:asthma"),
        ("0000-0001[auid]", "auid=0000 0001"),
        ("pasteur l[ps]", "ps=pasteur l*"),
        ("2010[dcom]", "dcom[20100101..20101231]"),
        ("nothing to declare[cois]", "nothing_to_declare~.cois"),
        ("english[la]", "la=eng"),
        ("smith j[au]", "au=smith j*"),
        ('"smith j"[au]', "au=smith j"),
        ("smith[1au]", "(1au=smith | 1au=smith *)"),
        ("31452104[pmid]", "id=31452104"),
        # Days.
        ("2010:2020[dp]", "dp[20100101..20201231]"),
        ("2010/05[dp]", "dp[20100501..20100531]"),
        (":2012/3/1[dp]", "dp[None..20120301]"),
        ('"2010/05/01"[Date - Publication] : "3000"[Date - Publication]', "dp[20100501..30001231]"),
        ("asthma AND 2015[pdat]", "(asthma & dp[20150101..20151231])"),
        ("asthma 2010:2015[dp]", "(asthma & dp[20100101..20151231])"),
        ('"last 5 years"[dp]', "dp[20151130..20201130]"),
        ('"last 45 days"[dp]', "dp[20201016..20201130]"),
        # What is missing or too much.
        ("((a1 OR b1", "(a1 | b1)"),
        ("a1)) AND b1", "(a1 & b1)"),
        ("a1 AND", "a1"),
        ("OR a1", "a1"),
        ("a1 AND () b1", "(a1 & b1)"),
        ('covid-19"[ti] OR flu[ti]', "(covid_19.ti | flu.ti)"),
        ("\u201cflu shot\u201d[ti]", "flu_shot.ti"),
        ("(a1 OR b1)[ti]", "(a1 | b1)"),
        ("flu[nothing]", "flu"),
        ("role of the heart", "(role & heart)"),
        ("the", "the"),
        ('animals[mh:noexp] not (animals[mh:noexp] and humans[mh:noexp])', "(mh:animals - (mh:animals & mh:humans))"),
        ("heart and lung", "(heart & lung)"),
    ],
)  # fmt: skip
def test_what_is_read(text: str, expected: str) -> None:
    assert shown(parse(text, today=20201130).query) == expected


@pytest.mark.parametrize("text", ["", "  ", "()", '""', "AND", "[ti]", "***", "(OR)", '"', "next year[dp]"])
def test_what_has_no_word_cannot_be_read(text: str) -> None:
    parsed = parse(text)
    assert parsed.query is None
    assert "nothing to search for" in parsed.message


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("((a1[ti]", "never closed"),
        ("a1[ti])", "without an opening one"),
        ("a1[foo]", "[foo] is no field"),
        ("a1[ti] AND", "AND with nothing after it"),
        ("ab*[ti]", "needs 4 characters"),
        ("asthma", "no vocabulary"),
        ("a1[ti] and b1[ti]", "read as AND"),
        ("(a1[ti])[ab]", "after a parenthesis"),
        ("99/99[dp] OR a1[ti]", "is no date"),
        ('"a b"[mh:~3] ', "no proximity"),
    ],
)
def test_what_is_read_otherwise_is_said(text: str, warning: str) -> None:
    assert any(warning in each for each in parse(text).warnings)


def test_nothing_is_said_of_what_is_read_as_written() -> None:
    text = '("heart failure"[mh] OR hf[tiab]) AND random*[tw] NOT "case reports"[pt] AND 2010:2020[dp]'
    assert parse(text).warnings == ()


def test_a_vocabulary_maps_the_longest_term() -> None:
    vocabulary = Vocabulary({"heart attack": '"myocardial infarction"[mh] OR "heart attack"[ti]', "heart": "cor[ti]"})
    found = parse("acute heart attack AND heart", vocabulary)
    assert shown(found.query) == "(acute & (mh:myocardial infarction+ | heart_attack.ti) & cor.ti)"


@given(st.text(alphabet='ab1 "()[]*:~-/,AND OR NOT[ti][dp]\u201c\n', max_size=60) | st.text(max_size=40))
def test_every_text_is_read_or_refused_with_a_reason(text: str) -> None:
    parsed = parse(text)
    assert (parsed.query is None) == bool(parsed.message)


def test_long_chains_and_deep_parentheses() -> None:
    long = " ".join(f"w{n}[ti] {'AND' if n % 2 else 'OR'}" for n in range(20_000)) + " end[ti]"
    assert parse(long).query is not None
    assert parse("(" * 150 + "a1" + ")" * 150).query is not None
    assert "parentheses" in parse("(" * 5000 + "a1").message


def test_real_queries_are_read_whole(data_root: Path) -> None:
    fine = ("in lower case was read as", "no vocabulary", "which substances act so", "never closed")
    for line in (data_root / "pubmed/seed_collection/overall_collection.jsonl").read_text().splitlines():
        topic = json.loads(line)
        for name in ("query", "edited_search"):
            parsed = parse(topic[name])
            assert parsed.query is not None
            assert not [each for each in parsed.warnings if not any(known in each for known in fine)], topic["id"]
