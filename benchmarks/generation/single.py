"""Shapes over one table: what is shown, counted, added up, grouped and ranked."""

from __future__ import annotations

from sqlrl.benchmarks.generation.draft import Draft, Pen, Scope

__all__ = ["SINGLE"]

_AGGREGATES = {
    "avg": ("average", "mean"),
    "max": ("maximum", "highest", "largest"),
    "min": ("minimum", "lowest", "smallest"),
    "sum": ("total", "sum of the"),
}


def _show(pen: Pen) -> Draft:
    table = pen.table()
    scope = Scope((table,))
    said, conditions = pen.where(scope, table)
    columns = pen.columns(table)
    distinct = len(columns) == 1 and not columns[0].unique and pen.chance(0.4)
    different = pen.pick(("different", "distinct", "unique")) if distinct else ""
    question = pen.say(
        "what are the {d} {c} of {n} {f}", "what are the {d} {c} of all the {n} {f}", "list the {d} {c} of the {n} {f}",
        "show the {d} {c} of {n} {f}", "show {d} {c} for all {n} {f}", "return the {d} {c} of {n} {f}",
        "give the {d} {c} of {n} {f}", "find the {d} {c} of the {n} {f}", "what is the {d} {s} of the {o} {f}",
        "what are the {d} {c} for {n} {f}", "list all {d} {n} {c} {f}", "what {d} {s} does the {o} {f} have",
        d=different, c=pen.calls(columns, many=True), s=pen.calls(columns, many=False), n=pen.many(table),
        o=pen.one(table), f=said,
    )  # fmt: skip
    names = ", ".join(column.name for column in columns)
    query = f"SELECT {'DISTINCT ' if distinct else ''}{names} FROM {table.name}{pen.clause(conditions)}"
    return Draft(question, query, "distinct" if distinct else "filter" if conditions else "show", (table.name,))


def _which(pen: Pen) -> Draft | None:
    """Things are asked for, and what is shown of them is left open."""
    table = pen.table()
    found = pen.filtered(Scope((table,)), table)
    if found is None:
        return None
    question = pen.say(
        "which {n} {f}", "which {n} are there {f}", "list the {n} {f}", "show all {n} {f}", "what are the {n} {f}",
        "find the {n} {f}", "what is the {o} {f}", n=pen.many(table), o=pen.one(table), f=found[0],
    )  # fmt: skip
    query = f"SELECT {pen.shown(table).name} FROM {table.name}{pen.clause(found[1])}"
    return Draft(question, query, "which", (table.name,))


def _of_one(pen: Pen) -> Draft | None:
    """A thing is known by its name alone; what it is has to be known."""
    table = pen.table()
    names = [column for column in table.columns if column.kind == "text" and column.values and not column.is_category]
    if not names:
        return None
    known = table.label if table.label in names and pen.chance(0.7) else pen.pick(names)
    columns = [column for column in pen.columns(table, most=2) if column is not known]
    if not columns:
        return None
    value = str(pen.pick(known.values))
    question = pen.say(
        "what is the {s} of {v}", "what are the {c} of {v}", "which {s} is {v} in", "what {s} does {v} have",
        "give the {s} of the {o} {v}", "show the {s} for {v}", "what {s} is the {o} {v} in", "find the {s} of {v}",
        s=pen.calls(columns, many=False), c=pen.calls(columns, many=True), o=pen.one(table), v=value,
    )  # fmt: skip
    shown = ", ".join(column.name for column in columns)
    query = f"SELECT {shown} FROM {table.name} WHERE {known.name} = {pen.literal(known, value)}"
    return Draft(question, query, "of one", (table.name,))


def _count(pen: Pen) -> Draft:
    table = pen.table()
    said, conditions = pen.where(Scope((table,)), table)
    question = pen.say(
        "how many {n} are there {f}", "how many {n} {f} are there", "count the number of {n} {f}", "count the {n} {f}",
        "what is the number of {n} {f}", "how many {n} do we have {f}", "how many {n} {f}",
        "what is the total number of {n} {f}", "find the number of {n} {f}", n=pen.many(table), f=said,
    )  # fmt: skip
    return Draft(question, f"SELECT count(*) FROM {table.name}{pen.clause(conditions)}", "count", (table.name,))


