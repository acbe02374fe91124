"""Shapes: kinds of questions that can be asked of every house, each with its wordings and the query that answers it.

A wording's marks: {w} the house word with a space after it (or nothing), {many} {one} the main table's noun, {owners}
{owner} the owners', {events} the events', {measure} a measure's noun, {amount} the events' number, {category} the
category column, {v} a value. The last wording of each shape is never asked with a result in training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlrl.benchmarks.generation.schema import House, Reading

__all__ = ["SHAPES", "Ask", "Shape"]


@dataclass(frozen=True, slots=True)
class Ask:
    """What fills a shape. word: index of the house word, or None where the question has none. measure: 0 or 1. value:
    text or number, as the shape's `values` gives it."""

    house: House
    word: int | None
    measure: int
    value: str

    def conditions(self, reading: Reading, *further: str, counted: bool = False) -> str:
        """The WHERE clause with a space before it, or nothing: the word's meaning, what counts, and `further`."""
        parts = [] if self.word is None else [self.house.conditions(self.word)[reading.words[self.word]]]
        if counted and not reading.counts_all:
            parts.append(f"{self.house.state[0]} = '{self.house.state[1]}'")
        parts.extend(further)
        return f" WHERE {' AND '.join(parts)}" if parts else ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of question. values: what {v} may be in a house. tables: which the query reads, of main, owner, event.
    plain: whether it is also asked without a house word. measured: whether {measure} occurs."""

    name: str
    wordings: tuple[str, ...]
    query: Callable[[Ask, Reading], str]
    tables: tuple[str, ...] = ("main",)
    values: Callable[[House], Sequence[str]] = lambda house: ("",)
    plain: bool = True
    measured: bool = False


def _measure(ask: Ask) -> str:
    return ask.house.measures[ask.measure][0]


def _joined(house: House) -> str:
    """The main table with its owners."""
    return f"{house.main.name} JOIN {house.owner.name} ON {house.main.name}.{house.owner_key} = {house.owner.name}.id"


def _count(ask: Ask, reading: Reading) -> str:
    return f"SELECT count(*) FROM {ask.house.main.name}{ask.conditions(reading, counted=True)}"


def _list(ask: Ask, reading: Reading) -> str:
    return f"SELECT {reading.shows} FROM {ask.house.main.name}{ask.conditions(reading)}"


def _list_category(ask: Ask, reading: Reading) -> str:
    further = f"{ask.house.category[0]} = '{ask.value}'"
    return f"SELECT {reading.shows} FROM {ask.house.main.name}{ask.conditions(reading, further)}"


def _average(ask: Ask, reading: Reading) -> str:
    return f"SELECT avg({_measure(ask)}) FROM {ask.house.main.name}{ask.conditions(reading)}"


def _extreme(ask: Ask, reading: Reading) -> str:
    order = {"highest": "DESC", "lowest": "ASC"}[ask.value]
    return (
        f"SELECT {reading.shows} FROM {ask.house.main.name}{ask.conditions(reading)} "
        f"ORDER BY {_measure(ask)} {order} LIMIT 1"
    )


def _top(ask: Ask, reading: Reading) -> str:
    return (
        f"SELECT {reading.shows} FROM {ask.house.main.name}{ask.conditions(reading)} "
        f"ORDER BY {ask.house.measures[reading.ranks][0]} DESC LIMIT {ask.value}"
    )


def _per_category(ask: Ask, reading: Reading) -> str:
    column = ask.house.category[0]
    return (
        f"SELECT {column}, count(*) FROM {ask.house.main.name}{ask.conditions(reading, counted=True)} GROUP BY {column}"
    )


def _count_over(ask: Ask, reading: Reading) -> str:
    further = f"{_measure(ask)} > {ask.value}"
    return f"SELECT count(*) FROM {ask.house.main.name}{ask.conditions(reading, further, counted=True)}"


def _of_owner(ask: Ask, reading: Reading) -> str:
    house = ask.house
    where = ask.conditions(reading, f"{house.owner.name}.name = '{ask.value}'")
    return f"SELECT {house.main.name}.{reading.shows} FROM {_joined(house)}{where}"


def _per_owner(ask: Ask, reading: Reading) -> str:
    house = ask.house
    return (
        f"SELECT {house.owner.name}.name, count(*) FROM {_joined(house)}{ask.conditions(reading, counted=True)} "
        f"GROUP BY {house.owner.name}.id"
    )


def _owners_in_city(ask: Ask, reading: Reading) -> str:
    return f"SELECT {reading.shows} FROM {ask.house.owner.name} WHERE city = '{ask.value}'"


def _total_amount(ask: Ask, reading: Reading) -> str:
    house = ask.house
    return (
        f"SELECT sum({house.amount[0]}) FROM {house.event.name} JOIN {house.main.name} "
        f"ON {house.event.name}.{house.main_key} = {house.main.name}.id{ask.conditions(reading)}"
    )


def _channel_amount(ask: Ask, reading: Reading) -> str:
    house = ask.house
    where = ask.conditions(reading, f"{house.channel[0]} = '{ask.value}'")
    return (
        f"SELECT sum({house.amount[0]}) FROM {house.event.name} JOIN {house.main.name} "
        f"ON {house.event.name}.{house.main_key} = {house.main.name}.id{where}"
    )


def _without_events(ask: Ask, reading: Reading) -> str:
    house = ask.house
    further = f"id NOT IN (SELECT {house.main_key} FROM {house.event.name})"
    return f"SELECT {reading.shows} FROM {house.main.name}{ask.conditions(reading, further)}"


def _above_average(ask: Ask, reading: Reading) -> str:
    house, measure = ask.house, _measure(ask)
    further = f"{measure} > (SELECT avg({measure}) FROM {house.main.name})"
    return f"SELECT {reading.shows} FROM {house.main.name}{ask.conditions(reading, further)}"


def _busy_owners(ask: Ask, reading: Reading) -> str:
    house = ask.house
    return (
        f"SELECT {house.owner.name}.{reading.shows} FROM {_joined(house)}{ask.conditions(reading)} "
        f"GROUP BY {house.owner.name}.id HAVING count(*) > {ask.value}"
    )


_BOTH = ("main", "owner")
_HAPPENED = ("event", "main")

SHAPES = (
    Shape("count", ("how many {w}{many} are there", "count the {w}{many}", "number of {w}{many}",
                    "tell me how many {w}{many} we have"), _count),
    Shape("list", ("list the {w}{many}", "show all {w}{many}", "which {many} are {w}", "give me the {w}{many}"),
          _list, plain=False),
    Shape("list_category", ("list the {w}{many} with {category} {v}", "{w}{many} whose {category} is {v}",
                            "show {w}{many} in {category} {v}", "which {w}{many} have {category} {v}"),
          _list_category, values=lambda house: house.category[1]),
    Shape("average", ("what is the average {measure} of {w}{many}", "average {measure} of the {w}{many}",
                      "mean {measure} for {w}{many}", "how high is the {measure} of {w}{many} on average"),
          _average, measured=True),
    Shape("extreme", ("which {w}{one} has the {v} {measure}", "the {w}{one} with the {v} {measure}",
                      "show the {w}{one} of {v} {measure}", "find the {v} {measure} {w}{one}"),
          _extreme, values=lambda house: ("highest", "lowest"), measured=True),
    Shape("top", ("what are the top {v} {w}{many}", "top {v} {w}{many}", "show the {v} best {w}{many}",
                  "the {v} leading {w}{many}"), _top, values=lambda house: ("2", "3", "5", "7")),
    Shape("per_category", ("how many {w}{many} per {category}", "number of {w}{many} for each {category}",
                           "count {w}{many} by {category}", "{w}{many} in every {category}, how many"),
          _per_category),
    Shape("count_over", ("how many {w}{many} have a {measure} over {v}", "count {w}{many} with {measure} above {v}",
                         "number of {w}{many} whose {measure} is more than {v}",
                         "how many {w}{many} exceed {v} in {measure}"),
          _count_over, values=lambda house: tuple(str(n) for n in range(100, 900, 100)), measured=True),
    Shape("of_owner", ("list the {w}{many} of {owner} {v}", "which {w}{many} belong to {v}", "{w}{many} of {v}",
                       "show what {w}{many} {v} has"),
          _of_owner, _BOTH, lambda house: house.owners),
    Shape("per_owner", ("how many {w}{many} does each {owner} have", "number of {w}{many} per {owner}",
                        "count {w}{many} by {owner}", "{w}{many} for every {owner}, how many"), _per_owner, _BOTH),
    Shape("owners_in_city", ("which {owners} are in {v}", "list the {owners} of {v}", "{owners} from {v}",
                             "show every {owner} based in {v}"),
          _owners_in_city, ("owner",), lambda house: house.cities),
    Shape("total_amount", ("what is the total {amount} of {events} of {w}{many}",
                           "total {events} {amount} for {w}{many}", "sum of {amount} over {events} of {w}{many}",
                           "add up the {amount} of all {events} of {w}{many}"), _total_amount, _HAPPENED),
    Shape("channel_amount", ("total {amount} of {v} {events} of {w}{many}",
                             "{v} {events} {amount} for {w}{many} in all",
                             "sum of {amount} over {v} {events} of {w}{many}",
                             "add up the {amount} of {v} {events} of {w}{many}"),
          _channel_amount, _HAPPENED, lambda house: house.channel[1]),
    Shape("without_events", ("which {w}{many} have no {events}", "{w}{many} without {events}",
                             "list the {w}{many} that had no {events}", "show {w}{many} never in {events}"),
          _without_events, ("main", "event")),
    Shape("above_average", ("which {w}{many} have a {measure} above average",
                            "{w}{many} of more than average {measure}",
                            "list {w}{many} whose {measure} beats the average",
                            "show {w}{many} with better than average {measure}"),
          _above_average, measured=True),
    Shape("busy_owners", ("which {owners} have more than {v} {w}{many}", "{owners} with over {v} {w}{many}",
                          "list {owners} that have more than {v} {w}{many}",
                          "who of the {owners} has above {v} {w}{many}"),
          _busy_owners, _BOTH, lambda house: ("1", "2", "3", "4")),
)  # fmt: skip
