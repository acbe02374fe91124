"""What an author asks and is given: questions that can be read, and completions that are texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sqlrl.executors import Outcome
from sqlrl.executors.errors import UsageError
from sqlrl.layer import Connection

Opened = Callable[..., Connection]


def test_half_a_character_is_said_before_a_policy_reads_it(source: str, opened: Opened, answering: Any) -> None:
    connection = opened(source, answering({"": "select 1"}))
    for given in ({"question": "\ud800"}, {"question": "who?", "evidence": "\udcff"}, {"question": "x", "evidence": 5}):
        with pytest.raises(UsageError, match=r"half a character|evidence is text"):
            connection.ask(**given)


@pytest.mark.parametrize("given", [[], [[]], [None], [[None]], [["a", "b"]], [["a"], ["b"]], None])
def test_a_policy_that_gives_something_else_is_named(source: str, opened: Opened, given: Any) -> None:
    class Odd:
        name = "odd"

        def generate(self, prompts: Sequence[Any], n: int = 1, **how: Any) -> Any:
            return given

    with pytest.raises(UsageError, match="the policy odd did not give 1 text for one prompt"):
        opened(source, Odd()).ask("who?")


def test_no_text_is_no_query(source: str, opened: Opened) -> None:
    connection = opened(source)
    for query in (None, 5, b"select 1"):
        assert connection.explain(query).outcome is Outcome.REFUSED  # type: ignore[arg-type]
        assert connection.run(query).outcome is Outcome.REFUSED  # type: ignore[arg-type]


def test_messages_have_no_codes_of_a_terminal(source: str, opened: Opened) -> None:
    answer = opened(source, row_filters={"orders": {"id": 1}}).run("select * from orders where (")
    assert answer.outcome is Outcome.REFUSED
    assert answer.message.isprintable()
