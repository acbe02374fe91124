"""Ovid's grammar: numbered searches as reviews print them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.boolean import pubmed
from sqlrl.executors.boolean.histories import is_history
from sqlrl.executors.boolean.ovid import parse
from tests.executors.boolean.test_pubmed import shown


def _read(*lines: str) -> str:
    return shown(parse("\n".join(f"{number} {line}" for number, line in enumerate(lines, start=1))).query)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("exp Asthma/", "mh:asthma+"),
        ("Asthma/ or *Migraine/", "(mh:asthma | majr:migraine)"),
        ('exp "Attention and Disorders"/ or *"Asthma"/', "(mh:attention and disorders+ | majr:asthma)"),
        ('"mini-Cog".ti. or "stress and coping".ti.', "(mini_cog.ti | stress_and_coping.ti)"),
        ("exp Asthma/dt, su (drug therapy)", "(mh:asthma/drug therapy+ | mh:asthma/surgery+)"),
        ("Fractures, Bone/ or Ulna/", "(mh:fractures bone | mh:ulna)"),
        ("asthma.ti.", "asthma.ti"),
        ("(wheez$ or asthma).ti.", "(wheez*.ti | asthma.ti)"),
        ("placebo.ti. or random$1.ti.", "(placebo.ti | random*.ti)"),
        ("a1.ti. and b1.ti. or c1.ti.", "((a1.ti & b1.ti) | c1.ti)"),
        ("randomized controlled trial.pt.", "pt=randomized controlled trial"),
        ("exp animals/ not humans.sh.", "(mh:animals+ - mh=humans)"),
        ("drug therapy.fs.", "sh=drug therapy"),
        ("(clin$ adj25 trial$).tw.", "clin*+trial*~24"),
        ("(clin$ adj25 trial$).ti,ab,sh.", "clin*+trial*~24"),
        ("((a1 or b1) adj3 c1).ti.", "(a1+c1~2 | b1+c1~2)"),
        ("(a1 adj b1).ti.", "a1_b1.ti"),
        ("carpal tunnel.mp. [mp=title, abstract]", "carpal_tunnel"),
        ("(2005$ or 2006$).ed.", "(edat[20050101..20051231] | edat[20060101..20061231])"),
        ("(a1 or b1", "(a1 | b1)"),
        ('"flu shot"[tiab] OR flu[ti]', "(flu_shot | flu.ti)"),
    ],
)
def test_a_line(line: str, expected: str) -> None:
    assert _read("nothing/", line) == expected


def test_earlier_lines() -> None:
    assert _read("a1.ti.", "b1.ti.", "c1.ti.", "or/1-2", "4 and 3") == "((a1.ti | b1.ti) & c1.ti)"
    assert _read("a1.ti.", "b1.ti.", "and/1,2") == "(a1.ti & b1.ti)"
    assert _read("a1[ti]", "b1[ti]", "#1 AND #2") == "(a1.ti & b1.ti)"
    assert _read("a1.ti.", "limit 1 to humans") == "(a1.ti & mh:humans)"
    assert _read("a1.ti.", 'limit 1 to yr="2000 - 2010"') == "(a1.ti & dp[20000101..20101231])"
    assert _read("a1.ti.", "limit 1 to ed=20081201-20121231") == "(a1.ti & edat[20081201..20121231])"
    assert _read("a1.ti.", "limit 1 to english language") == "(a1.ti & la=eng)"


def test_numbers_in_many_forms_and_counts() -> None:
    for form in ("{}. {} ({:,})", "#{} {}", "{} {} (12,345)", "{}.{}"):
        lines = [form.format(number, text, 1234) for number, text in ((1, "asthma/"), (2, "flu.ti."), (3, "1 or 2"))]
        assert is_history("\n".join(lines))
        assert shown(parse("\n".join(lines)).query) == "(mh:asthma | flu.ti)"


def test_a_list_from_the_last_to_the_first() -> None:
    text = """#3 Search #1 AND #2 Limits: Publication Date from 2001/02/03 to 2008, Humans
        #2 Search: flu OR influenza*
        #1 Search asthma[mh] (1,234)"""
    assert is_history(text)
    expected = "(((mh:asthma+ & (flu | influenza*)) & dp[20010203..20081231]) & mh:humans)"
    assert shown(parse(text).query) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "exp Asthma/\nasthma.ti.\n(1 OR 2)\nlimit 3 to yr=2001",
            "((mh:asthma+ | asthma.ti) & dp[20010101..20011231])",
        ),
        ("1. exp Asthma/\n\nflu.ti. (12)\n\n1 and 2", "(mh:asthma+ & flu.ti)"),
        ("asthma\nflu\n1 not 2", "(asthma - flu)"),
        ("asthma[mh]\nflu[ti] OR grippe\n#1 and #2", "(mh:asthma+ & (flu.ti | grippe))"),
        ("Asthma/\nflu.ti,ab.", "flu"),
        ("21. flu.ti.\n22. asthma.ti.\n23. or/ 21 - 22", "(flu.ti | asthma.ti)"),
        ("1 flu.ti.\n2 asthma.ti.\n3 1-2/OR", "(flu.ti | asthma.ti)"),
        ("1 flu.ti.\n2 asthma.ti.\n3 #1-#2/and", "(flu.ti & asthma.ti)"),
    ],
)
def test_other_ways_to_number(text: str, expected: str) -> None:
    assert is_history(text)
    assert shown(parse(text).query) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("MeSH descriptor: [Heart Failure] explode all trees", "mh:heart failure+"),
        ("MeSH descriptor Asthma this term only", "mh:asthma"),
        (
            "MeSH descriptor: [Asthma] explode all trees and with qualifier(s): [drug therapy - DT]",
            "mh:asthma/drug therapy+",
        ),
        ('[mh "heart failure"] or [mh ^Asthma/DT]', "(mh:heart failure+ | mh:asthma/drug therapy)"),
        ("(inhal* near/3 steroid*):ti,ab,kw", "inhal*+steroid*~2"),
        ("(heart next failure*):ti", "heart_failure*.ti"),
        ("(lung cancer or neoplasm*):ti", "((lung.ti & cancer.ti) | neoplasm*.ti)"),
        ('"lung cancer":ti and flu:ti', "(lung_cancer.ti & flu.ti)"),
        ("lung cancer:ti", "(lung.ti & cancer.ti)"),
        ("flu:ti with Cochrane Library publication date Between Jan 2015 and Dec 2020, in Trials", "flu.ti"),
    ],
)
def test_a_line_of_cochranes(line: str, expected: str) -> None:
    assert _read("nothing:ti", line) == expected
    assert _read("a1:ti", "b1:ti", line, "{or #1-#2}", "#4 and #3") == f"((a1.ti | b1.ti) & {expected})"


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ('"newborn infant (birth to 1 month)"', "mh:infant newborn"),
        ('("infant (1 to 23 months)" or "child (6 to 12 years)")', "(mh:infant | mh:child)"),
        ("(clinical trial or randomised controlled trial)", "(pt=clinical trial | pt=randomized controlled trial)"),
        ("(english and yr=2001)", None),
    ],
)
def test_limits(limit: str, expected: str | None) -> None:
    found = _read("a1.ti.", f"limit 1 to {limit}")
    assert found == (f"(a1.ti & {expected})" if expected else "((a1.ti & la=eng) & dp[20010101..20011231])")


