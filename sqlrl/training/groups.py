"""Groups: the questions of one GRPO step and the completions sampled for each, chosen so that they teach something.

A group whose rewards are all alike has no advantage and moves nothing, yet costs a full update; from a good start half
of the groups are of that kind. Sampling is the cheaper half of a step for a small policy, so more questions are sampled
than a step can hold, and the groups that disagree within themselves are kept (dynamic sampling, DAPO,
arXiv 2503.14476). Questions that were always solved when last seen are visited less often. For the same reason a
question may be answered more often than its group can hold: those completions are kept whose rewards differ most
(down-sampling, PODS, arXiv 2504.13818), so that one right answer among many teaches as much as one among few.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlrl.training.processes import ALONE, Processes

__all__ = ["Groups", "Tally", "spread"]

REST = 4  # a question solved by its whole group rests for this many visits


@dataclass(slots=True)
class Tally:
    """What one step's sampling saw, before any group was left out. Rates are over groups. parts: what the reward says
    of the samples, by its names."""

    groups: int = 0
    dead: int = 0
    solved: int = 0
    reward_sum: float = 0.0
    rewards: int = 0
    reward_seconds: float = 0.0
    sample_seconds: float = 0.0
    completions: int = 0
    unpaid: int = 0
    parts: dict[str, float] = field(default_factory=dict)

    def count(self, rewards: Sequence[float | None], least_right: float) -> str:
        """Add one group's rewards; "live" where they differ, else "solved" or "dead".

        least_right: what a right answer earns at least.
        """
        mine = [value for value in rewards if value is not None]
        alive = bool(mine) and max(mine) - min(mine) > 1e-9
        solved = bool(mine) and min(mine) >= least_right
        self.groups += 1
        self.dead += not alive
        self.solved += solved
        self.reward_sum += sum(mine)
        self.rewards += len(mine)
        self.completions += len(rewards)
        self.unpaid += len(rewards) - len(mine)
        return "live" if alive else "solved" if solved else "dead"

    @classmethod
    def joined(cls, tallies: Sequence[Tally]) -> Tally:
        """Of several processes' tallies of one step: counts added; seconds as the slowest took."""
        whole = cls(
            **{
                name: sum(getattr(tally, name) for tally in tallies)
                for name in cls.__slots__
                if not name.endswith("_seconds") and name != "parts"
            }
        )
        whole.reward_seconds = max(tally.reward_seconds for tally in tallies)
        names = {name for tally in tallies for name in tally.parts}
        whole.parts = {name: sum(tally.parts.get(name, 0.0) for tally in tallies) / len(tallies) for name in names}
        whole.sample_seconds = max(tally.sample_seconds for tally in tallies)
        return whole

    def metrics(self) -> dict[str, float]:
        groups = max(1, self.groups)
        return {
            **self.parts,
            "sampled_reward": self.reward_sum / max(1, self.rewards),
            "dead_groups": self.dead / groups,
            "solved_groups": self.solved / groups,
            "sampled_completions": float(self.completions),
            "unpaid_completions": float(self.unpaid),
            "reward_seconds": self.reward_seconds,
            "sample_seconds": self.sample_seconds,
        }


@dataclass(slots=True)
class Order:
    """Which questions come next: shuffled rounds over all, those that were solved resting for some rounds."""

    identifiers: Sequence[str]
    seed: int
    round: int = 0
    queue: list[str] = field(default_factory=list)
    resting: dict[str, int] = field(default_factory=dict)

    def take(self, count: int) -> list[str]:
        """The next `count` identifiers, none twice."""
        taken: list[str] = []
        passed: set[str] = set()
        while len(taken) < min(count, len(self.identifiers)):
            if not self.queue:
                self._refill(passed)
            identifier = self.queue.pop()
            if identifier not in passed:
                taken.append(identifier)
                passed.add(identifier)
        return taken

    def _refill(self, leave_out: set[str]) -> None:
        self.queue = []
        while not set(self.queue) - leave_out:  # all may be resting
            awake = [identifier for identifier in self.identifiers if self.resting.get(identifier, 0) <= 0]
            self.resting = {name: left - 1 for name, left in self.resting.items() if left > 1}
            random.Random(f"{self.seed}/{self.round}").shuffle(awake)
            self.round += 1
            self.queue = awake

    def solved(self, identifier: str) -> None:
        self.resting[identifier] = REST

    def state(self) -> dict[str, Any]:
        return {"round": self.round, "queue": self.queue, "resting": self.resting}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.round, self.queue, self.resting = state["round"], list(state["queue"]), dict(state["resting"])