def _count_distinct(pen: Pen) -> Draft | None:
    table = pen.table()
    column = pen.pick(table.columns)
    if column.unique:
        return None
    said, conditions = pen.where(Scope((table,)), table, most=1)
    question = pen.say(
        "how many different {c} are there {f}", "how many distinct {c} do the {n} {f} have", "count the {c} {f}",
        "what is the number of different {c} of {n} {f}", "how many {c} are there {f}", "how many unique {c} {f}",
        c=pen.calls([column], many=True), n=pen.many(table), f=said,
    )  # fmt: skip
    query = f"SELECT count(DISTINCT {column.name}) FROM {table.name}{pen.clause(conditions)}"
    return Draft(question, query, "count distinct", (table.name,))


def _aggregate(pen: Pen) -> Draft | None:
    table = pen.table()
    column = pen.measure(table)
    if column is None:
        return None
    said, conditions = pen.where(Scope((table,)), table)
    functions = pen.generator.sample(sorted(_AGGREGATES), pen.generator.choices((1, 2, 3), (8, 3, 1))[0])
    if column.kind == "date":
        functions = [function for function in functions if function in ("max", "min")] or ["max"]
    words = [pen.pick(_AGGREGATES[function]) for function in functions]
    shown = ", ".join(f"{function}({column.name})" for function in functions)
    tail = ""
    other = pen.measure(table)
    if (
        len(functions) == 1
        and other is not None
        and other is not column
        and other.kind == "number"
        and pen.chance(0.15)
    ):
        function = pen.pick(("avg", "max", "sum"))
        shown += f", {function}({other.name})"
        tail = f"and the {pen.pick(_AGGREGATES[function])} {pen.call(other)}"
    question = pen.say(
        "what is the {a} {c} {t} of {n} {f}", "what is the {a} {c} {t} of all {n} {f}",
        "find the {a} {c} {t} of the {n} {f}",
        "return the {a} {c} {t} of {n} {f}", "show the {a} {c} {t} for {n} {f}", "what is the {a} {c} {t} {f}",
        "give the {a} {c} {t} of the {n} {f}", "how high is the {a} {c} {t} of {n} {f}",
        a=" and ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + " and " + words[-1],
        c=pen.call(column), t=tail, n=pen.many(table), f=said,
    )  # fmt: skip
    return Draft(question, f"SELECT {shown} FROM {table.name}{pen.clause(conditions)}", "aggregate", (table.name,))


def _extreme(pen: Pen) -> Draft | None:
    table = pen.table()
    column = pen.measure(table)
    if column is None:
        return None
    said, conditions = pen.where(Scope((table,)), table, most=1) if pen.chance(0.5) else ("", [])
    words, greatest = pen.superlative(column)
    direction = " DESC" if greatest else ""
    columns = pen.columns(table, most=2)
    parts = {"s": pen.calls(columns, many=False), "o": pen.one(table), "n": pen.many(table), "w": words, "f": said}
    if words.split()[-1] in column.calls[0].split() or words.endswith(column.calls):
        templates: tuple[str, ...] = (
            "what is the {s} of the {o} {f} with the {w}", "which {o} {f} has the {w}",
            "show the {s} of the {o} with the {w} {f}",
            "give the {s} of the {o} that has the {w} {f}", "return the {s} of the {o} {f} with the {w}",
            "find the {o} with the {w} {f}", "what is the {s} of the {o} {f} having the {w}",
        )  # fmt: skip
    else:
        templates = (
            "what is the {s} of the {w} {o} {f}", "which {o} is the {w} {f}", "show the {s} of the {w} {o} {f}",
            "give the {s} of the {w} {o} {f}", "what is the {w} {o} {f}", "find the {w} {o} {f}",
        )  # fmt: skip
    template = pen.pick(templates)
    shown = ", ".join(c.name for c in columns) if "{s}" in template else pen.shown(table).name
    limit = 1
    if pen.chance(0.2):
        limit = pen.pick((2, 3, 5))
        number = pen.pick((str(limit), {2: "two", 3: "three", 5: "five"}[limit]))
        parts |= {"o": f"{number} {parts['n']}", "s": pen.calls(columns, many=True)}
        template = (
            template.replace("is the", "are the").replace("has the", "have the").replace("which {o}", "which {o}")
        )
    query = f"SELECT {shown} FROM {table.name}{pen.clause(conditions)} ORDER BY {column.name}{direction} LIMIT {limit}"
    return Draft(pen.say(template, **parts), query, "extreme", (table.name,))


