"""A connection asked over real databases, by policies of whom it is known what they say."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import sqlrl
from sqlrl.executors import Outcome
from sqlrl.executors.errors import SourceError, UnavailableError, UsageError
from sqlrl.layer import Connection
from sqlrl.policies.scripted import ScriptedPolicy
from sqlrl.prompts import Prompter

ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t"
Opened = Callable[..., Connection]
Answering = Callable[..., ScriptedPolicy]


def test_a_question_gets_rows_and_the_query(source: str, opened: Opened, answering: Answering) -> None:
    shop = opened(source, answering({"how many orders": "select count(*) as n from orders"}))
    answer = shop.ask("how many orders?")
    assert answer
    assert (answer.query, answer.columns, answer.rows) == ("select count(*) as n from orders", ("n",), ((12,),))
    assert (answer.outcome, answer.message, answer.truncated, answer.confidence) == (Outcome.OK, "", False, None)
    assert [(attempt.kind, attempt.outcome, attempt.rows) for attempt in answer.attempts] == [("sample", "ok", 1)]
    assert answer.records() == [{"n": 12}]
    assert set(answer.tables) == {"customer", "orders", "secret", "spent"}


def test_an_error_goes_back_to_the_policy(source: str, opened: Opened, answering: Answering) -> None:
    policy = answering({"who": "select nmae from customer", "nmae": "select name from customer order by id"})
    answer = opened(source, policy).ask("who is there?")
    assert [row[0] for row in answer.rows] == ["Ann", "Bo", "Cy"]
    assert [(attempt.kind, attempt.outcome) for attempt in answer.attempts] == [("sample", "invalid"), ("repair", "ok")]


def test_repairs_have_an_end(source: str, opened: Opened, answering: Answering) -> None:
    policy = answering({"who": "select nmae from customer"})
    policy.otherwise = policy.script["who"][0]
    answer = opened(source, policy, repairs=3).ask("who is there?")
    assert not answer
    assert answer.outcome is Outcome.INVALID
    assert "nmae" in answer.message
    assert len(answer.attempts) == 4
    assert answer.rows == ()
    assert str(answer.suggestions[0]) == "there is no column nmae: did you mean customer.name?"
    bare = opened(source, policy, repairs=0, suggestions=False).ask("who is there?")
    assert (len(bare.attempts), bare.suggestions) == (1, ())


def test_a_refusal_is_no_empty_answer_and_final(source: str, opened: Opened, answering: Answering) -> None:
    policy = answering({"nobody": "select name from customer where id = 99", "drop": "drop table customer"})
    shop = opened(source, policy)
    empty, refused = shop.ask("nobody?"), shop.ask("drop it")
    assert (empty.outcome, empty.rows, bool(empty)) == (Outcome.OK, (), True)
    assert (refused.outcome, bool(refused), len(refused.attempts)) == (Outcome.REFUSED, False, 1)
    assert "only reading is allowed" in refused.message


def test_words_without_a_query_are_told(shop: Path, opened: Opened) -> None:
    policy = ScriptedPolicy({}, otherwise="I would rather not.")
    answer = opened(shop, policy, repairs=1).ask("who?")
    assert (answer.outcome, answer.query) == (Outcome.INVALID, None)
    assert "wrote no query" in answer.message
    assert len(answer.attempts) == 2


def test_more_rows_than_wanted_are_cut_and_said(source: str, opened: Opened, answering: Answering) -> None:
    shop = opened(source, answering({"all": "select id from orders order by id"}), rows=5)
    answer = shop.ask("all orders")
    assert ([row[0] for row in answer.rows], answer.truncated) == ([1, 2, 3, 4, 5], True)
    assert shop.run("select id from orders where id < 3").truncated is False


def test_samples_vote_by_their_results(source: str, opened: Opened, answering: Answering) -> None:
    queries = ["select 7", "select count(*) from orders", "select nowhere", "select count(id) from orders"]
    answer = opened(source, answering({"how many": queries}), samples=4).ask("how many orders?")
    assert (answer.query, answer.rows, answer.confidence) == ("select count(*) from orders", ((12,),), 0.5)
    assert len(answer.attempts) == 4


def test_what_was_said_before_goes_along(shop: Path, opened: Opened, answering: Answering) -> None:
    seen: list[Any] = []
    policy = answering({"and": "select 2"})
    generate = policy.generate

    def looking(prompts: Any, *given: Any, **named: Any) -> Any:
        seen.extend(prompts)
        return generate(prompts, *given, **named)

    policy.generate = looking  # type: ignore[method-assign]
    opened(shop, policy).ask("and then?", history=[("how many?", "select 1")], evidence="then is now")
    first, said, last = seen[0]
    assert "how many?" in first["content"]
    assert "CREATE" not in first["content"]
    assert "select 1" in said["content"]
    assert "Known besides: then is now" in last["content"]


def test_the_deadline_holds_for_query_and_policy(shop: Path, opened: Opened, answering: Answering) -> None:
    connection = opened(shop, answering({"ever": ENDLESS, "one": "select 1"}), values=0)
    started = time.monotonic()
    answer = connection.ask("for ever", deadline=0.5)
    assert time.monotonic() - started < 2
    assert (answer.outcome, answer.query, answer.rows) == (Outcome.TIMED_OUT, ENDLESS, ())
    assert "0.5 s" in answer.message
    # The worker is free again long before the query's own time would be up.
    assert connection.ask("one", deadline=3).rows == ((1,),)
    slow = answering({"one": "select 1"})
    slow.generate = lambda *_, **__: time.sleep(5)  # type: ignore[method-assign,assignment,return-value]
    answer = opened(shop, slow, deadline=0.3, values=0).ask("one")
    assert (answer.outcome, answer.query) == (Outcome.TIMED_OUT, None)
    assert connection.run(ENDLESS, deadline=0.3).outcome is Outcome.TIMED_OUT


def test_a_service_that_fails_is_an_answer(shop: Path, opened: Opened, answering: Answering) -> None:
    policy = answering({})

    def fail(*_: Any, **__: Any) -> Any:
        raise UnavailableError("the model does not answer")

    policy.generate = fail  # type: ignore[method-assign]
    answer = opened(shop, policy).ask("one")
    assert (answer.outcome, answer.message) == (Outcome.UNAVAILABLE, "the model does not answer")


def test_generate_runs_nothing(shop: Path, opened: Opened, answering: Answering) -> None:
    answer = opened(shop, answering({"ever": ENDLESS})).generate("for ever", deadline=5)
    assert (answer.query, answer.ran, answer.rows) == (ENDLESS, False, ())


def test_explain_says_what_would_be_read(source: str, opened: Opened) -> None:
    shop = opened(source)
    found = shop.explain("select name from customer join orders on customer.id = customer_id")
    assert (found.outcome, found.tables) == (Outcome.OK, ("customer", "orders"))
    assert bool(found.plan) == source.startswith("sqlite")
    wrong = shop.explain("select nmae from customer")
    assert wrong.outcome is Outcome.INVALID
    assert str(wrong.suggestions[0]).endswith("did you mean customer.name?")
    assert shop.explain("delete from customer").outcome in (Outcome.REFUSED, Outcome.INVALID)
    assert shop.run("select count(*) from customer").rows == ((3,),)


def test_every_call_has_a_twin_for_asyncio(source: str, opened: Opened, answering: Answering) -> None:
    shop = opened(source, answering({"one": "select 1 as a"}))

    async def all_of_them() -> list[Any]:
        return list(
            await asyncio.gather(
                shop.aask("one"), shop.agenerate("one"), shop.arun("select 1 as a"), shop.aexplain("select 1")
            )
        )

    asked, written, ran, explained = asyncio.run(all_of_them())
    assert asked.rows == ran.rows == ((1,),)
    assert written.query == "select 1 as a"
    assert explained.outcome is Outcome.OK


def test_a_call_that_is_cancelled_frees_its_worker(shop: Path, opened: Opened) -> None:
    connection = opened(shop)
    connection.run("select 1")

    async def cancelled() -> None:
        task = asyncio.ensure_future(connection.arun(ENDLESS, deadline=30))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    started = time.monotonic()
    assert connection.run("select 2", deadline=10).rows == ((2,),)
    assert time.monotonic() - started < 4


def test_the_audit_has_a_line_for_every_call(shop: Path, opened: Opened, answering: Answering, tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    connection = opened(shop, answering({"one": "select 1", "drop": "drop table orders"}), audit=log)
    connection.ask("one\nline?", who="ann")
    connection.ask("drop it", who="bo")
    connection.run("select 2")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["who"], line["call"], line["outcome"]) for line in lines] == [
        ("ann", "ask", "ok"), ("bo", "ask", "refused"), ("", "run", "ok"),
    ]  # fmt: skip
    assert lines[0]["question"] == "one\nline?"
    assert lines[1]["query"] == "drop table orders"
    assert log.stat().st_mode & 0o777 == 0o600
    entries: list[Any] = []
    opened(shop, audit=entries.append).run("select 1")
    assert entries[0]["query"] == "select 1"
    with pytest.raises(UsageError, match="audit log"):
        opened(shop, audit=tmp_path / "none" / "audit.jsonl")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"samples": 0}, "samples must be 1 or more"),
        ({"rows": "all"}, "rows must be 1 or more"),
        ({"deadline": 0}, "a deadline is"),
        ({"deadline": float("nan")}, "a deadline is"),
        ({"temperature": 3}, "temperature"),
        ({"smaples": 2}, "no setting 'smaples'; did you mean 'samples'"),
        ({"tables": ["customers"]}, "no table 'customers'"),
        ({"policy_dialect": "klingon"}, "no dialect"),
        ({"limits": {"seconds": 2}}, r"limits is Limits\(seconds=2\), not dict"),
        ({"row_filters": ["customer"]}, "row_filters is a mapping from tables, not list"),
        ({"columns": "customer"}, "columns is a mapping from tables, not str"),
    ],
)
def test_what_is_given_wrongly_is_said(shop: Path, opened: Opened, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        opened(shop, **settings)


def test_what_cannot_be_asked_is_said(shop: Path, opened: Opened, tmp_path: Path) -> None:
    connection = opened(shop)
    with pytest.raises(UsageError, match=r"no policy is configured.*sqlrl train"):
        connection.ask("one")
    with pytest.raises(UsageError, match="an empty question"):
        opened(shop, ScriptedPolicy({}, "x")).ask("  ")
    asked = opened(shop, ScriptedPolicy({}, "x"))
    wrong: tuple[Any, ...] = (7, "before", ["one"], [("one", None)], [("a", "b", "c")])
    for history in wrong:
        with pytest.raises(UsageError, match="history is a list of pairs"):
            asked.ask("one", history=history)
    with pytest.raises(UsageError, match="half a character"):
        asked.ask("one", history=[("\ud800", "select 1")])
    with pytest.raises(SourceError, match="there is no file"):
        opened(tmp_path / "none.sqlite")
    with pytest.raises(UsageError, match="a policy is a word"):
        opened(shop, 7)


def test_tables_are_all_that_there_is(source: str, opened: Opened) -> None:
    shop = opened(source, tables=["customer"])
    assert [table.name for table in shop.schema.tables] == ["customer"]
    assert shop.run("select word from secret").outcome is Outcome.REFUSED


def test_frames_are_sources(opened: Opened) -> None:
    import pandas
    import pyarrow

    frame = pandas.DataFrame({"name": ["a", "b"], "many": [1, 2]})
    assert opened(frame).run("select sum(many) from frame").rows == ((3,),)
    both = opened({"one": frame, "two": pyarrow.table({"x": [1.5]})})
    assert both.run("select name, x from one, two order by 1").rows == (("a", 1.5), ("b", 1.5))
    folder = Path(both.source.removeprefix("parquet:///"))
    both.close()
    assert not folder.exists()


def test_a_policy_may_speak_another_dialect(source: str, opened: Opened, answering: Answering) -> None:
    query = "SELECT IFNULL(NULL, 3) AS a, DATE_FORMAT('2026-02-03', '%Y') AS y"
    answer = opened(source, answering({"year": query}), policy_dialect="mysql").ask("which year?")
    assert answer.query != query
    assert answer.rows in (((3, "2026"),), (("3", "2026"),))


def test_the_door_is_light_and_run_needs_no_model() -> None:
    code = (
        "import sys, sqlrl\n"
        "assert 'sqlrl.layer' not in sys.modules\n"
        "sqlrl.connect\n"
        "heavy = {'torch', 'transformers', 'numpy', 'duckdb', 'httpx', 'pandas', 'pyarrow', 'sqlalchemy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert not any(name.startswith('sqlrl.training') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(sqlrl.__file__).parent.parent)


def test_answers_are_not_mixed_up(shop: Path, opened: Opened, answering: Answering) -> None:
    """Threads and tasks at once: each gets the rows of its own question."""
    script: dict[str, Any] = {f"number {n} please": f"select {n} as n, count(*) from orders" for n in range(100)}
    connection = opened(shop, answering(script), workers=2)
    wrong: list[Any] = []

    def check(number: int, answer: Any) -> None:
        if answer.rows != ((number, 12),) or answer.question != f"number {number} please":
            wrong.append((number, answer))

    def labour(start: int) -> None:
        for number in range(start, 100, 8):
            check(number, connection.ask(f"number {number} please"))

    async def many() -> None:
        answers = await asyncio.gather(*(connection.aask(f"number {n} please") for n in range(100)))
        for number, answer in enumerate(answers):
            check(number, answer)

    threads = [threading.Thread(target=labour, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    asyncio.run(many())
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_policy_taught_by_single_questions_is_shown_no_others(source: str, opened: Opened) -> None:
    asked: list[Any] = []

    class Taught(ScriptedPolicy):
        def generate(self, prompts: Sequence[Any], n: int = 1, **how: Any) -> list[list[str]]:
            asked.extend(prompts)
            return super().generate(prompts, n)

    said = '<think></think><answer>{"sql": "select 1"}</answer>'
    history = [("which customers?", "select * from customer")]
    for prompter, count in ((Prompter(style="terse"), 1), (Prompter(), 3)):
        asked.clear()
        connection = opened(source, Taught({"": [said]}, prompter=prompter))
        assert connection.converses is (count > 1)
        assert connection.ask("and how many?", history=history).ok
        assert len(asked[0]) == count
    assert not opened(source).converses
