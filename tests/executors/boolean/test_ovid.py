"""Ovid's grammar: numbered searches as reviews print them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlrl.executors.boolean import pubmed
from sqlrl.executors.boolean.ovid import is_history, parse
from tests.executors.boolean.test_pubmed import shown


def _read(*lines: str) -> str:
    return shown(parse("\n".join(f"{number} {line}" for number, line in enumerate(lines, start=1))).query)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("exp Asthma/", "mh:asthma+"),
        ("Asthma/ or *Migraine/", "(mh:asthma | majr:migraine)"),
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


def test_what_is_no_history() -> None:
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
