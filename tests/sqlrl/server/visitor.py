"""A visitor of the page: what is asked in its tests, who answers, and how one waits for what becomes of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.browser import Tab

__all__ = ["BY_COUNTRY", "HOSTILE", "ODD", "SCRIPT", "Scribe", "add_odd", "ask", "rows", "settle"]

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
BY_COUNTRY = (
    "select c.country, sum(o.total) as revenue from orders o join customer c on c.id = o.customer_id group by c.country"
)
ENDLESS = "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t"
ODD = [
    (1, "plain", 1.5), (2, None, -2.25), (3, "", None), (9_007_199_254_740_993, "=1+1", 30.0), (5, "a,\"b\"\nc", 0.1),
    (6, HOSTILE, 7.0), (7, "long " * 80, 12.125),
]  # fmt: skip
SCRIPT = {
    "by country": BY_COUNTRY,
    "by day": "select day, sum(total) as total, count(*) as orders from orders group by day order by day",
    "how many": "select count(*) as customers from customer",
    "odd": 'select id, "a <b>", size from odd order by id',
    "all numbers": (
        "with recursive n(x) as (select 1 union all select x + 1 from n where x < 900) select x, x * x % 97 as y from n"
    ),
    "destroy": "drop table customer",
    "misspelt": "select nmae from customer",
    "endless": ENDLESS,
    "nobody": "select * from customer where country = 'Atlantis'",
}  # fmt: skip


class Scribe:
    """A policy: what was asked last and contains a word of the script -> its query, or a function that gives one."""

    parallel = 8
    prompter = None
    name = "scribe"

    def __init__(self, script: dict[str, str | Callable[[], str]] | None = None) -> None:
        self.script = script or SCRIPT
        self.prompts: list[str] = []

    def generate(
        self, prompts: Sequence[list[dict[str, str]]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        said = []
        for prompt in prompts:
            words = "\n".join(message["content"] for message in prompt if message["role"] != "assistant")
            self.prompts.append(words)
            query = self.script[max(self.script, key=words.rfind)]
            said.append([json.dumps({"sql": query if isinstance(query, str) else query()})] * n)
        return [[f"<think></think><answer>{text}</answer>" for text in texts] for texts in said]


def add_odd(shop: Path) -> Path:
    """The shop, with a table whose cells and names are what a page must bear."""
    name = HOSTILE.replace('"', "'")
    with sqlite3.connect(shop) as connection:
        connection.execute(f'create table odd(id integer primary key, "a <b>" text, size real, "{name}" text)')
        connection.executemany('insert into odd(id, "a <b>", size) values (?, ?, ?)', ODD)
    connection.close()
    return shop


def ask(tab: Tab, question: str) -> None:
    """Type it, press Enter, wait for what becomes of it."""
    tab.evaluate("document.querySelector('#question').focus()")
    tab.type(question)
    tab.press("Enter")
    settle(tab)


def settle(tab: Tab) -> None:
    """Until nothing is being done, and what came back is drawn."""
    done = "document.querySelector('.turn') && !document.querySelector('.progress') && !document.querySelector('.stop')"
    drawn = "[...document.querySelectorAll('.turn:first-child .chart')].every((chart) => chart.querySelector('.plot'))"
    tab.wait(f"{done} && {drawn}", "an answer")


def rows(tab: Tab) -> list[list[str]]:
    """The cells of the newest table."""
    return tab.evaluate(  # type: ignore[no-any-return]
        "[...document.querySelector('.turn table').tBodies[0].rows].map(r => [...r.cells].map(c => c.innerText))"
    )
