"""Shapes over several tables: along foreign keys, with and without, both and either."""

from __future__ import annotations

from sqlrl.benchmarks.generation.draft import Draft, Pen, Scope
from sqlrl.benchmarks.generation.profile import Link, Table

__all__ = ["JOINED"]


def _ends(pen: Pen) -> tuple[Link, Table, Table] | None:
    """(link, child, parent) of any foreign key."""
    link = pen.link()
    return None if link is None else (link, pen.profile.table(link.child), pen.profile.table(link.parent))


def _path(pen: Pen) -> Scope | None:
    """Two or three tables in a row; the first is what is asked about."""
    link = pen.link()
    if link is None:
        return None
    names = [link.child, link.parent] if pen.chance(0.5) else [link.parent, link.child]
    links = [link]
    if pen.chance(0.3):
        further = [
            (each, each.parent if each.child == names[-1] else each.child)
            for each in pen.profile.links
            if each is not link and names[-1] in (each.child, each.parent)
        ]
        further = [(each, name) for each, name in further if name not in names]
        if further:
            each, name = pen.pick(further)
            names.append(name)
            links.append(each)
    return Scope(tuple(pen.profile.table(name) for name in names), tuple(links))


def _show(pen: Pen) -> Draft | None:
    scope = _path(pen)
    found = pen.filtered(scope, scope.tables[-1]) if scope is not None else None
    if scope is None or found is None:
        return None
    said, conditions = found
    table, last = scope.tables[0], scope.tables[-1]
    if pen.chance(0.15):
        further = pen.filtered(scope, table)
        if further is not None:
            conditions = [*conditions, *further[1]]
            said = f"{said} and {further[0]}"
    columns = pen.columns(table, most=2)
    parts = {
        "n": pen.many(table), "o": pen.one(table), "p": pen.one(last), "q": pen.many(last), "f": said,
        "s": pen.calls(columns, many=False), "c": pen.calls(columns, many=True),
    }  # fmt: skip
    tables = tuple(each.name for each in scope.tables)
    if pen.chance(0.3):
        question = pen.say(
            "how many {n} does the {p} {f} have", "how many {n} are there for {q} {f}", "count the {n} of the {p} {f}",
            "what is the number of {n} of {q} {f}", "how many {n} have {q} {f}", "how many {n} {f}", **parts,
        )  # fmt: skip
        return Draft(question, f"SELECT count(*) FROM {scope.source}{pen.clause(conditions)}", "join count", tables)
    question = pen.say(
        "what are the {c} of the {n} of {q} {f}", "what are the {c} of {n} with a {p} {f}",
        "list the {c} of {n} for the {p} {f}",
        "show the {c} of the {n} that have a {p} {f}", "which {n} have {q} {f}",
        "what is the {s} of the {o} of the {p} {f}",
        "find the {c} of the {n} whose {p} is {f}", "return the {s} of the {o} {f}", "what {s} is the {p} {f} in",
        **parts,
    )  # fmt: skip
    shown = ", ".join(scope.ref(column) for column in columns)
    if question.startswith("Which"):
        shown = scope.ref(pen.shown(table))
    distinct = "DISTINCT " if pen.chance(0.4) else ""
    return Draft(question, f"SELECT {distinct}{shown} FROM {scope.source}{pen.clause(conditions)}", "join", tables)


def _both_tables(pen: Pen) -> Draft | None:
    """A column of each."""
    scope = _path(pen)
    if scope is None:
        return None
    first, last = scope.tables[0], scope.tables[-1]
    mine, theirs = pen.columns(first, most=1)[0], pen.columns(last, most=1)[0]
    said, conditions = pen.where(scope, first, most=1) if pen.chance(0.4) else ("", [])
    question = pen.say(
        "show the {a} of each {o} and the {b} of its {p} {f}", "what are the {x} of {n} {f} and the {y} of their {q}",
        "list the {x} of the {n} {f} with the {b} of the {p}", "for each {o} {f}, give its {a} and the {p}'s {b}",
        a=pen.call(mine), b=pen.call(theirs), x=pen.calls([mine], many=True), y=pen.calls([theirs], many=True),
        o=pen.one(first), p=pen.one(last), n=pen.many(first), q=pen.many(last), f=said,
    )  # fmt: skip
    query = f"SELECT {scope.ref(mine)}, {scope.ref(theirs)} FROM {scope.source}{pen.clause(conditions)}"
    return Draft(question, query, "join", tuple(table.name for table in scope.tables))