def test_what_is_no_history() -> None:
    assert not is_history("(asthma[mh] OR\nflu[ti])\nAND random*[tiab]")
    assert not is_history("asthma[mh] OR\nflu[ti]\nAND random*[tiab]\nAND 2001[dp]")
    assert not is_history("asthma and\n1 or 2 trials")
    assert not is_history("asthma\n3 or 4")
    assert not is_history("asthma[mh] AND flu[ti]")
    assert not is_history("1 asthma/")
    assert not is_history("asthma\nAND flu")


def test_what_is_read_otherwise_is_said() -> None:
    parsed = parse("1 sch?nlein.zz.\n2 limit 1 to core clinical journals\n3 4 or 1 or #9")
    said = " ".join(parsed.warnings)
    for part in ("sch*", ".zz. is no field", "core clinical journals was ignored", "no line 9"):
        assert part in said


@given(st.text(alphabet='ab1 "()/.$*,adj3 or and not exp tw', max_size=60))
def test_every_text_is_read_or_refused_with_a_reason(text: str) -> None:
    parsed = parse(f"1 {text}\n2 1 or {text}")
    assert (parsed.query is None) == bool(parsed.message)


def test_real_searches_are_read(data_root: Path) -> None:
    files = sorted((data_root / "pubmed/sr_updates/Boolean-Queries").glob("*.txt"))
    assert len(files) == 25
    histories = 0
    for path in files:
        text = path.read_text(encoding="utf-8", errors="replace")
        histories += is_history(text)
        parsed = parse(text) if is_history(text) else pubmed.parse(text)
        assert parsed.query is not None, path
        assert not [each for each in parsed.warnings if "nothing to search for" in each or "no field" in each], path
    assert histories == 22
