"""Many users at once over one connection: threads, tasks, hostile and endless queries, deadlines; none mixed up."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlrl.executors import Outcome
from sqlrl.layer import Answer, Connection
from sqlrl.policies.scripted import ScriptedPolicy

USERS, THREADS, CALLS, TASKS = 3, 8, 40, 120
ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t"


def _script(answering: Callable[..., ScriptedPolicy]) -> ScriptedPolicy:
    script: dict[str, Any] = {
        f"number {n} please": f"select {n} as n, min(customer_id), max(customer_id), count(*) from orders"
        for n in range(200)
    }
    script |= {"never ends": ENDLESS, "is hostile": "delete from orders", "is broken": "select nowhere"}
    script["no such column"] = "select count(*) from orders"
    return answering(script)


def _wrong(user: int, number: int, question: str, answer: Answer) -> str:
    """What is wrong with an answer, empty where nothing is."""
    if answer.question != question:
        return f"{question} got the answer to {answer.question}"
    if "never" in question:
        fits = answer.outcome is Outcome.TIMED_OUT and not answer.rows
    elif "hostile" in question:
        fits = answer.outcome is Outcome.REFUSED and not answer.rows
    elif "broken" in question:
        fits = answer.rows == ((4,),) and len(answer.attempts) == 2
    else:
        fits = answer.rows == ((number, user, user, 4),)
    return "" if fits else f"user {user}, {question}: {answer.outcome} {answer.message} {answer.rows}"


@pytest.mark.slow
def test_no_user_gets_what_is_anothers(
    shop: Path, opened: Callable[..., Connection], answering: Callable[..., ScriptedPolicy]
) -> None:
    log: list[Any] = []
    base = opened(shop, _script(answering), workers=4, audit=log.append)
    users = {user: base.scoped(f"user {user}", row_filters={"orders": {"customer_id": user}}) for user in (1, 2, 3)}
    wrong: list[str] = []

    def drawn(draw: random.Random) -> tuple[int, int, str, float]:
        user, number = draw.randint(1, USERS), draw.randrange(200)
        kind = draw.random()
        if kind < 0.03:
            return user, number, "one that never ends", 0.3
        if kind < 0.10:
            return user, number, "one that is hostile", 30
        return user, number, "one that is broken" if kind < 0.17 else f"number {number} please", 30

    def labour(seed: int) -> None:
        draw = random.Random(seed)
        for _ in range(CALLS):
            user, number, question, seconds = drawn(draw)
            wrong.append(_wrong(user, number, question, users[user].ask(question, deadline=seconds)))

    async def task(draw: random.Random) -> None:
        user, number, question, seconds = drawn(draw)
        wrong.append(_wrong(user, number, question, await users[user].aask(question, deadline=seconds)))

    async def tasks() -> None:
        await asyncio.gather(*(task(random.Random(f"task {n}")) for n in range(TASKS)))

    threads = [threading.Thread(target=labour, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    asyncio.run(tasks())
    for thread in threads:
        thread.join()
    assert [each for each in wrong if each] == []
    assert len(wrong) == len(log) == THREADS * CALLS + TASKS
    for entry in log:  # each line is whole, and its user's own
        assert entry["who"].startswith("user ")
        assert entry["outcome"] in ("ok", "refused", "timed_out")
    assert set(Counter(entry["who"] for entry in log)) == {"user 1", "user 2", "user 3"}
