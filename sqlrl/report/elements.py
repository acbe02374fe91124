"""Elements: what every page is put together from: cards, tables, lists of facts, tiles, columns of equal length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import product
from typing import Any

__all__ = ["LIST", "THEME", "Card", "columns", "facts", "notes", "table", "tile", "tiles"]

THEME = '<button id="theme" title="Light or dark" aria-label="Light or dark">◐</button>'
# Filled by the page's script, a part at a time, so that ten thousand questions open at once.
LIST = """<section class="card" id="list"><h2>Questions</h2>
<div id="filters" role="search"></div><p id="count" role="status"></p>
<table id="items"><thead><tr id="heads"></tr></thead><tbody id="rows"></tbody></table>
<button id="more" hidden></button><noscript>The list of questions needs JavaScript.</noscript></section>"""

_FRAME = 3.5  # lines that a card's heading and edges take


@dataclass(frozen=True, slots=True)
class Card:
    """A part of a page under a heading. content: HTML. height: about how many lines of text it is tall."""

    title: str
    content: str
    height: float = 0.0

    def __str__(self) -> str:
        return f'<section class="card"><h2>{escape(self.title)}</h2>{self.content}</section>'


def columns(cards: Sequence[Card]) -> str:
    """Two columns, of all ways to share the cards the one whose longer column is shortest; one below the other where
    the page is narrow. The first card is the first on the left."""
    if not cards:
        return ""

    def tallest(sides: Sequence[int]) -> float:
        heights = [0.0, 0.0]
        for side, card in zip(sides, cards, strict=True):
            heights[side] += card.height + _FRAME
        return max(heights)

    best = min(((0, *rest) for rest in product((0, 1), repeat=len(cards) - 1)), key=tallest)
    halves = ("".join(str(card) for card, at in zip(cards, best, strict=True) if at == side) for side in (0, 1))
    return f'<div class="charts">{"".join(f"<div>{half}</div>" for half in halves if half)}</div>'


def tiles(cells: Iterable[str]) -> str:
    """A row of tiles; nothing where there are none."""
    joined = "".join(cells)
    return f'<div class="tiles">{joined}</div>' if joined else ""


def tile(name: str, figure: str, words: str, drawing: str = "") -> str:
    """One large figure. name: text; figure, words, drawing: HTML."""
    return f'<div class="tile"><span>{escape(name)}</span><b>{figure}</b>{drawing}<small>{words}</small></div>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A list of names and what each is, both text."""
    return f'<dl class="facts">{"".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in rows)}</dl>'


def notes(lines: Iterable[str]) -> str:
    """What a reader of the figures must know, a line each."""
    return f'<div class="note">{"".join(f"<p>{escape(line)}</p>" for line in lines)}</div>'


def table(
    names: Sequence[str], rows: Sequence[Sequence[Any]], kind: str = "", links: Sequence[str] | None = None
) -> str:
    """Cells are text; links: where the first cell of each row leads."""
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    lines = []
    for number, row in enumerate(rows):
        cells = [escape(str(cell)) for cell in row]
        if links:
            cells[0] = f'<a href="{links[number]}">{cells[0]}</a>'
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    body = "".join(lines)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
