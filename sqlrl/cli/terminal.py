"""The terminal: what a reader sees while a command works, and the tables when it is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from sqlrl.executors.errors import UsageError

__all__ = ["Terminal", "check_target", "percent", "points"]

_OFTEN = 10.0  # seconds between lines where nobody watches a bar
_BRIEF = 0.5  # seconds, below which a rate says nothing
_NAME = 31  # characters of a task's name beside its bar


class Terminal:
    """Shows tasks as bars on a terminal, in a log as a line now and then. Progress on stderr, results on stdout.

    brief: bars vanish when their task is done, for commands of hundreds of tasks."""

    def __init__(self, brief: bool = False) -> None:
        self._brief = brief
        self.out = Console(highlight=False, soft_wrap=False)
        self.err = Console(stderr=True, highlight=False)
        self._bars: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def start(self, task: str, steps: int) -> Callable[[int, str], None]:
        """See sqlrl.training.run.Progress."""
        self._end()
        if not self.err.is_terminal:
            return self._log(task, steps)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=22), MofNCompleteColumn(), _Pace(),
            TextColumn("{task.fields[word]}", style="dim", markup=False), console=self.err, refresh_per_second=4,
            transient=self._brief,
        )  # fmt: skip
        self._bars.start()
        identifier = self._bars.add_task(f"{_shortened(task):<{_NAME}}", total=max(steps, 1), word="")
        self._task = identifier
        bars = self._bars

        def advance(count: int, word: str = "") -> None:
            if word:
                bars.update(identifier, advance=count, word=word)
            else:
                bars.update(identifier, advance=count)

        return advance

    def say(self, line: str) -> None:
        """A line for the reader, above the bar."""
        self._end()
        self.err.print(line, soft_wrap=True, markup=False)

    def print(self, *things: Any) -> None:
        """A result, its text as it stands: wrapped by words on a terminal, though no word is broken, so that paths can
        be copied; line for line where a program may read it."""
        self._end()
        if any(isinstance(thing, Table) for thing in things):
            self.out.print(*things)
            return
        if self.out.is_terminal:
            things = tuple(self._by_words(thing) if isinstance(thing, str | Text) else thing for thing in things)
        self.out.print(*things, soft_wrap=True, markup=False)

    def verbatim(self, text: str) -> None:
        """A result line for line, however wide the screen is."""
        self._end()
        self.out.print(text, markup=False, soft_wrap=True)

    def markdown(self, text: str) -> None:
        """A result for a document: drawn on a terminal, as it stands where a program may read it."""
        if not self.out.is_terminal:
            self.verbatim(text)
            return
        from rich.markdown import Markdown

        self._end()
        self.out.print(Markdown(text))

    def _by_words(self, line: str | Text) -> Text:
        """With line ends where the screen has its edge; what follows one is set in as far as what was before."""
        return Text("\n").join(
            each
            for part in (Text(line) if isinstance(line, str) else line).split("\n", allow_blank=True)
            for each in _wrapped(part, self.out.width)
        )

    @property
    def width(self) -> int:
        """Of a table, in characters."""
        return self.out.width

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        title: str = "",
        right: Sequence[bool] | None = None,
    ) -> None:
        """right: which columns are set to the right; where it is not given, those whose name starts with ">"."""
        if right is None:
            right = [column.startswith(">") for column in columns]
            columns = [column.removeprefix(">") for column in columns]
        table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for column, to_the_right in zip(columns, right, strict=True):
            # A number that is cut reads as another number.
            table.add_column(Text(column), justify="right" if to_the_right else "left", no_wrap=to_the_right)
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
        self.print(table)

    def notes(self, notes: Sequence[str]) -> None:
        """What a reader must know."""
        if notes:
            self.print()
            self.facts([("note:", note) for note in notes])

    def facts(self, rows: Sequence[tuple[str, str]], width: int = 0) -> None:
        """Names and what is said of each: wrapped beneath itself on a terminal, else a line each. width: of the
        names."""
        if not self.out.is_terminal:
            for name, words in rows:
                self.print(Text(f"{name:<{width}} {words}"))
            return
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
        for name, words in rows:
            table.add_row(f"{name:<{width}}", Text(words))
        self.print(table)

    def _end(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None

    def _log(self, task: str, steps: int) -> Callable[[int, str], None]:
        import time

        started = last = time.monotonic()
        done = 0

        def advance(count: int, word: str = "") -> None:
            nonlocal done, last
            done += count
            now = time.monotonic()
            if now - last >= _OFTEN or (done >= steps and now - started >= 2):
                last = now
                rate = done / (now - started)
                left = f", {_span((steps - done) / rate)} left" if rate and done < steps else ""
                self.err.print(
                    f"{task}: {done:,}/{steps:,}, {rate:.1f}/s{left} {word}".rstrip(), soft_wrap=True, markup=False
                )

        return advance


class _Pace(ProgressColumn):
    """How many a second, and the time left."""

    def render(self, task: Task) -> Text:
        if task.finished:
            took = task.finished_time or 0.0
            rate = f"{task.completed / took:,.1f}/s " if took >= _BRIEF else ""
            return Text(f"{rate}in {_span(took)}", style="cyan")
        if not task.speed:
            return Text("", style="cyan")
        return Text(f"{task.speed:,.1f}/s {_span(task.time_remaining or 0)} left", style="cyan")


def _wrapped(line: Text, width: int) -> list[Text]:
    """Cut between words; a word that is longer than the screen stays whole."""
    spots: list[int] = []
    start = 0
    inset = len(line.plain) - len(line.plain.lstrip())
    for word in re.finditer(r"\S+", line.plain):
        room = width - (inset if spots else 0)
        if word.end() - start > room and word.start() > start + (0 if spots else inset):
            spots.append(word.start())
            start = word.start()
    lines = line.divide(spots)
    for each in lines[:-1]:
        each.rstrip()
    return [lines[0], *(Text(" " * inset) + each for each in lines[1:])]


def _shortened(task: str) -> str:
    """A name with its end, which tells more of a server's address than its middle does."""
    return task if len(task) <= _NAME else f"{task[: _NAME // 3]}…{task[-(_NAME - _NAME // 3 - 1) :]}"


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole // 60 % 60:02d} h"


def percent(share: float) -> str:
    """0.4567 as 45.7 %."""
    return f"{share * 100:.1f} %"


def points(difference: float) -> str:
    """0.123 as +12.3."""
    return f"{difference * 100:+.1f}"


def check_target(given: str, option: str = "--json") -> None:
    """Before anything is spent: UsageError where no file can be written to what was given with an option."""
    import os

    path = Path(given).expanduser().resolve()
    if path.is_dir():
        raise UsageError(f"{option} {given} is a folder: name a file")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {given}: there is no folder {Path(given).parent}")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"{option} {given}: nothing can be written to {Path(given).parent}")
