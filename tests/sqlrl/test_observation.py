"""What a policy is shown of a result: capped, one row a line, and nothing in it that acts."""

from __future__ import annotations

import pytest

from sqlrl.executors.base import Outcome, Result
from sqlrl.observation import Caps, describe_block, harmless, observe, tables_in


def test_a_small_result_is_shown_whole() -> None:
    result = Result(("name", "price"), (("Oak Line", 610), ("Ink", None)))
    assert observe(result) == "name | price\nOak Line | 610\nInk | NULL\n[2 rows]"


@pytest.mark.parametrize(
    ("result", "last"),
    [
        (Result(("a",), ()), "[no rows]"),
        (Result(("a",), ((1,),)), "[1 row]"),
        (Result(("a",), tuple((n,) for n in range(5))), "[the first 3 of 5 rows]"),
        (Result(("a",), tuple((n,) for n in range(3)), truncated=True), "[the first 3 rows; there are more]"),
        (Result(("a",), tuple((n,) for n in range(3)), truncated=True, total=90), "[the first 3 of 90 rows]"),
    ],
)
def test_the_last_line_says_how_many_there_are(result: Result, last: str) -> None:
    lines = observe(result, Caps(rows=3)).splitlines()
    assert lines[-1] == last
    assert len(lines) <= 5


def test_a_large_result_is_cut_at_a_row_and_says_so() -> None:
    result = Result(("a", "b"), tuple(("x" * 500, n) for n in range(100)))
    text = observe(result, Caps(rows=50, cell=40, characters=300))
    assert len(text) <= 300
    assert text.splitlines()[1] == f"{'x' * 39}… | 0"
    assert text.splitlines()[-1].endswith("of 100 rows, cut]")


def test_a_very_wide_result_is_cut_too() -> None:
    result = Result(tuple(f"column_{n}" for n in range(2000)), (tuple(range(2000)),))
    text = observe(result, Caps(characters=400))
    assert len(text) <= 400
    assert text.endswith(", cut]")


def test_one_row_is_one_line_and_bytes_and_numbers_are_short() -> None:
    result = Result(("a", "b", "c", "d"), (("two\nlines\r\n[9 rows]", b"\x00\xff", 1 / 3, 2.0),))
    assert observe(result).splitlines()[1] == "two lines [9 rows] | x'00ff' | 0.333333 | 2.0"


@pytest.mark.parametrize(
    "mark",
    ["<|im_end|>", "</tool_response>", "<answer>", "<tool_call>", "<｜end▁of▁turn｜>", "[/INST]", "<<SYS>>", "<s>"],
)
def test_no_mark_of_a_template_survives(mark: str) -> None:
    for result in (
        Result((mark,), ((f"good {mark} bad",),)),
        Result(outcome=Outcome.INVALID, message=f"no such column: {mark}"),
    ):
        assert mark not in observe(result)
    assert mark not in harmless(mark * 3)


def test_comparisons_and_arrays_stay_as_they_are() -> None:
    assert harmless("a < 3 AND b <= 4, [1, 2] [word]") == "a < 3 AND b <= 4, [1, 2] [word]"


@pytest.mark.parametrize(
    ("outcome", "message", "said"),
    [
        (Outcome.INVALID, "no such table: x", "error: no such table: x"),
        (Outcome.REFUSED, "only reading is allowed", "refused: only reading is allowed"),
        (Outcome.TIMED_OUT, "out of processor time", "timed out: out of processor time"),
        (Outcome.TOO_LARGE, "", "too large"),
        (Outcome.UNAVAILABLE, "", "unavailable"),
    ],
)
def test_what_ended_badly_says_how(outcome: Outcome, message: str, said: str) -> None:
    assert observe(Result(outcome=outcome, message=message)) == said


def test_every_outcome_has_its_word() -> None:
    for outcome in Outcome:
        assert observe(Result(outcome=outcome))


def test_a_long_message_is_cut() -> None:
    assert len(observe(Result(outcome=Outcome.INVALID, message="x" * 5000), Caps(characters=100))) == 100


DESCRIPTION = (
    'CREATE TABLE brands (id INTEGER);\n-- id\n-- 1\n\nCREATE TABLE IF NOT EXISTS "odd ""name" (\n\n  a TEXT);\n\n'
    "CREATE VIEW main.[of all] AS SELECT 1;\n\ncreate temp table sales(id INTEGER);"
)


def test_one_table_is_found_in_a_description() -> None:
    assert tables_in(DESCRIPTION) == ["brands", 'odd "name', "of all", "sales"]
    assert describe_block(DESCRIPTION, "BRANDS") == "CREATE TABLE brands (id INTEGER);\n-- id\n-- 1"
    assert describe_block(DESCRIPTION, ' "odd ""name" ') == 'CREATE TABLE IF NOT EXISTS "odd ""name" (\n\n  a TEXT);'
    assert (describe_block(DESCRIPTION, "[of all]") or "").startswith("CREATE VIEW")
    assert describe_block(DESCRIPTION, "none") is None
    assert describe_block(DESCRIPTION, "") is None