def _ordered(pen: Pen) -> Draft:
    table = pen.table()
    said, conditions = pen.where(Scope((table,)), table, most=1) if pen.chance(0.5) else ("", [])
    columns = pen.columns(table)
    by = pen.measure(table) if pen.chance(0.6) else None
    by = by or pen.pick(table.columns)
    falling = pen.chance(0.4)
    how = pen.pick(("in descending order of {b}", "ordered by {b} descending", "sorted by {b} from high to low")
                   if falling else ("in ascending order of {b}", "ordered by {b}", "sorted by {b}", "in order of {b}",
                                    "in alphabetical order of {b}"))  # fmt: skip
    question = pen.say(
        "list the {c} of {n} {f} {h}", "show the {c} of all {n} {f} {h}", "what are the {c} of the {n} {f} {h}",
        "return the {c} of the {n} {f}, {h}", "give the {c} of {n} {f}, {h}",
        c=pen.calls(columns, many=True), n=pen.many(table), f=said, h=how.format(b=pen.call(by)),
    )  # fmt: skip
    names = ", ".join(column.name for column in columns)
    order = f"{by.name}{' DESC' if falling else ''}"
    return Draft(
        question, f"SELECT {names} FROM {table.name}{pen.clause(conditions)} ORDER BY {order}", "order", (table.name,)
    )


def _group(pen: Pen) -> Draft | None:
    table = pen.table()
    column = pen.category(table)
    if column is None:
        return None
    said, conditions = pen.where(Scope((table,)), table, most=1) if pen.chance(0.3) else ("", [])
    measure = pen.measure(table)
    parts = {"g": pen.call(column), "n": pen.many(table), "f": said}
    if measure is not None and measure is not column and measure.kind == "number" and pen.chance(0.5):
        functions = pen.generator.sample(sorted(_AGGREGATES), pen.generator.choices((1, 2), (4, 1))[0])
        shown = ", ".join(f"{function}({measure.name})" for function in functions)
        question = pen.say(
            "what is the {a} {c} for each {g} {f}", "show the {a} {c} of {n} {f} for each {g}",
            "for each {g}, what is the {a} {c} {f}",
            "find the {a} {c} of the {n} {f} by {g}", "what are the {a} {c} of {n} per {g} {f}",
            "return the {a} {c} for every {g} {f}", a=" and ".join(pen.pick(_AGGREGATES[f]) for f in functions),
            c=pen.call(measure), **parts,
        )  # fmt: skip
        shape = "group aggregate"
    else:
        shown, shape = "count(*)", "group count"
        question = pen.say(
            "how many {n} are there for each {g} {f}", "how many {n} are there in each {g} {f}",
            "show the number of {n} for each {g} {f}",
            "show each {g} and the number of {n} {f}", "for each {g}, how many {n} are there {f}",
            "count the {n} by {g} {f}",
            "what are the different {g} and the number of {n} of each {f}", "number of {n} per {g} {f}",
            "list each {g} and how many {n} {f} it has", **parts,
        )  # fmt: skip
    query = f"SELECT {column.name}, {shown} FROM {table.name}{pen.clause(conditions)} GROUP BY {column.name}"
    return Draft(question, query, shape, (table.name,))


