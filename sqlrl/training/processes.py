"""Processes: which of a launcher's processes this one is, and how they share work and agree.

`accelerate launch -m sqlrl train ...` starts the same command in several processes, on one machine or many. They train
one policy together; the main one alone writes the run folder. Alone, nothing here costs anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

__all__ = ["ALONE", "Processes"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Processes:
    """rank: this process's place among `count`. here: processes on this machine, which share its processors;
    local_rank: its place among these. sharded: no process holds the whole weights (FSDP, DeepSpeed's third stage).
    has_master_weights: the optimiser keeps them at full width (DeepSpeed)."""

    rank: int = 0
    count: int = 1
    here: int = 1
    local_rank: int = 0
    sharded: bool = False
    has_master_weights: bool = False

    @classmethod
    def of_launcher(cls, environment: Any = os.environ) -> Self:
        """As torchrun and accelerate say by RANK, WORLD_SIZE and LOCAL_WORLD_SIZE."""
        count = int(environment.get("WORLD_SIZE", "1"))
        deepspeed = environment.get("ACCELERATE_USE_DEEPSPEED", "false") == "true"
        sharded = environment.get("ACCELERATE_USE_FSDP", "false") == "true" or (
            deepspeed and environment.get("ACCELERATE_DEEPSPEED_ZERO_STAGE") == "3"
        )
        return cls(
            rank=int(environment.get("RANK", "0")),
            count=count,
            here=int(environment.get("LOCAL_WORLD_SIZE", count)),
            local_rank=int(environment.get("LOCAL_RANK", "0")),
            sharded=sharded and count > 1,
            has_master_weights=deepspeed,
        )

    @property
    def device(self) -> str | None:
        """The device that is this process's own; None where it may take its pick."""
        import torch

        return f"cuda:{self.local_rank}" if self.count > 1 and torch.cuda.is_available() else None

    @property
    def is_launched(self) -> bool:
        """Whether a launcher started this process, beside others or alone."""
        return self.count > 1 or "WORLD_SIZE" in os.environ

    @property
    def is_main(self) -> bool:
        """Whether this process writes what the run leaves behind."""
        return self.rank == 0

    def start(self, on_cpu: bool) -> None:
        """Meet the others; before anything is shared."""
        if self.count > 1:
            from accelerate import PartialState

            PartialState(cpu=on_cpu)

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This process's part of `items`."""
        return items if self.count == 1 else items[self.rank :: self.count]

    def together(self, mine: Sequence[T]) -> list[T]:
        """Every process's parts, in the order that `share` took them from."""
        if self.count == 1:
            return list(mine)
        parts = self.all(list(mine))
        whole: list[T] = []
        for index in range(max(len(part) for part in parts)):
            whole += [part[index] for part in parts if index < len(part)]
        return whole

    def all(self, value: T) -> list[T]:
        """Each process's value, by rank."""
        if self.count == 1:
            return [value]
        from accelerate.utils import gather_object

        return list(gather_object([value]))

    def any(self, value: bool) -> bool:
        """Whether it is so in any process."""
        return value if self.count == 1 else any(self.all(value))

    def decide(self, make: Callable[[], T]) -> T:
        """What `make` gives in the main process, which alone calls it; what it raises there is raised everywhere."""
        if self.count == 1:
            return make()
        from accelerate.utils import broadcast_object_list

        said: list[Any] = [None, None]
        if self.is_main:
            try:
                said[0] = make()
            except Exception as error:
                said[1] = error
        broadcast_object_list(said)
        if said[1] is not None:
            raise said[1]
        value: T = said[0]
        return value

    def wait(self) -> None:
        """Until all have come as far."""
        if self.count > 1:
            from accelerate import PartialState

            PartialState().wait_for_everyone()


ALONE = Processes()
