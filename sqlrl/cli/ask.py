"""`sqlrl ask`: put a question to a source, and see the query that was written for it and what it returned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import click

from sqlrl.executors.errors import SqlrlError, UsageError

if TYPE_CHECKING:
    from sqlrl.cli.terminal import Terminal
    from sqlrl.layer import Answer, Connection, Retriever

__all__ = ["command"]

NO_ANSWER = 3
_HELP = """\
  a question      is answered; it may refer to the ones before
  /right          the last answer is right: kept in the file of --answered
  /answer 42      what the last answer should be: a number, a text, a list ["a", "b"], or a table as JSON
  /sql QUERY      runs a query of yours
  /schema         shows what may be read
  /forget         begins a new conversation
  /quit           ends it, as an empty line's Ctrl-D does"""
_SEARCH_HELP = """\
  a question      is rewritten and searched for; each is taken by itself
  /search QUERY   searches for a query of yours
  /quit           ends it, as an empty line's Ctrl-D does"""


@click.command("ask")
@click.argument("source")
@click.argument("question", required=False)
@click.option("--policy", envvar="SQLRL_POLICY", metavar="WORD", help="A run, hf:org/name, http://host/v1#model "
              "[default: $SQLRL_POLICY].")  # fmt: skip
@click.option("--warm-start", is_flag=True, help="Without a policy: train a small one for this database, unasked.")
@click.option("--chat", is_flag=True, help="Keep the conversation: each further question comes from standard input.")
@click.option("--json", "as_json", is_flag=True, help="The answer as one JSON object.")
@click.option("--rows", type=click.IntRange(1), default=100, show_default=True, help="At most so many rows.")
@click.option("--timeout", type=float, default=60.0, show_default=True, help="Seconds for the whole answer.")
@click.option("--samples", type=click.IntRange(1), default=1, show_default=True, help="Queries that vote by results.")
@click.option("--repairs", type=click.IntRange(0), default=2, show_default=True, help="Times an error is given back.")
@click.option("--values/--no-values", default=True, show_default=True, help="Whether cells are looked up for prompts.")
@click.option("--evidence", default="", metavar="TEXT", help="What must be known besides.")
@click.option("--tables", metavar="NAMES", help="The only tables that may be read, with commas between.")
@click.option("--role", help="PostgreSQL: the role to act as, where the user of the URL could do more than read.")
@click.option("--device", help="Of a local policy: cpu, cuda.")
@click.option("--audit", metavar="FILE", help="Add a line of JSON for each question.")
@click.option("--answered", default="answered.jsonl", show_default=True, metavar="FILE",
              help="With --chat: where marks go, for `sqlrl train SOURCE --answered FILE`.")  # fmt: skip
@click.pass_context
def command(
    context: click.Context, source: str, question: str | None, chat: bool, as_json: bool, timeout: float,
    evidence: str, answered: str, values: bool, tables: str | None, warm_start: bool, **given: Any,
) -> None:  # fmt: skip
    """Put QUESTION (- reads it from standard input) to SOURCE: a policy writes a query, which is run read-only, behind
    the walls; where it fails, the engine's error goes back to the policy.

    Without --policy, the policy that is kept for this database answers; where there is none, a small one can be trained
    on the spot. SOURCE is what `sqlrl run` takes. Leaves with 0 where there is an answer, be it of no rows,
    with 3 where there is none: the query is refused, cannot be run, or takes too long; with 2 for a wrong command.
    """
    import contextlib
    import io
    import sys

    from sqlrl.cli.terminal import Terminal
    from sqlrl.cli.warmstart import policy_for
    from sqlrl.executors import Limits
    from sqlrl.layer import connect
    from sqlrl.layer.retrieval import Retriever

    if (question is None) != chat and not (chat and question):
        raise UsageError("sqlrl ask takes a QUESTION, or --chat")
    if chat and as_json:
        raise UsageError("--json goes with a QUESTION, not with --chat")
    if not 0 < timeout <= 86_400:
        raise UsageError(f"--timeout is a number of seconds above 0 and at most a day, not {timeout:g}")
    chosen = [name.strip() for name in tables.split(",") if name.strip()] if tables is not None else None
    if chosen is not None and not chosen:
        raise UsageError("--tables names no table")
    somebody = question != "-" and sys.stdin.isatty() and sys.stderr.isatty()
    if question == "-":
        question = sys.stdin.read()
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may lack letters that a cell has
        sys.stdout.reconfigure(errors="replace")
    cells: dict[str, Any] = {} if values else {"values": 0}
    with contextlib.ExitStack() as held:
        terminal = held.enter_context(Terminal())
        if not given["policy"]:
            given["policy"] = policy_for(
                source, terminal, warm_start=warm_start, ask=somebody, tables=chosen, role=given["role"]
            )
        connection = connect(
            source, tables=chosen, deadline=timeout, limits=Limits(seconds=timeout), workers=1, **given, **cells
        )
        held.callback(connection.close)
        if chat:
            if isinstance(connection, Retriever):
                _Search(connection, terminal).hold(question)
            else:
                _Chat(connection, terminal, answered, evidence).hold(question)
            return
        if isinstance(connection, Retriever):
            answer = connection.ask(question or "")
        else:
            say = None if as_json else _say(terminal)
            answer = connection.ask(question or "", evidence=evidence, say=say)
        if as_json:
            _write(answer)
        else:
            _show(terminal, answer)
        context.exit(0 if answer.ok else NO_ANSWER)


