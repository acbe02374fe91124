"""The local policy: a transformers checkpoint on this machine, from a folder or the hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import DataError, MissingExtraError, UnavailableError, UsageError
from sqlrl.policies import Message
from sqlrl.prompts import Prompter

if TYPE_CHECKING:
    from sqlrl.dialogue import Dialogue
    from sqlrl.environment import Environment

__all__ = ["LocalPolicy", "check_device", "load_checkpoint", "load_tokenizer"]

_MARKS = ("config.json", "adapter_config.json")


class LocalPolicy:
    """model, tokenizer: as transformers has them."""

    def __init__(self, model: Any, tokenizer: Any, name: str, prompter: Prompter | None = None, seed: int = 0) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.name = name
        self.prompter = prompter
        self.seed = seed
        self.advance: Callable[[int], None] | None = None

    @classmethod
    def from_folder(cls, folder: Path, *, device: str | None = None, seed: int = 0) -> LocalPolicy:
        """A checkpoint folder, or a run whose final checkpoint is meant."""
        place = checkpoint_in(folder)
        model, tokenizer = load_checkpoint(str(place), device=device)
        prompter = None
        settings = place / "policy.json"
        if settings.exists():
            try:
                prompter = Prompter.from_dict(json.loads(settings.read_text()))
            except ValueError as error:
                raise DataError(f"{settings}: {error}") from None
        return cls(model, tokenizer, str(folder), prompter, seed)

    @classmethod
    def from_hub(cls, identifier: str, *, device: str | None = None, seed: int = 0) -> LocalPolicy:
        """A model by its hub id; UnavailableError where it is neither cached nor to be had."""
        model, tokenizer = load_checkpoint(identifier, device=device)
        return cls(model, tokenizer, f"hf:{identifier}", None, seed)

    def generate(
        self, prompts: Sequence[list[Message]], n: int = 1, temperature: float = 0.0, max_tokens: int = 512
    ) -> list[list[str]]:
        """`n` completions for each conversation, repeatable by the seed."""
        import torch

        from sqlrl.training.rollout import sample

        ids = self._ids(prompts)
        device = next(self.model.parameters()).device
        sampled = sample(
            self.model, ids, n=n, temperature=temperature, max_tokens=max_tokens,
            eos_token_id=self.tokenizer.eos_token_id,
            pad_token_id=self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None
            else self.tokenizer.eos_token_id,
            generator=torch.Generator(device=device).manual_seed(self.seed), rows=self._rows,
            advance=self.advance,
        )  # fmt: skip
        return [self.tokenizer.batch_decode(group, skip_special_tokens=True) for group in sampled]

    def converse(
        self,
        prompts: Sequence[list[Message]],
        environments: Sequence[Environment],
        *,
        turns: int,
        temperature: float = 0.0,
        max_tokens: int = 512,
        advance: Callable[[int], None] | None = None,
    ) -> list[Dialogue]:
        """One dialogue for each conversation, with the tools of the environment beside it. max_tokens: of one turn."""
        import torch

        from sqlrl.dialogue import converse
        from sqlrl.policies.calling import prepare

        prepare(self.tokenizer)
        device = next(self.model.parameters()).device
        tools = [environments[0].describe, environments[0].run_sql] if environments and turns > 1 else None
        return converse(
            self.model, self.tokenizer, self._ids(prompts, tools), environments, turns=turns, temperature=temperature,
            max_tokens=max_tokens, generator=torch.Generator(device=device).manual_seed(self.seed), rows=self._rows,
            advance=advance,
        )  # fmt: skip

    def _ids(self, prompts: Sequence[list[Message]], tools: Sequence[Any] | None = None) -> list[list[int]]:
        prompter = self.prompter or Prompter()
        texts = [prompter.render(self.tokenizer, messages, tools) for messages in prompts]
        return [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]

    @property
    def _rows(self) -> int:
        """Sequences at once."""
        return 512 if sum(parameter.numel() for parameter in self.model.parameters()) < 50_000_000 else 16


def checkpoint_in(folder: Path) -> Path:
    """The folder itself where it holds weights, else the final checkpoint of the run that it is."""
    if not folder.is_dir():
        raise UsageError(
            f"there is no policy {str(folder)!r}: a run or checkpoint folder, hf:org/name, http://..., script:..."
        )
    for place in (folder, folder / "checkpoints" / "final"):
        if any((place / mark).exists() for mark in _MARKS):
            return place
    raise UsageError(
        f"{folder} holds no checkpoint: neither config.json nor checkpoints/final (a run that has not ended?)"
    )


def load_checkpoint(name: str, *, device: str | None = None, dtype: str | None = None) -> tuple[Any, Any]:
    """(model, tokenizer) of a folder or hub id, on `device` (by default the GPU, where there is one).

    dtype: of the weights, by torch's name; by default bfloat16 on a GPU, float32 elsewhere.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise MissingExtraError(error.name or "transformers", "train") from None
    transformers_logging.disable_progress_bar()
    if device:
        check_device(device)
    if not Path(name).exists():
        _check_hub(name)
    place = device or ("cuda" if torch.cuda.is_available() else "cpu")
    width = dtype or ("bfloat16" if place.startswith("cuda") else "float32")
    try:
        tokenizer = load_tokenizer(name)
        model = AutoModelForCausalLM.from_pretrained(name, dtype=getattr(torch, width))
    except Exception as error:  # whatever transformers, safetensors and the hub raise becomes ours here
        line = " ".join(str(error).split())[:200]
        if Path(name).exists():
            raise DataError(f"the checkpoint {name} cannot be loaded: {line}") from None
        raise UnavailableError(_not_to_be_had(name, "no network or no such model")) from None
    model.to(place)
    model.eval()
    return model, tokenizer


def load_tokenizer(name: str) -> Any:
    """The tokenizer of a folder or hub id, that pads on the left; what transformers raises where there is none."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name, padding_side="left")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def check_device(name: str) -> None:
    """UsageError where torch knows no such device, or this machine has none."""
    import torch

    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, ValueError, NotImplementedError):
        have = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        raise UsageError(f"no device {name!r} on this machine; it has {', '.join(have)}") from None


def _check_hub(name: str) -> None:
    """UnavailableError at once where weights are not cached and the hub's host is not to be found: the hub's own client
    would try again and again, and say so each time."""
    import os
    import socket
    from urllib.parse import urlsplit

    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        if isinstance(try_to_load_from_cache(name, "config.json"), str):
            return
    except HFValidationError:
        raise UsageError(f"hf:{name} is not a hub id: write hf:org/name") from None
    if any(os.environ.get(key) for key in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return  # names are the proxy's to find
    if constants.HF_HUB_OFFLINE:
        raise UnavailableError(_not_to_be_had(name, "HF_HUB_OFFLINE is set"))
    where = urlsplit(constants.ENDPOINT)
    try:
        socket.create_connection((where.hostname or "", where.port or 443), timeout=5).close()
    except OSError:
        raise UnavailableError(_not_to_be_had(name, "no network")) from None


def _not_to_be_had(name: str, why: str) -> str:
    return (
        f"the model {name} is neither in the local cache nor to be had from the hub ({why}); "
        "without weights, train the tiny policy: --policy tiny"
    )
