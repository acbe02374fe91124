"""The scripted policy: says what a file says; for tests, and for completions made elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrl.executors.errors import DataError, UsageError
from sqlrl.policies import Message

if TYPE_CHECKING:
    from sqlrl.prompts import Prompter

__all__ = ["ScriptedPolicy"]


class ScriptedPolicy:
    """script: the last part of a prompt -> its completions, given in turn. otherwise: said where nothing fits."""

    def __init__(
        self, script: Mapping[str, Sequence[str]], otherwise: str | None = None, prompter: Prompter | None = None
    ) -> None:
        self.name = "script"
        self.script = {key: tuple(values) for key, values in script.items()}
        self.otherwise = otherwise
        self.prompter = prompter

    @classmethod
    def read(cls, path: Path) -> ScriptedPolicy:
        """JSON lines with `question` and `completion` (text, or a list of texts)."""
        script: dict[str, list[str]] = {}
        number = 0
        try:
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):  # noqa: B007 (named in the error)
                if not line.strip():
                    continue
                item = json.loads(line)
                said = item["completion"]
                script.setdefault(item["question"], []).extend([said] if isinstance(said, str) else said)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}, line {number}: needs 'question' and 'completion' ({error})") from None
        return cls(script)

    def generate(
        self, prompts: Sequence[list[Message]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        """The completions of the longest question that a prompt holds."""
        return [self._said(prompt[-1]["content"], n) for prompt in prompts]

    def _said(self, prompt: str, n: int) -> list[str]:
        fitting = [question for question in self.script if question in prompt]
        if fitting:
            said = self.script[max(fitting, key=len)]
            return [said[index % len(said)] for index in range(n)]
        if self.otherwise is None:
            raise DataError(f"the script has no completion for the prompt that ends in {prompt[-60:]!r}")
        return [self.otherwise] * n