class _Talk(ABC):
    """Lines from standard input: questions, and commands that begin with a slash."""

    help = ""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def hold(self, question: str | None) -> None:
        """Until there is no more to read, or /quit."""
        self._begin()
        line = question if question is not None else self._read()
        while line is not None:
            if line.strip() == "/quit":
                return
            if line.strip():
                try:
                    self._take(line.strip())
                except SqlrlError as error:
                    self.terminal.say(" ".join(str(error).split()))
            line = self._read()

    def _read(self) -> str | None:
        try:
            if self.terminal.err.is_terminal:
                return self.terminal.err.input("\n? ", markup=False)
            return input()
        except EOFError:
            return None

    @abstractmethod
    def _begin(self) -> None:
        """Say with whom one talks."""

    def _take(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if not word.startswith("/"):
            self._ask(line)
        elif word == "/help":
            self.terminal.print(self.help)
        else:
            self._obey(word, rest.strip())

    @abstractmethod
    def _ask(self, question: str) -> None:
        """Put a question, and show what came of it."""

    def _obey(self, word: str, rest: str) -> None:
        raise UsageError(f"no command {word}: /help says what there is")


class _Search(_Talk):
    """Questions to a search engine, one after another."""

    help = _SEARCH_HELP

    def __init__(self, retriever: Retriever, terminal: Terminal) -> None:
        super().__init__(terminal)
        self.retriever = retriever

    def _begin(self) -> None:
        by = f"asked of {self.retriever.policy}" if self.retriever.policy else "the question is the query"
        self.terminal.say(f"{self.retriever.source}, {by}; each question is taken by itself; /help says what there is")

    def _ask(self, question: str) -> None:
        _show(self.terminal, self.retriever.ask(question))

    def _obey(self, word: str, rest: str) -> None:
        if word == "/search":
            _show(self.terminal, self.retriever.run(rest))
        elif word in ("/right", "/answer", "/sql", "/schema", "/forget"):
            raise UsageError(f"{word} is for databases: /help says what there is")
        else:
            super()._obey(word, rest)


class _Chat(_Talk):
    """Questions to a database, each after those before."""

    help = _HELP

    def __init__(self, connection: Connection, terminal: Terminal, answered: str, evidence: str) -> None:
        super().__init__(terminal)
        self.connection = connection
        self.answered = answered
        self.evidence = evidence
        self.history: list[tuple[str, str]] = []
        self.last: Answer | None = None
        self.before = ""  # of the last answer: what its question may refer to

    def _begin(self) -> None:
        self.terminal.say(f"{self.connection.source}, asked of {self.connection.policy}; /help says what there is")
        if not self.connection.converses:
            self.terminal.say("this policy was taught by single questions: each is taken by itself")

    def _obey(self, word: str, rest: str) -> None:
        if word == "/right":
            self._right()
        elif word == "/answer":
            self._correct(rest)
        elif word == "/sql":
            _show(self.terminal, self.connection.run(rest))
        elif word == "/schema":
            self.terminal.print(_printable(self.connection.schema.description))
        elif word == "/forget":
            self.history.clear()
            self.last = None
        else:
            super()._obey(word, rest)

    def _ask(self, question: str) -> None:
        self.before = "; ".join(asked for asked, _ in self.history if asked != question)
        self.last = answer = self.connection.ask(
            question, evidence=self.evidence, history=self.history, say=_say(self.terminal)
        )
        _show(self.terminal, answer)
        if answer.ok and answer.query is not None and self.connection.converses:
            self.history.append((question, answer.query))

    def _right(self) -> None:
        from sqlrl.layer.marks import mark_right

        mark_right(self.answered, self._answer(), evidence=self._known())
        self._kept()

    def _correct(self, text: str) -> None:
        import json

        from sqlrl.layer.marks import mark

        answer = self._answer()
        if not text:
            raise UsageError("/answer takes what the answer should be, such as /answer 42")
        try:
            known = json.loads(text)
        except ValueError:
            if text[0] in "[{":
                raise UsageError(f"what follows /answer is no JSON: {text}") from None
            known = text
        mark(self.answered, answer.question, known, evidence=self._known())
        self._kept()

    def _answer(self) -> Answer:
        if self.last is None:
            raise UsageError("nothing was asked yet")
        return self.last

    def _known(self) -> str:
        """A question that refers to others says nothing without them."""
        return "; ".join(part for part in (self.evidence, self.before and f"asked after: {self.before}") if part)

    def _kept(self) -> None:
        self.terminal.say(f"kept in {self.answered}; sqlrl train {self.connection.source} --answered {self.answered}")


def _say(terminal: Terminal) -> Any:
    return lambda words: terminal.say(_printable(" ".join(words.split())))


def _show(terminal: Terminal, answer: Answer) -> None:
    from sqlrl.cli.cells import show_table

    if answer.query is not None:
        terminal.print(_printable(answer.query.strip()))
    if not answer.ok:
        terminal.say(f"{answer.outcome.value.replace('_', ' ')}: {_printable(answer.message)}")
        for suggestion in answer.suggestions:
            terminal.say(_printable(str(suggestion)))
        return
    terminal.print("")
    if answer.rows:
        show_table(terminal, answer.columns, answer.rows)
    count = f"{len(answer.rows):,} row{'' if len(answer.rows) == 1 else 's'}" if answer.rows else "no rows"
    facts = [f"the first {count}; --rows shows more" if answer.truncated else count]
    if answer.confidence is not None:
        facts.append(
            f"{answer.confidence:.0%} of {len([a for a in answer.attempts if a.kind == 'sample'])} samples agree"
        )
    terminal.say(", ".join(facts))


def _write(answer: Answer) -> None:
    import json
    import sys

    from sqlrl.cli.cells import plain

    escaped = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    item = answer.to_dict() | {"rows": [[plain(cell) for cell in row] for row in answer.rows]}
    sys.stdout.write(json.dumps(plain(item), ensure_ascii=escaped) + "\n")
    sys.stdout.flush()


def _printable(text: str) -> str:
    """Without the control characters that would drive the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