@dataclass(frozen=True, slots=True)
class Drawn:
    """One completion. ids: its tokens; mask: 1 for those that the policy wrote, 0 for what a database said between.
    word: the text that is paid. unavailable: a database did not answer, so it is not paid at all."""

    ids: list[int]
    mask: list[int]
    word: str
    unavailable: bool = False


class Groups:
    """TRL's `rollout_func`: for each step, prompts and completions as token ids, and which example each answers.

    learner, examples: who answers what. reward: TRL's reward shape. size: completions of a question that are trained
    on; samples: how many are drawn, at least `size`. dynamic: choose questions whose completions disagree, else take
    those that TRL's sampler drew.
    """

    def __init__(
        self,
        learner: Any,
        examples: Sequence[Any],
        reward: Any,
        *,
        size: int,
        temperature: float,
        seed: int,
        samples: int | None = None,
        dynamic: bool = True,
        waves: int = 2,
        processes: Processes = ALONE,
    ) -> None:
        self.learner = learner
        self.examples = {example.id: example for example in examples}
        self.processes = processes
        self.reward = reward
        self.size = size
        self.samples = max(size, samples or size)
        self.temperature = temperature
        self.seed = seed
        self.dynamic = dynamic
        self.waves = waves
        self.order = Order(processes.share(list(self.examples)), seed)
        self.live_rate = 0.5
        self.tally = Tally()
        self.seen: list[dict[str, Any]] = []  # the last step's samples, for readers
        self.__name__ = "groups"

    def __call__(self, prompts: Sequence[Any], trainer: Any) -> dict[str, list[Any]]:
        self.tally = Tally()
        self.seen = []
        account = getattr(self.reward, "account", None)
        wanted = len(prompts) // self.size
        step = int(trainer.state.global_step)
        if self.dynamic:
            chosen = self._choose_live(wanted, step)
        else:
            drawn = [prompt[-1]["example_id"] for prompt in prompts[:: self.size]]
            chosen = [(name, group) for name, group, _ in self._sample(drawn, step, wave=0)]
        if account is not None:
            self.tally.parts = self.reward.account.since(account).metrics()
        drawn_all = [(name, sampled) for name, group in chosen for sampled in group]
        # Without vLLM the trainer computes its own log-probabilities; these are only looked at for their presence.
        return {
            "prompt_ids": [self.learner.prompt_ids(self.examples[name]) for name, _ in drawn_all],
            "completion_ids": [sampled.ids for _, sampled in drawn_all],
            "logprobs": None,  # type: ignore[dict-item]
            "example_id": [name for name, _ in drawn_all],
            **(_of_dialogues([sampled for _, sampled in drawn_all]) if self.learner.environments else {}),
        }

    def _choose_live(self, wanted: int, step: int) -> list[tuple[str, list[Drawn]]]:
        live: list[tuple[str, list[Drawn]]] = []
        dead: list[tuple[str, list[Drawn]]] = []
        for wave in range(self.waves):
            missing = wanted - len(live)
            if missing <= 0:
                break
            count = max(1, round(missing / max(0.25, self.live_rate)))
            for name, group, alive in self._sample(self.order.take(count), step, wave):
                (live if alive else dead).append((name, group))
        self.live_rate = 0.8 * self.live_rate + 0.2 * len(live) / max(1, len(live) + len(dead))
        chosen = (live + dead)[:wanted]
        while len(chosen) < wanted:  # fewer questions than places: some come twice
            chosen.append(chosen[len(chosen) % max(1, len(live) + len(dead))])
        return chosen

    def _sample(self, names: Sequence[str], step: int, wave: int) -> list[tuple[str, list[Drawn], bool]]:
        """(example id, the `size` completions to train on, whether rewards differ) for each name."""
        import time

        started = time.perf_counter()
        learner = self.learner
        # Seeded by the step, not by what went before: a resumed run samples what it would have sampled.
        place = f"/{self.processes.rank}" if self.processes.count > 1 else ""
        seed = random.Random(f"{self.seed}/{step}/{wave}{place}").getrandbits(63)
        groups = self._draw([self.examples[name] for name in names], seed)
        texts = [drawn.word for group in groups for drawn in group]
        sampled = time.perf_counter()
        details: dict[str, list[Any]] = {}
        rewards = self.reward(
            prompts=[""] * len(texts),
            completions=texts,
            example_id=[name for name in names for _ in range(self.samples)],
            log_extra=details.__setitem__,
        )
        nobodys = [drawn.unavailable for group in groups for drawn in group]
        rewards = [None if nobody else value for nobody, value in zip(nobodys, rewards, strict=True)]
        self.tally.sample_seconds += sampled - started
        self.tally.reward_seconds += time.perf_counter() - sampled
        graded = []
        for index, (name, group) in enumerate(zip(names, groups, strict=True)):
            texts_here = texts[index * self.samples : (index + 1) * self.samples]
            rewards_here = rewards[index * self.samples : (index + 1) * self.samples]
            self.seen.extend(
                {
                    "example_id": name,
                    "database": self.examples[name].labels.get("database", ""),
                    "question": self.examples[name].question,
                    "completion": text,
                    "reward": value,
                }
                | {word: column[index * self.samples + place] for word, column in details.items()}
                for place, (text, value) in enumerate(zip(texts_here, rewards_here, strict=True))
            )
            word = self.tally.count(rewards_here, self.reward.least_right)
            ended = [bool(drawn.ids) and drawn.ids[-1] == learner.tokenizer.eos_token_id for drawn in group]
            graded.append((name, [group[i] for i in spread(rewards_here, ended, self.size)], word == "live"))
            if word == "solved":
                self.order.solved(name)
        return graded

    def _draw(self, examples: Sequence[Any], seed: int) -> list[list[Drawn]]:
        """`samples` completions, or dialogues, of each example."""
        import torch

        from sqlrl.dialogue import last_word
        from sqlrl.training.rollout import sample

        learner = self.learner
        if learner.environments is not None:
            held = learner.converse(examples, n=self.samples, temperature=self.temperature, seed=seed)
            return [[Drawn(d.ids, d.mask, last_word(d.messages), d.unavailable) for d in group] for group in held]
        groups = sample(
            learner.model,
            [learner.prompt_ids(example) for example in examples],
            n=self.samples,
            temperature=self.temperature,
            max_tokens=learner.max_completion_tokens,
            eos_token_id=learner.tokenizer.eos_token_id,
            pad_token_id=learner.tokenizer.pad_token_id,
            generator=torch.Generator(device=next(learner.model.parameters()).device).manual_seed(seed),
        )
        texts = iter(
            learner.tokenizer.batch_decode([ids for group in groups for ids in group], skip_special_tokens=True)
        )
        return [[Drawn(ids, [1] * len(ids), next(texts)) for ids in group] for group in groups]

    def save(self, folder: Path, rank: int = 0) -> None:
        """Write what a resumed run needs to go on alike to `folder`/groups.json (each process its own)."""
        state = {"live_rate": self.live_rate, "order": self.order.state()}
        folder.mkdir(parents=True, exist_ok=True)
        _state_file(folder, rank).write_text(json.dumps(state))

    def restore(self, folder: Path, rank: int = 0) -> None:
        """Take up where `save` left."""
        state = json.loads(_state_file(folder, rank).read_text())
        self.live_rate = state["live_rate"]
        self.order.restore(state["order"])


