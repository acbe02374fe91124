"""A learner: a policy in training, with the one way in which its questions are put and its answers read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.dialogue import Dialogue
    from sqlrl.environment import EnvironmentFactory
    from sqlrl.prompts import Prompter

__all__ = ["Learner"]


@dataclass(slots=True)
class Learner:
    """model, tokenizer: as transformers has them. describe: database description of an example. environments: where a
    policy looks before it answers, None where it answers in one turn. max_completion_tokens: of one turn."""

    model: Any
    tokenizer: Any
    prompter: Prompter
    describe: Callable[[Example], str]
    max_completion_tokens: int
    rows: int = 1024  # sequences sampled at once
    environments: EnvironmentFactory | None = None
    _prompt_ids: dict[str, list[int]] = field(default_factory=dict)

    def messages(self, example: Example) -> list[dict[str, str]]:
        """The chat messages that put this example's question."""
        return self.prompter.messages(example, self.describe(example))

    def prompt_ids(self, example: Example) -> list[int]:
        """The same as token ids, up to where the policy starts to write."""
        ids = self._prompt_ids.get(example.id)
        if ids is None:
            tools = self.environments.tools if self.environments else None
            text = self.prompter.render(self.tokenizer, self.messages(example), tools)
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            self._prompt_ids[example.id] = ids
        return ids

    def completion_ids(self, completion: str) -> list[int]:
        """A completion's token ids, with the end token."""
        return [*self.tokenizer(completion, add_special_tokens=False)["input_ids"], self.tokenizer.eos_token_id]

    def complete(
        self,
        examples: Sequence[Example],
        *,
        n: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
        advance: Callable[[int], None] | None = None,
    ) -> list[list[str]]:
        """`n` completions for each example, as text; of a dialogue, its last word."""
        import torch

        if self.environments is not None:
            from sqlrl.dialogue import last_word

            held = self.converse(examples, n=n, temperature=temperature, seed=seed, advance=advance)
            return [[last_word(dialogue.messages) for dialogue in group] for group in held]

        from sqlrl.training.rollout import sample

        device = next(self.model.parameters()).device
        generator = torch.Generator(device=device).manual_seed(seed)
        sampled = sample(
            self.model,
            [self.prompt_ids(example) for example in examples],
            n=n,
            temperature=temperature,
            max_tokens=self.max_completion_tokens,
            eos_token_id=self.tokenizer.eos_token_id,
            pad_token_id=self.tokenizer.pad_token_id,
            generator=generator,
            rows=self.rows,
            advance=advance,
        )
        return [self.tokenizer.batch_decode(group, skip_special_tokens=True) for group in sampled]

    def converse(
        self,
        examples: Sequence[Example],
        *,
        n: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
        advance: Callable[[int], None] | None = None,
    ) -> list[list[Dialogue]]:
        """`n` dialogues about each example."""
        import torch

        from sqlrl.dialogue import converse

        assert self.environments is not None
        asked = [example for example in examples for _ in range(n)]
        rooms = [self.environments() for _ in asked]
        for room, example in zip(rooms, asked, strict=True):
            room.reset(example_id=example.id)
        ended = 0

        def ends(count: int) -> None:
            nonlocal ended
            before, ended = ended // n, ended + count
            if advance is not None:
                advance(ended // n - before)

        device = next(self.model.parameters()).device
        held = converse(
            self.model, self.tokenizer, [self.prompt_ids(example) for example in asked], rooms,
            turns=self.prompter.turns, temperature=temperature, max_tokens=self.max_completion_tokens,
            generator=torch.Generator(device=device).manual_seed(seed), rows=self.rows, advance=ends,
        )  # fmt: skip
        return [held[start : start + n] for start in range(0, len(held), n)]

    def save(self, folder: Path, prompting: Mapping[str, Any] | None = None) -> None:
        """Write weights, tokenizer and how prompts are put (`policy.json`) to `folder`."""
        import json

        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        if prompting is not None:
            (folder / "policy.json").write_text(json.dumps(dict(prompting), indent=2) + "\n")
