"""Planting: rows that one query finds, or only just misses, put among those that are there."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlrl.benchmarks.synthesis.conditions import Condition, holds, number_of, typed
from sqlrl.benchmarks.synthesis.demands import Cell, Demand, demand_of
from sqlrl.benchmarks.synthesis.filling import Instance
from sqlrl.benchmarks.synthesis.plans import Plan
from sqlrl.benchmarks.synthesis.reading import Reading
from sqlrl.benchmarks.synthesis.schema import Table
from sqlrl.benchmarks.synthesis.values import Drawing

__all__ = ["plant"]

_DEEPEST = 6  # parents of parents


def plant(instance: Instance, reading: Reading, *, missing: bool = False) -> bool:
    """Put in rows that the query finds; `missing`: rows that fail one of its conditions, and narrowly.

    False where a row could not be put in as asked.
    """
    demand = demand_of(reading, instance.generator)
    if missing:
        asked = [(cell, place) for cell, found in demand.conditions.items() for place in range(len(found))]
        if asked:
            cell, place = instance.generator.choice(asked)
            demand.conditions[cell][place] = demand.conditions[cell][place].negated()
    chosen = _choose(instance, demand)
    done = True
    for index in _parents_first(instance, demand):
        cells = {name: value for (row, name), value in chosen.items() if row == index}
        done = _put(instance, _plan(instance, demand.rows[index]), cells) and done
    return done


def _choose(instance: Instance, demand: Demand) -> dict[Cell, Any]:
    """A value for every cell of which something is asked."""
    chosen: dict[Cell, Any] = {}
    for cells in demand.groups().values():
        conditions = [condition for cell in cells for condition in demand.conditions.get(cell, [])]
        value = _meet(instance, demand, cells, conditions)
        chosen.update(dict.fromkeys(cells, value))
    return chosen


def _meet(instance: Instance, demand: Demand, cells: list[Cell], conditions: list[Condition]) -> Any:
    generator = instance.generator
    operators = {condition.operator for condition in conditions}
    if "null" in operators:
        row, name = cells[0]
        column = demand.rows[row].column(name)
        texts = [text for text in _drawing(instance, demand, cells[0]).hint.values if text.lower() == "null"]
        return texts[0] if texts or (column is not None and column.required) else None
    unique = [cell for cell in cells if cell[1] in _plan(instance, demand.rows[cell[0]]).single]
    first = unique[0] if unique else cells[0]
    drawing = _drawing(instance, demand, first)
    extremes = [condition for condition in conditions if condition.operator in ("high", "low")]
    if extremes:
        return _extreme(instance, demand, first, extremes[0].operator)
    if not conditions:
        plan = _plan(instance, demand.rows[first[0]])
        foreign = next((f for f in (_plan(instance, demand.rows[r]).foreign.get(n) for r, n in cells) if f), None)
        if unique:
            return instance.fresh(plan, first[1])
        if foreign is not None and instance.parents(foreign) and generator.random() < 0.7:
            return generator.choice(instance.parents(foreign))
        return instance.draw(plan, first[1])
    for candidates in _candidates(instance, drawing, conditions):
        fitting = [value for value in candidates if all(holds(value, c, drawing.numeric) for c in conditions)]
        if fitting:
            return generator.choice(fitting)
    return typed(conditions[0].text, drawing.numeric)


def _candidates(instance: Instance, drawing: Drawing, conditions: list[Condition]) -> list[list[Any]]:
    """Values to try, the likeliest first: those that a condition names, those beside them, any."""
    generator = instance.generator
    named: list[Any] = []
    beside: list[Any] = []
    for condition in conditions:
        if condition.operator == "like":
            named += [drawing.matching(condition.text, generator) for _ in range(4)]
        elif condition.operator in ("=", ">=", "<="):
            named.append(typed(condition.text, drawing.numeric))
        if condition.operator not in ("=", "like"):
            beside += drawing.beside(condition.text) if condition.text else []
            number = number_of(condition.text)
            if number is not None:
                beside += [typed(str(number + step), drawing.numeric) for step in (-20, -7, 7, 20)]
            beside += [f"{condition.text}{generator.choice('abc')}", condition.text[:-1]] if not drawing.numeric else []
    mixed = named + beside if generator.random() < 0.5 else named
    return [mixed, beside, drawing.asked(generator), [drawing.ordinary(generator) for _ in range(20)]]


def _extreme(instance: Instance, demand: Demand, cell: Cell, side: str) -> Any:
    """A value beyond all that the column holds."""
    row, name = cell
    held = instance.present.get((demand.rows[row].name.lower(), name), [])
    numbers = [value for value in held if isinstance(value, (int, float))]
    if not numbers:
        return instance.draw(_plan(instance, demand.rows[row]), name)
    return max(numbers) + 3 if side == "high" else min(numbers) - 1


def _parents_first(instance: Instance, demand: Demand) -> list[int]:
    order = {table.name: place for place, table in enumerate(instance.plans.schema.tables)}
    return sorted(range(len(demand.rows)), key=lambda index: (order[demand.rows[index].name], index))


def _put(instance: Instance, plan: Plan, cells: dict[str, Any], depth: int = 0) -> bool:
    """Put in one row with these cells, its parents first; where its key is taken, change the row that has it."""
    for name, foreign in plan.foreign.items():
        value = cells.get(name)
        if value is not None and depth < _DEEPEST and not _has(instance, foreign.table, foreign.targets[0], value):
            _put(instance, instance.plans.tables[foreign.table.lower()], {foreign.targets[0].lower(): value}, depth + 1)
    if _taken(instance, plan, cells):
        return _change(instance, plan, cells)
    return instance.add(plan, dict(cells), given=frozenset(cells))


def _taken(instance: Instance, plan: Plan, cells: dict[str, Any]) -> list[tuple[str, ...]]:
    """The unique sets of columns whose values, all of them given, are there already."""
    found = []
    for unique in plan.table.uniques:
        names = tuple(name.lower() for name in unique)
        if all(name in cells for name in names) and _row(instance, plan, names, cells) is not None:
            found.append(names)
    return found


def _row(instance: Instance, plan: Plan, names: tuple[str, ...], cells: dict[str, Any]) -> int | None:
    where = " AND ".join(f'"{name}" = ?' for name in names)
    try:
        found = instance.connection.execute(
            f'SELECT rowid FROM "{plan.table.name}" WHERE {where}', [cells[name] for name in names]
        ).fetchone()
    except sqlite3.Error:
        return None
    return found[0] if found else None


def _change(instance: Instance, plan: Plan, cells: dict[str, Any]) -> bool:
    names = _taken(instance, plan, cells)[0]
    changed = [name for name in cells if name not in names]
    row = _row(instance, plan, names, cells)
    if not changed:
        return True
    sets = ", ".join(f'"{name}" = ?' for name in changed)
    try:
        instance.connection.execute(
            f'UPDATE "{plan.table.name}" SET {sets} WHERE rowid = ?', [*(cells[name] for name in changed), row]
        )
    except sqlite3.Error:
        return False
    for name in changed:
        instance.present.setdefault((plan.table.name.lower(), name), []).append(cells[name])
    return True


def _has(instance: Instance, table: str, column: str, value: Any) -> bool:
    return value in instance.present.get((table.lower(), column.lower()), [])


def _plan(instance: Instance, table: Table) -> Plan:
    return instance.plans.tables[table.name.lower()]


def _drawing(instance: Instance, demand: Demand, cell: Cell) -> Drawing:
    return _plan(instance, demand.rows[cell[0]]).drawings[cell[1]]
