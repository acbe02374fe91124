"""What TRL's own sampling is paid is counted group by group, and passed through as it is."""

from __future__ import annotations

from typing import Any

from sqlrl.benchmarks.base import Example
from sqlrl.executors.base import Gold
from sqlrl.training.witness import Witness


class _Reward:
    __name__ = "fixed"
    least_right = 1.0

    def __call__(self, prompts: Any, completions: Any, example_id: Any, **columns: Any) -> list[float | None]:
        columns["log_extra"]("reason", ["said"] * len(completions))
        return [1.0, 1.0, 0.0, 1.0, None, None]


def test_groups_are_counted_and_samples_kept() -> None:
    examples = [Example(name, f"{name}?", Gold(query="SELECT 1"), labels={"database": "shop"}) for name in "abc"]
    witness = Witness(_Reward(), examples, 2)
    logged: dict[str, Any] = {}
    said = [[{"role": "assistant", "content": f"{place}"}] for place in range(6)]
    values = witness([""] * 6, said, list("aabbcc"), log_extra=logged.__setitem__)
    assert values == [1.0, 1.0, 0.0, 1.0, None, None]
    assert (witness.tally.groups, witness.tally.dead, witness.tally.solved, witness.tally.unpaid) == (3, 2, 1, 2)
    assert logged == {"reason": ["said"] * 6}
    assert witness.seen[2] == {
        "example_id": "b", "database": "shop", "question": "b?", "completion": "2", "reward": 0.0, "reason": "said",
    }  # fmt: skip