def _per_parent(pen: Pen) -> Draft | None:
    """Children counted for each parent: all counts, the most, or those of so many."""
    ends = _ends(pen)
    if ends is None:
        return None
    link, child, parent = ends
    scope = Scope((parent, child), (link,))
    columns = pen.columns(parent, most=2)
    parts = {
        "n": pen.many(child), "o": pen.one(parent), "p": pen.many(parent), "s": pen.calls(columns, many=False),
        "c": pen.calls(columns, many=True),
    }  # fmt: skip
    named = scope.ref(pen.shown(parent))
    shown = ", ".join(scope.ref(column) for column in columns)
    key = f"{parent.name}.{link.other.name}"
    # Only these two take a column that the key alone decides; elsewhere it has to be grouped by as well.
    by_key_alone = pen.profile.dialect in ("sqlite", "mysql")

    def grouped(first: str) -> str:
        return f"FROM {scope.source} GROUP BY {key if by_key_alone or first == key else f'{key}, {first}'}"

    roll = pen.generator.random()
    if roll < 0.4:
        template = pen.pick((
            "how many {n} does each {o} have", "show the number of {n} for each {o}",
            "for each {o}, how many {n} are there",
            "what are the {c} of the {p} and the number of {n} of each",
            "list the {c} of all {p} and how many {n} they have",
            "count the {n} of each {o}", "return the {s} and the number of {n} for every {o}",
        ))  # fmt: skip
        first = shown if "{s}" in template or "{c}" in template else named
        return Draft(
            pen.say(template, **parts),
            f"SELECT {first}, count(*) {grouped(first)}",
            "join group",
            (parent.name, child.name),
        )
    if roll < 0.72:
        most = pen.chance(0.8)
        template = pen.pick((
            "which {o} has the {w} {n}", "what is the {s} of the {o} with the {w} {n}", "find the {o} with the {w} {n}",
            "show the {s} of the {o} that has the {w} {n}", "what is the {o} with the {w} {n}",
            "give the {s} of the {o} having the {w} {n}",
            "which {o} has the {w} number of {n}",
        ))  # fmt: skip
        first = shown if "{s}" in template else named
        words = pen.pick(("most", "largest", "greatest") if most else ("fewest", "least", "smallest"))
        query = f"SELECT {first} {grouped(first)} ORDER BY count(*){' DESC' if most else ''} LIMIT 1"
        return Draft(pen.say(template, w=words, **parts), query, "join most", (parent.name, child.name))
    number = pen.pick((1, 2, 3, 4))
    sign, words = pen.pick(
        ((">", "more than"), (">=", "at least"), ("<", "less than"), ("=", "exactly"), ("=", "only"))
    )
    template = pen.pick((
        "which {p} have {w} {k} {n}", "what are the {c} of {p} with {w} {k} {n}",
        "list the {c} of the {p} that have {w} {k} {n}",
        "find the {p} with {w} {k} {n}", "show the {c} for all {p} with {w} {k} {n}",
    ))  # fmt: skip
    first = shown if "{c}" in template else named
    question = pen.say(
        template, w=words, k=pen.pick((str(number), ("one", "two", "three", "four")[number - 1])), **parts
    )
    return Draft(
        question,
        f"SELECT {first} {grouped(first)} HAVING count(*) {sign} {number}",
        "join having",
        (parent.name, child.name),
    )


def _extreme(pen: Pen) -> Draft | None:
    """What belongs to the greatest of another table."""
    scope = _path(pen)
    last = scope.tables[-1] if scope is not None else None
    column = pen.measure(last) if last is not None else None
    if scope is None or last is None or column is None:
        return None
    table = scope.tables[0]
    words, greatest = pen.superlative(column)
    columns = pen.columns(table, most=2)
    question = pen.say(
        "what is the {s} of the {o} of the {p} with the {w}", "which {o} has the {p} with the {w}",
        "show the {s} of the {o} with the {w}",
        "what is the {s} of the {o} with the {w} {p}", "find the {o} of the {p} with the {w}",
        s=pen.calls(columns, many=False), o=pen.one(table), p=pen.one(last), w=words,
    )  # fmt: skip
    asked = question.startswith(("What", "Show"))
    shown = ", ".join(scope.ref(c) for c in columns) if asked else scope.ref(pen.shown(table))
    order = f"{scope.ref(column)}{' DESC' if greatest else ''}"
    query = f"SELECT {shown} FROM {scope.source} ORDER BY {order} LIMIT 1"
    return Draft(question, query, "join extreme", tuple(each.name for each in scope.tables))


