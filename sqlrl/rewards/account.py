"""An account: what a reward has paid, for what, and the time that it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from sqlrl.rewards.presets import KINDS

if TYPE_CHECKING:
    from sqlrl.answers import Answer
    from sqlrl.rewards.presets import Parts

__all__ = ["Account"]


@dataclass(slots=True)
class Account:
    """Sums over completions. paid_for: the parts that `metrics` tells, of which the preset pays something for.

    kinds: how many completions ended each way (see `sqlrl.rewards.presets.KINDS`). parts: what they earned, by part.
    seconds: wall time, in all ("all") and of it "parsing" completions and "executing" queries. leaks: of the queries to
    questions whose answers are known, "all" and those that give one away ("leaking", see `sqlrl.leakage`).
    """

    paid_for: tuple[str, ...] = ()
    kinds: Counter[str] = field(default_factory=Counter)
    parts: dict[str, float] = field(default_factory=dict)
    characters: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    leaks: Counter[str] = field(default_factory=Counter)

    def enter(self, kind: str, answer: Answer, parts: Parts | None, leaking: bool | None = None) -> None:
        """One completion more. leaking: whether its query gives the answer away; None where no answer is known."""
        self.kinds[kind] += 1
        for name in self.paid_for if parts is not None else ():
            self.parts[name] = self.parts.get(name, 0.0) + getattr(parts, name)
        if answer.query is not None:
            self.characters["thinking"] += len(answer.thinking)
            self.characters["query"] += len(answer.query)
            if leaking is not None:
                self.leaks.update({"all": 1, "leaking": int(leaking)})

    def since(self, earlier: Account) -> Self:
        """What was entered after `earlier`, a copy of this account from then."""
        return type(self)(
            self.paid_for,
            self.kinds - earlier.kinds,
            {name: value - earlier.parts.get(name, 0.0) for name, value in self.parts.items()},
            self.characters - earlier.characters,
            {name: value - earlier.seconds.get(name, 0.0) for name, value in self.seconds.items()},
            self.leaks - earlier.leaks,
        )

    @classmethod
    def sum(cls, accounts: Iterable[Account]) -> Self:
        """All of them in one, which shares nothing with any."""
        total = cls()
        for account in accounts:
            total.paid_for = account.paid_for
            total.kinds.update(account.kinds)
            total.characters.update(account.characters)
            total.leaks.update(account.leaks)
            for mine, theirs in ((total.parts, account.parts), (total.seconds, account.seconds)):
                for name, value in theirs.items():
                    mine[name] = mine.get(name, 0.0) + value
        return total

    def metrics(self) -> dict[str, float]:
        """For logs: the mean of each part over the completions that were judged, the share of each kind in all, mean
        characters where the form is right, the share of leaking queries where answers are known, seconds."""
        count = self.kinds.total()
        judged = count - self.kinds["unjudged"]
        formed = count - self.kinds["malformed"]
        found = {f"reward/{name}": self.parts.get(name, 0.0) / judged for name in self.paid_for if judged}
        found |= {f"reward/{kind}": self.kinds[kind] / count for kind in KINDS if count}
        found |= {
            f"reward/{name}_characters": self.characters[name] / formed for name in ("thinking", "query") if formed
        }
        if self.leaks["all"]:
            found["reward/leaking"] = self.leaks["leaking"] / self.leaks["all"]
        found["reward/seconds"] = self.seconds.get("all", 0.0)
        return found | {f"reward/{name}_seconds": self.seconds.get(name, 0.0) for name in ("parsing", "executing")}
