"""Spider's script: how it rewrites queries and compares results, against sqlparse and an independent reading."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
import sqlparse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sqlrl.benchmarks.judges import load_judge
from sqlrl.benchmarks.judges.spider import without_distinct
from sqlrl.executors.base import Gold, Row
from sqlrl.executors.relations import Matcher

BAG, LIST = Gold(query="SELECT * FROM t"), Gold(query="SELECT * FROM t WHERE a IN (SELECT b FROM u Order By b)")
CELLS: st.SearchStrategy[Any] = st.sampled_from([None, 0, 1, 1.0, 1.5, 2, "1", "None", "a", ""])
# What queries are made of, with the word in every place where it is no keyword, and quotes that nothing closes.
TEXT = """
DISTINCT| DISTINCT |Distinct |distinct(|COUNT(DISTINCT a)|t.distinct|.distinct |distinct.a|distinct .a|DISTINCT a
'distinct'|"distinct"|`distinct`|[distinct]| [distinct]|'it''s distinct'|'a\\' |distinct_|_distinct|'|"|`|[|]
distinct1|distinct$a|a$distinct|-- distinct¶|/* distinct */|/*|*/|--| # distinct¶
SELECT |FROM |CASE WHEN |END |begin a |END;|;;|; -- done¶|; /* x */|;¶|;| ; |(|)|,|.|*|=|>|<>|-|%|¶
 |  |a|é|Ünter|value|1 |2.5 |-3 |1e5 |0x1F |ORDER BY |GROUP BY |UNION ALL |NOT LIKE |LEFT JOIN | GO,a|x
"""
PIECES = [piece.replace("¶", "\n") for line in TEXT.strip("\n").split("\n") for piece in line.split("|")]


def official_text(query: str) -> str:
    """What the script's own function would make of a query: see its use of `parse(...)[0].flatten()`."""
    statements = sqlparse.parse(query)
    if not statements:
        return ""  # there the script raises; nothing is what cannot be run here
    return "".join(token.value for token in statements[0].flatten() if token.value.lower() != "distinct")


@pytest.mark.filterwarnings("default")
@settings(derandomize=True, max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("SELECT count(DISTINCT a) FROM t; SELECT DISTINCT 2")
@example("SELECT DISTINCT a FROM t WHERE b = 'x\\' AND c = 'distinct' ; -- end\n SELECT 1")
@example("SELECT a FROM t; # remark")
@example("SELECT begin FROM t; SELECT 2")
@example("SELECT CASE WHEN a THEN 'DISTINCT' END FROM t;SELECT")
def test_distinct_is_taken_out_as_sqlparse_reads_it(query: str) -> None:
    assert without_distinct(query).strip() == official_text(query).strip()


@pytest.mark.parametrize(
    ("query", "rewritten", "strictly"),
    [
        ("SELECT DISTINCT a FROM t", "SELECT  a FROM t", "SELECT DISTINCT a FROM t"),
        ("SELECT count(distinct a)", "SELECT count( a)", "SELECT count(distinct a)"),
        (
            "SELECT value FROM t WHERE Value > = 3",
            "SELECT 1 FROM t WHERE Value >= 3",
            "SELECT value FROM t WHERE Value >= 3",
        ),
        ("SELECT 'value' < = 2, a ! = b", "SELECT '1' <= 2, a != b", "SELECT 'value' <= 2, a != b"),
        ("SELECT year ( CURDATE( ) ) - a", "SELECT 2020- a", "SELECT 2020- a"),
        ("SELECT 1; DROP TABLE t", "SELECT 1; ", "SELECT 1; DROP TABLE t"),
        ("", "", "SELECT NULL WHERE 0"),
        ("-- nothing", "SELECT NULL WHERE 0", "SELECT NULL WHERE 0"),
    ],
)
def test_a_prediction_is_rewritten(query: str, rewritten: str, strictly: str) -> None:
    assert load_judge("spider").prepare(query, BAG) == (rewritten, BAG)
    assert load_judge("spider-strict").prepare(query, BAG) == (strictly, BAG)


def test_the_word_value_stays_in_a_gold() -> None:
    gold = Gold(query="SELECT DISTINCT value FROM t WHERE a > = 1")
    assert load_judge("spider").prepare("", gold)[1] == Gold(query="SELECT  value FROM t WHERE a >= 1")
    assert load_judge("spider-strict").prepare("", gold)[1] == Gold(query="SELECT DISTINCT value FROM t WHERE a >= 1")


def official_match(predicted: list[Row], gold: list[Row], ordered: bool) -> bool:
    """An independent reading of the script's rule for two results."""
    if not predicted and not gold:
        return True
    if len(predicted) != len(gold) or len(predicted[0]) != len(gold[0]):
        return False
    by_text = [[sorted(row, key=lambda cell: f"{cell}{type(cell)}") for row in rows] for rows in (predicted, gold)]
    if by_text[0] != by_text[1] and ordered:
        return False
    if not ordered and not all(any(a == b for b in one) for one, other in (by_text, by_text[::-1]) for a in other):
        return False
    for order in permutations(range(len(gold[0]))):
        rows = [tuple(row[i] for i in order) for row in predicted]
        if rows == gold or (not ordered and all(rows.count(row) == gold.count(row) for row in gold)):
            return True
    return False


def pairs(width: int) -> st.SearchStrategy[tuple[list[Row], list[Row]]]:
    rows = st.lists(st.tuples(*[CELLS] * width), max_size=5)

    def beside(gold: list[Row]) -> st.SearchStrategy[tuple[list[Row], list[Row]]]:
        turned = st.tuples(st.permutations(gold), st.permutations(range(width)), st.sampled_from([int, float])).map(
            lambda drawn: [
                tuple(drawn[2](row[i]) if row[i] in (1, 0) else row[i] for i in drawn[1]) for row in drawn[0]
            ]
        )
        return st.tuples(st.one_of(rows, turned), st.just(gold))

    return rows.flatmap(beside)


@settings(derandomize=True, max_examples=1000, deadline=None)
@given(st.integers(1, 4).flatmap(pairs), st.booleans())
def test_results_match_as_in_the_script(pair: tuple[list[Row], list[Row]], ordered: bool) -> None:
    predicted, gold = pair
    matcher = Matcher(load_judge("spider").relation(LIST if ordered else BAG), gold)
    assert bool(matcher.score(predicted)) == official_match(predicted, gold, ordered)


@pytest.mark.parametrize(
    ("predicted", "gold", "right"),
    [
        ([(1,)], [(1.0,)], True),
        ([(1, 1.5)], [(1.0, 1.5)], False),  # sorted as text, 1 and 1.5 change places
        ([(1, "a")], [("a", 1.0)], True),
        ([(1, 1.5), (1.0, 1.5), (1, 1.5)], [(1.0, 1.5), (1, 1.5), (1.0, 1.5)], True),
        ([(1, 2), (3, 4)], [(2, 1), (3, 4)], False),  # one order of columns for all rows
        ([(1,), (1,)], [(1,)], False),
        ([], [], True),
        ([(None,)], [], False),
    ],
)
def test_the_types_of_cells_tell_rows_apart_only_by_their_sorting(
    predicted: list[Row], gold: list[Row], right: bool
) -> None:
    assert Matcher(load_judge("spider").relation(BAG), gold).score(predicted) == float(right)


def test_order_by_anywhere_in_the_gold_makes_the_order_of_rows_count() -> None:
    judge = load_judge("spider")
    assert judge.relation(LIST).rows == "list"
    assert judge.relation(Gold(query="SELECT 'order by'")).rows == "list"
    assert judge.relation(Gold(query="SELECT a FROM t ORDER  BY a")).rows == "bag"
    assert judge.relation(judge.prepare("", Gold(query="SELECT 1; SELECT a FROM t ORDER BY a"))[1]).rows == "bag"