def _commonest(pen: Pen) -> Draft | None:
    table = pen.table()
    found = [column for column in table.columns if not column.unique and column.distinct > 1]
    if not found:
        return None
    column = pen.pick(found)
    said, conditions = pen.where(Scope((table,)), table, most=1) if pen.chance(0.3) else ("", [])
    most = pen.chance(0.75)
    parts = {"g": pen.call(column), "n": pen.many(table), "f": said, "o": pen.one(table)}
    if pen.chance(0.35):
        number = pen.pick((1, 2, 3, 4, 5))
        sign, words = pen.pick(
            ((">", "more than"), (">=", "at least"), ("<", "less than"), ("=", "exactly"), (">", "over"))
        )
        question = pen.say(
            "which {g} has {w} {k} {n} {f}", "what are the {g} with {w} {k} {n} {f}",
            "show the {g} that have {w} {k} {n} {f}",
            "find the {g} of {w} {k} {n} {f}", w=words, k=str(number), **parts,
        )  # fmt: skip
        tail = f"HAVING count(*) {sign} {number}"
        return Draft(question, _grouped(table.name, column.name, pen.clause(conditions), tail), "having", (table.name,))
    question = pen.say(
        "which {g} has the {w} {n} {f}", "what is the {g} with the {w} {n} {f}", "what is the {m} {g} of {n} {f}",
        "which {g} is the {m} {f}", "find the {g} that has the {w} {n} {f}", "show the {g} with the {w} {n} {f}",
        "which {g} has the {w} number of {n} {f}",
        w=pen.pick(("most", "largest", "greatest") if most else ("fewest", "least", "smallest")),
        m=pen.pick(("most common", "most popular") if most else ("least common", "least popular")), **parts,
    )  # fmt: skip
    tail = f"ORDER BY count(*){' DESC' if most else ''} LIMIT 1"
    return Draft(question, _grouped(table.name, column.name, pen.clause(conditions), tail), "commonest", (table.name,))


def _grouped(table: str, column: str, where: str, tail: str) -> str:
    return f"SELECT {column} FROM {table}{where} GROUP BY {column} {tail}"


def _against_average(pen: Pen) -> Draft | None:
    table = pen.table()
    column = pen.measure(table)
    if column is None or column.kind != "number":
        return None
    above = pen.chance(0.65)
    function, words = pen.pick(
        (("avg", "the average"), ("avg", "average"), ("min", "the minimum"), ("max", "the maximum"))
    )
    sign = {"max": "<", "min": ">"}.get(function, ">" if above else "<")
    counted = pen.chance(0.3)
    parts = {
        "n": pen.many(table), "c": pen.call(column), "a": words,
        "w": pen.pick(("above", "greater than", "larger than", "more than") if sign == ">" else ("below", "less than")),
    }  # fmt: skip
    columns = pen.columns(table, most=2)
    parts["s"] = pen.calls(columns, many=True)
    inner = f"SELECT {function}({column.name}) FROM {table.name}"
    if counted:
        question = pen.say("how many {n} have a {c} {w} {a}", "count the {n} whose {c} is {w} {a}",
                           "what is the number of {n} with {c} {w} {a}", **parts)  # fmt: skip
        shown = "count(*)"
    else:
        question = pen.say("what are the {s} of {n} whose {c} is {w} {a}", "list the {s} of {n} with {c} {w} {a}",
                           "find the {s} of the {n} that have a {c} {w} {a}",
                           "show the {s} of {n} having {c} {w} {a}", **parts)  # fmt: skip
        shown = ", ".join(c.name for c in columns)
    query = f"SELECT {shown} FROM {table.name} WHERE {column.name} {sign} ({inner})"
    return Draft(question, query, "nested", (table.name,))


# shape's writer -> how often, beside the others
SINGLE = {
    _show: 9.0, _which: 3.0,
    _of_one: 3.0, _count: 4.0, _count_distinct: 2.0, _aggregate: 4.0, _extreme: 5.0, _ordered: 3.0,
    _group: 4.0,
    _commonest: 4.0, _against_average: 2.0,
}  # fmt: skip
