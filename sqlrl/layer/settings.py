"""Settings: what a connection does to make its answers better, and how far it goes; each can be switched off."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from sqlrl.executors.base import check_count
from sqlrl.executors.errors import UsageError, nearest

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """rows: of an answer; where there are more, it is `truncated`. deadline: seconds for a whole call, None for none.

    samples: queries that are drawn for a question and voted on by their results; 1 asks once, without chance.
    temperature: of several samples. max_tokens: of a completion. repairs: how often the engine's error is given back to
    the policy at most; 0 for never. suggestions: whether names that are not there are answered with those that are.

    schema_characters: how long the description of the database may be; of a longer one the tables that the question
    seems to be about are kept, None for all of it. values: how many cells that the question seems to name a policy is
    told of; 0 for none, and no cell is read. cell_characters: of a cell in a prompt. sample_rows: of each table, shown
    to the policy; 0 for none. policy_dialect: what the policy speaks, where that is not the source's dialect.
    """

    rows: int = 1_000
    deadline: float | None = 60.0
    samples: int = 1
    temperature: float = 0.8
    max_tokens: int = 1_024
    repairs: int = 2
    suggestions: bool = True
    schema_characters: int | None = 24_000
    values: int = 8
    cell_characters: int = 60
    sample_rows: int = 0
    policy_dialect: str | None = None

    def __post_init__(self) -> None:
        for name, least in (
            ("rows", 1), ("samples", 1), ("max_tokens", 1), ("repairs", 0), ("values", 0), ("cell_characters", 4),
            ("sample_rows", 0), ("schema_characters", 1),
        ):  # fmt: skip
            if getattr(self, name) is None and name != "schema_characters":
                raise UsageError(f"{name} must be {least} or more (a whole number), not None")
            check_count(getattr(self, name), name, least)
        if isinstance(self.temperature, bool) or not isinstance(self.temperature, (int, float)):
            raise UsageError(f"temperature is a number, not {self.temperature!r}")
        if not 0 <= self.temperature <= 2:
            raise UsageError(f"temperature is between 0 and 2, not {self.temperature:g}")
        from sqlrl.layer.dialects import PARSERS

        if self.policy_dialect is not None and self.policy_dialect not in PARSERS:
            raise UsageError(f"no dialect {self.policy_dialect!r}{nearest(self.policy_dialect, PARSERS)}")
        from sqlrl.layer.deadline import Deadline

        Deadline(self.deadline)

    @classmethod
    def of(cls, given: dict[str, Any]) -> Self:
        """From keywords. UsageError for one that there is not."""
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UsageError(f"connect has no setting {name!r}{nearest(name, known)}")
        return cls(**given)
