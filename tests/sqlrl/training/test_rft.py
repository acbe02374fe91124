"""What is kept of a policy's samples."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sqlrl.training.rft import harvest


class Bonus:
    """Pays 6 for what is right and more for its length, as SQL-R1 does; less for the rest; nothing where none can."""

    least_right = 6.0

    def __call__(self, prompts: Any, completions: list[str], example_id: list[str], **_: Any) -> list[float | None]:
        return [{"right": 6.2, "longer": 6.9, "wrong": 0.0, "unknown": None}[said] for said in completions]


def test_every_right_sample_is_kept_whatever_its_bonus() -> None:
    groups = [["right", "right", "longer", "wrong"], ["wrong", "wrong", "unknown", "wrong"]]
    learner: Any = SimpleNamespace(complete=lambda *_, **__: groups)
    examples: list[Any] = [SimpleNamespace(id="a"), SimpleNamespace(id="b")]
    found = harvest(learner, examples, Bonus(), samples=4, keep=2, temperature=1.0, seed=0)
    assert found.pairs == (("a", "right"), ("a", "longer"))
    assert (found.solved, found.right) == (0.5, 3 / 8)
