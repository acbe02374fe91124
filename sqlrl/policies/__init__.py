"""Policies: who writes queries, by a word: a run, a checkpoint, a hub model, an endpoint, a script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sqlrl.executors.errors import UsageError

if TYPE_CHECKING:
    from sqlrl.prompts import Prompter

__all__ = ["Message", "Policy", "load_policy"]

Message = dict[str, str]


@runtime_checkable
class Policy(Protocol):
    """Takes conversations and continues each. prompter: how it was taught to be asked, None where anyhow will do."""

    name: str
    prompter: Prompter | None

    def generate(
        self, prompts: Sequence[list[Message]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        """`n` completions for each conversation."""


def load_policy(
    word: str,
    *,
    device: str | None = None,
    seed: int = 0,
    parallel: int = 8,
    timeout: float = 300.0,
    cache: Path | None = None,
) -> Policy:
    """The policy that a word names: `runs/<run>` or a checkpoint folder, `hf:org/name`, `http://host/v1#model`,
    `script:file.jsonl`, `question:` (the question as the query), `words:` (any of its words, for
    Boolean engines), `expand:` (the question with words of its first hits besides).
    parallel, timeout, cache: of an endpoint, see `EndpointPolicy`."""
    if word == "tiny":
        raise UsageError("'tiny' is made by `sqlrl train`; give the run that it made: --policy runs/<run>")
    if word == "question:":
        from sqlrl.policies.question import QuestionPolicy

        return QuestionPolicy()
    if word == "words:":
        from sqlrl.policies.question import WordsPolicy

        return WordsPolicy()
    if word == "expand:":
        from sqlrl.policies.expansion import ExpansionPolicy

        return ExpansionPolicy()
    if word.startswith("script:"):
        from sqlrl.policies.scripted import ScriptedPolicy

        return ScriptedPolicy.read(Path(word.removeprefix("script:")))
    if word.startswith(("http://", "https://")):
        from sqlrl.policies.endpoint import EndpointPolicy

        return EndpointPolicy.at(word, seed=seed, parallel=parallel, timeout=timeout, cache=cache)
    if "://" in word:
        raise UsageError(f"no policy {word!r}: an endpoint is http://host/v1#model, or https")
    from sqlrl.policies.local import LocalPolicy

    if word.startswith("hf:"):
        return LocalPolicy.from_hub(word.removeprefix("hf:"), device=device, seed=seed)
    return LocalPolicy.from_folder(Path(word), device=device, seed=seed)