def _of_dialogues(drawn: Sequence[Drawn]) -> dict[str, list[Any]]:
    """What TRL and the reward must know of dialogues besides."""
    return {"env_mask": [dialogue.mask for dialogue in drawn], "word": [dialogue.word for dialogue in drawn]}


def _state_file(folder: Path, rank: int) -> Path:
    return folder / (f"groups-{rank}.json" if rank else "groups.json")


def spread(rewards: Sequence[float | None], ended: Sequence[bool], size: int) -> list[int]:
    """Which `size` of a question's completions to train on: those whose rewards vary most, as indexes in order.

    The subset of most variance is the best and the worst few. Among equals, completions that came to their end go
    first, since one that was cut off is long and says little; completions that could not be judged go last.
    """
    if len(rewards) <= size:
        return list(range(len(rewards)))
    judged = [index for index, value in enumerate(rewards) if value is not None]
    by_reward = sorted(judged, key=lambda index: (-(rewards[index] or 0.0), not ended[index], index))
    taken: list[int] = []
    if len(by_reward) >= size:
        values = [rewards[index] or 0.0 for index in by_reward]
        best = max(
            range(size + 1), key=lambda top: (_variance(values[:top] + values[len(values) - size + top :]), -top)
        )
        taken = by_reward[:best]
        worst = sorted(judged, key=lambda index: (rewards[index] or 0.0, not ended[index], index))
        taken += [index for index in worst if index not in taken][: size - best]
    else:
        taken = judged + [index for index in range(len(rewards)) if rewards[index] is None][: size - len(judged)]
    return sorted(taken)


def _variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values)
