"""The recorder: writes what a trainer measures to the run's metrics, moves the progress bar, and stops when asked to.

This module imports transformers; import it only where a trainer is about to run.
"""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from sqlrl.executors.errors import UnavailableError
from sqlrl.runs import write_text
from sqlrl.training.checkpoints import MARK
from sqlrl.training.failures import DivergedError
from sqlrl.training.groups import Tally
from sqlrl.training.processes import ALONE, Processes

if TYPE_CHECKING:
    from sqlrl.prompts import Prompter

__all__ = ["Recorder", "Stop", "stop_on_interrupt"]

UNPAID_STEPS = 3  # GRPO steps without one judged completion that a run goes on through

# TRL's names, and ours. Not its num_tokens: a resumed run counts them from nought.
NAMES = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "gradient_norm",
    "entropy": "entropy",
    "mean_token_accuracy": "token_accuracy",
    "reward": "reward",
    "reward_std": "reward_std",
    "frac_reward_zero_std": "dead_groups_trained",
    "completions/mean_length": "completion_tokens",
    "completions/clipped_ratio": "clipped",
    "kl": "kl",
    "tools/call_frequency": "tool_calls",
    "tools/failure_frequency": "tool_failures",
}


class Stop:
    """Whether somebody has asked the run to stop; set by the first Ctrl-C."""

    def __init__(self) -> None:
        self.asked = False


@contextmanager
def stop_on_interrupt(stop: Stop, acknowledge: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Take the first Ctrl-C (or SIGTERM) as a wish to save and stop, and say so; the second interrupts at once."""

    def ask(number: int, frame: Any) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True
        acknowledge()

    try:
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: nobody's Ctrl-C comes here
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Recorder(TrainerCallback):
    """Between one TRL trainer and one run.

    record: takes each step's metrics as a dict. advance: moves a progress bar by one step. every: steps that may end
    in a checkpoint (a generation's last update). groups: GRPO's sampler, whose tally belongs to each step's line and
    whose state belongs to each checkpoint. reward: what GRPO's trainer asks; its time is told as a share of the step's.
    """

    def __init__(
        self,
        stage: str,
        record: Callable[[dict[str, Any]], None],
        *,
        stop: Stop,
        advance: Callable[[int, str], None] | None = None,
        every: int = 1,
        at_step: Callable[[int], None] | None = None,
        prompter: Prompter | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.stage = stage
        self.record = record
        self.stop = stop
        self.advance = advance
        self.every = every
        self.at_step = at_step
        self.prompter = prompter
        self.processes = processes
        self.groups: Any = None
        self.trainer: Any = None
        self.unpaid_steps = 0
        self.reward: Any = None
        self.reward_seconds = 0.0
        self.step_started = 0.0
        self.stopped = False

    def attach(self, groups: Any = None, reward: Any = None, trainer: Any = None) -> None:
        self.groups = groups
        self.trainer = trainer
        self.reward = reward
        self.reward_seconds = self._reward_seconds()

    def _reward_seconds(self) -> float:
        """What the reward has taken so far, the trainer's own calls included."""
        account = getattr(self.reward, "account", None)
        return float(account.seconds.get("all", 0.0)) if account is not None else 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.step_started = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        at_boundary = state.global_step % self.every == 0
        if at_boundary and self.processes.any(self.stop.asked) and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop = True
            self.stopped = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if not logs or "train_runtime" in logs:
            return
        line: dict[str, Any] = {
            "stage": self.stage,
            "step": state.global_step,
            "seconds": round(time.perf_counter() - self.step_started, 4),
        }
        for theirs, ours in NAMES.items():
            if logs.get(theirs) is not None:  # None: of a step whose completions could not be judged
                line[ours] = float(logs[theirs])
        line.update({name: float(value) for name, value in logs.items() if name.startswith("reward/")})
        if self.groups is not None:
            tally = Tally.joined(self.processes.all(self.groups.tally))
            line.update(tally.metrics())
            self._need_rewards(tally)
        if self.reward is not None:
            spent, self.reward_seconds = self._reward_seconds() - self.reward_seconds, self._reward_seconds()
            line["reward/share_of_seconds"] = round(spent / line["seconds"], 6) if line["seconds"] else 0.0
        self.record(line)
        for name in ("loss", "gradient_norm"):  # before a checkpoint of these weights is written
            if not math.isfinite(line.get(name, 0.0)):
                raise DivergedError(self.stage, state.global_step, name.replace("_", " "))
        if self.advance is not None:
            shown = line.get("sampled_reward", line.get("loss"))
            word = "reward" if "sampled_reward" in line else "loss"
            self.advance(1, f"{word} {shown:.3f}" if shown is not None else "")
        if self.at_step is not None:
            self.at_step(state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self.groups is not None:
            self.groups.save(folder, self.processes.rank)
        self.processes.wait()
        if self.processes.is_main and self.prompter is not None:  # last: a checkpoint that has it is whole
            write_text(folder / MARK, json.dumps(self.prompter.to_dict(), indent=2) + "\n")

    def save_whole(self, folder: Path) -> None:
        """Write weights that no process holds as a whole to `folder`; every process takes part."""
        beside = folder.with_name(f"{folder.name}.part")
        self.trainer.save_model(str(beside))
        if self.processes.is_main:
            self.trainer.processing_class.save_pretrained(beside)
            assert self.prompter is not None
            write_text(beside / MARK, json.dumps(self.prompter.to_dict(), indent=2) + "\n")
            beside.rename(folder)
        self.processes.wait()

    def _need_rewards(self, tally: Tally) -> None:
        """UnavailableError where no completion of several steps in a row could be judged: nothing is learnt."""
        self.unpaid_steps = self.unpaid_steps + 1 if tally.completions and not tally.rewards else 0
        if self.unpaid_steps >= UNPAID_STEPS:
            raise UnavailableError(
                f"{self.stage}: no completion of the last {UNPAID_STEPS} steps could be judged: "
                "the databases are gone, or cannot be opened"
            )
