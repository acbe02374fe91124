"""Spider's levels of difficulty, by its script's own counting."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sqlrl.benchmarks import load_benchmark
from sqlrl.benchmarks.hardness import hardness_of


@pytest.mark.parametrize(
    ("query", "level"),
    [
        ("SELECT count(*) FROM singer", "easy"),
        ("select name from singer where age > 20 ;", "easy"),
        ("SELECT name FROM singer WHERE country = 'LIMIT (SELECT' -- WHERE a OR b", "easy"),
        ("SELECT Total FROM body_builder ORDER BY Total ASC", "easy"),  # a column, not the aggregate
        ("SELECT name, age FROM singer ORDER BY age", "medium"),
        ("SELECT count(*), max(age), min(age) FROM singer WHERE a BETWEEN 1 AND 2", "medium"),
        ("SELECT T1.a FROM t AS T1 JOIN u AS T2 ON T1.x = T2.x WHERE T2.b = 1", "medium"),
        ("SELECT a FROM t, u WHERE t.x = u.x", "medium"),
        ("SELECT a FROM t GROUP  BY a HAVING count(*) > 1 ORDER BY sum(b) LIMIT 3", "hard"),
        ("SELECT a FROM t WHERE b IN (SELECT b FROM u WHERE c = 1 OR d LIKE 'x')", "hard"),
        ("SELECT a FROM t WHERE b NOT IN (SELECT b FROM u UNION SELECT c FROM v)", "hard"),
        ("SELECT a FROM t UNION SELECT a FROM u EXCEPT SELECT a FROM v ORDER BY a", "hard"),
        ("WITH w AS (SELECT a FROM t WHERE b = 1 OR c = 2) SELECT a FROM w", "easy"),
        ("SELECT a FROM t WHERE (b = 1 OR c = 2) AND d NOT LIKE '%x' AND NOT e", "hard"),
        ("SELECT a, b FROM t WHERE c = (SELECT max(c) FROM t)", "extra"),
        ("SELECT a FROM t GROUP BY a HAVING avg(b) > 1 AND avg(b) < 2 OR min(b) BETWEEN 3 AND 4", "medium"),
        ("SELECT count(*) FROM (SELECT a FROM t WHERE b LIKE 'x' OR c LIKE 'y')", "easy"),
        ("SELECT a FROM t WHERE b IN (SELECT b FROM u", "unknown"),
        ("DELETE FROM t", "unknown"),
        ("", "unknown"),
    ],
)
def test_clauses_and_what_there_is_more_than_one_of_decide(query: str, level: str) -> None:
    assert hardness_of(query) == level


def test_the_development_questions_fall_as_they_do_in_the_papers(data_root: Path) -> None:
    examples = load_benchmark("spider", data_root).examples("validation")
    found = Counter(example.labels["difficulty"] for example in examples)
    assert found == {"easy": 248, "medium": 446, "hard": 174, "extra": 166}