def _aggregate(pen: Pen) -> Draft | None:
    """A measure of one table for rows of another, or for each of them."""
    scope = _path(pen)
    if scope is None:
        return None
    table, last = scope.tables[0], scope.tables[-1]
    column = pen.measure(table)
    found = pen.filtered(scope, last)
    if column is None or column.kind != "number" or found is None:
        return None
    function, words = pen.pick(
        (("avg", "average"), ("sum", "total"), ("max", "highest"), ("min", "lowest"), ("max", "maximum"))
    )
    parts = {
        "a": words,
        "c": pen.call(column),
        "n": pen.many(table),
        "p": pen.one(last),
        "q": pen.many(last),
        "f": found[0],
    }
    shown = f"{function}({scope.ref(column)})"
    tables = tuple(each.name for each in scope.tables)
    by = last.label
    if pen.chance(0.35) and not by.key:
        question = pen.say("what is the {a} {c} of {n} for each {p}", "show the {a} {c} of the {n} of each {p}",
                           "for each {p}, find the {a} {c} of its {n}", **parts)  # fmt: skip
        name = scope.ref(by)
        return Draft(question, f"SELECT {name}, {shown} FROM {scope.source} GROUP BY {name}", "join group", tables)
    question = pen.say("what is the {a} {c} of {n} of the {p} {f}", "what is the {a} {c} of the {n} with {q} {f}",
                       "find the {a} {c} for {n} of {q} {f}", **parts)  # fmt: skip
    return Draft(question, f"SELECT {shown} FROM {scope.source}{pen.clause(found[1])}", "join aggregate", tables)


def _without(pen: Pen) -> Draft | None:
    ends = _ends(pen)
    if ends is None:
        return None
    link, child, parent = ends
    columns = pen.columns(parent, most=2)
    found = pen.filtered(Scope((child,)), child) if pen.chance(0.35) else None
    said, conditions = found if found is not None else ("", [])
    parts = {"n": pen.many(child), "p": pen.many(parent), "c": pen.calls(columns, many=True), "f": said}
    template = pen.pick((
        "which {p} have no {n} {f}", "what are the {c} of {p} without {n} {f}",
        "list the {c} of the {p} that have no {n} {f}",
        "find the {p} that do not have any {n} {f}", "show the {c} of {p} who do not have {n} {f}",
        "how many {p} have no {n} {f}",
        "what are the {c} of the {p} that are not in any {n} {f}", "count the {p} without {n} {f}",
    ))  # fmt: skip
    shown = ", ".join(c.name for c in columns) if "{c}" in template else pen.shown(parent).name
    if template.startswith(("how", "count")):
        shown = "count(*)"
    inner = f"SELECT {link.column.name} FROM {child.name}{pen.clause(conditions)}"
    query = f"SELECT {shown} FROM {parent.name} WHERE {link.other.name} NOT IN ({inner})"
    return Draft(pen.say(template, **parts), query, "without", (parent.name, child.name))


def _with_any(pen: Pen) -> Draft | None:
    ends = _ends(pen)
    if ends is None:
        return None
    link, child, parent = ends
    scope = Scope((parent, child), (link,))
    column = pen.columns(parent, most=1)[0]
    question = pen.say(
        "which {p} have {n}", "what are the different {c} of {p} that have {n}", "show the {c} of all {p} with {n}",
        "list the {c} of {p} with at least one {o}", "find the {c} of the {p} that have any {n}",
        n=pen.many(child), o=pen.one(child), p=pen.many(parent), c=pen.calls([column], many=True),
    )  # fmt: skip
    shown = scope.ref(pen.shown(parent) if question.startswith("Which") else column)
    return Draft(question, f"SELECT DISTINCT {shown} FROM {scope.source}", "with any", (parent.name, child.name))


def _both_values(pen: Pen) -> Draft | None:
    """Things that meet two conditions at once, or one and not the other, by way of another table or of their own."""
    ends = _ends(pen)
    scope = Scope((ends[2], ends[1]), (ends[0],)) if ends is not None and pen.chance(0.75) else Scope((pen.table(),))
    parent, child = scope.tables[0], scope.tables[-1]
    category = pen.category(child) or next((c for c in child.columns if c.kind == "text" and len(c.values) > 2), None)
    if category is None or len(category.values) < 2:
        return None
    one, other = (str(value) for value in pen.generator.sample(category.values[:12], 2))
    shown = scope.ref(pen.shown(parent))
    word, said = pen.pick((("INTERSECT", "both {v} and {w}"), ("UNION", "{v} or {w}"), ("EXCEPT", "{v} but not {w}")))
    name = scope.ref(category)
    half = f"SELECT {shown} FROM {scope.source} WHERE {name} = "
    parts = {
        "p": pen.many(parent),
        "q": pen.many(child),
        "c": pen.call(category),
        "s": pen.calls([parent.label], many=True),
    }
    value = said.format(v=one, w=other)
    question = pen.say(
        "which {p} have {v}", "what are the {s} of {p} with {c} {v}", "find the {p} that have {q} with {c} {v}",
        "show the {s} of the {p} with {v} {q}", "list the {s} of {p} that have {c} {v}", v=value, **parts,
    )  # fmt: skip
    query = f"{half}{pen.literal(category, one)} {word} {half}{pen.literal(category, other)}"
    return Draft(question, query, "set operation", tuple(table.name for table in scope.tables))


# shape's writer -> how often, beside those over one table
JOINED = {
    _show: 8.0, _both_tables: 2.0, _per_parent: 7.0, _extreme: 2.0, _aggregate: 2.0, _without: 2.5, _with_any: 1.5,
    _both_values: 3.0,
}  # fmt: skip
