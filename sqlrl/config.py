"""Configuration: one dataclass a command; its keys are the flags, and what a run folder's config.yaml holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from sqlrl.executors.errors import DataError, UsageError, nearest
from sqlrl.executors.source import is_server

__all__ = ["SAMPLING_TEMPERATURE", "EvalConfig", "TrainConfig", "read_config", "write_config"]

SAMPLING_TEMPERATURE = 0.8  # where several samples are asked for and nothing else is said


class _Config:
    """What both share."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Unknown keys are an error, with the nearest known one."""
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        for key in values:
            if key not in known:
                raise UsageError(f"no setting {key!r}{nearest(key, known)}")
        return cls(**values)

    def _check(
        self, at_least_one: Sequence[str] = (), above_nought: Sequence[str] = (), not_negative: Sequence[str] = ()
    ) -> None:
        """UsageError that names the first flag whose number is out of range; None stands for a default, and is fine."""
        for names, what, holds in (
            (at_least_one, "at least 1", lambda value: value >= 1),
            (above_nought, "a number above 0", lambda value: 0 < value < float("inf")),
            (not_negative, "0 or more", lambda value: value >= 0),
        ):
            for name in names:
                value = getattr(self, name)
                if value is not None and not holds(value):
                    raise UsageError(f"--{name.replace('_', '-')} must be {what}, not {value:g}")

    def to_dict(self) -> dict[str, Any]:
        """What `from_dict` takes."""
        return asdict(self)  # type: ignore[call-overload]


@dataclass(slots=True)
class TrainConfig(_Config):
    """`sqlrl train`. None stands for the recipe's value (see sqlrl.training.recipe) or the named default."""

    benchmark: str
    data: str | None = None
    answered: str | None = None  # the benchmark is then a database of one's own
    engine: str | None = None  # of a search benchmark
    policy: str | None = None  # "tiny", a checkpoint, hf:org/name; by default what the machine can train
    method: str | None = None  # sft, rft, grpo, or a chain such as sft+rft
    reward: str | None = None  # by default "execution", or for search what its first judge measures
    judge: str | None = None  # in place of the reward's own
    recipe: str | None = None  # by name, or a YAML file
    out: str = "runs"
    name: str | None = None
    seed: int = 0
    max_steps: int | None = None  # at most this many steps of each stage
    threads: int | None = None
    device: str | None = None
    seconds: float = 2.0  # processor time of one query
    workers: int | None = None
    limit: int | None = None  # questions of each split, for a quick look
    prompt_style: str | None = None
    thinking: bool | None = None
    prefill: bool = False
    turns: int | None = None  # messages about one question; all but the last may look at the database
    save_steps: int = 50
    evaluate: bool = True
    report_to: str = "none"  # tensorboard, wandb, trackio; several with commas between
    overlap: bool = False  # train although questions or databases are shared with what is held out
    demonstrations: str | None = None  # what `sqlrl distill` wrote, in the place of the benchmark's own
    difficulty: str | None = None  # what `sqlrl check --policy` wrote: questions always or never solved are left out
    processes: int | None = None
    launcher: str | None = None
    lora: int | None = None
    sampler: str | None = None
    vllm_server: str | None = None
    vllm_memory: float | None = None
    gradient_checkpointing: bool | None = None
    micro_batch: int | None = None
    max_prompt_tokens: int | None = None
    sft_steps: int | None = None
    sft_learning_rate: float | None = None
    sft_dropout: float | None = None
    rft_rounds: int | None = None
    rft_steps: int | None = None
    grpo_steps: int | None = None
    grpo_learning_rate: float | None = None
    grpo_samples: int | None = None
    questions: int | None = None
    num_generations: int | None = None
    temperature: float | None = None
    updates: int | None = None
    loss: str | None = None
    scale_rewards: str | None = None
    beta: float | None = None
    epsilon_high: float | None = None
    skip_dead_groups: bool | None = None
    max_completion_tokens: int | None = None

    def __post_init__(self) -> None:
        self._check(
            at_least_one=(
                "turns", "max_steps", "threads", "workers", "limit", "save_steps", "questions", "rft_rounds", "updates",
                "sft_steps", "rft_steps", "grpo_steps", "grpo_samples", "max_completion_tokens", "max_prompt_tokens",
            ),
            above_nought=("seconds", "sft_learning_rate", "grpo_learning_rate", "temperature"),
            not_negative=("seed", "lora", "sft_dropout", "micro_batch", "beta", "epsilon_high"),
        )  # fmt: skip
        self.judge = _judge_of(self.answered, self.judge)
        if self.sft_dropout is not None and self.sft_dropout >= 1:
            raise UsageError(f"--sft-dropout must be below 1, not {self.sft_dropout}")
        if self.num_generations is not None and self.num_generations < 2:
            raise UsageError(
                f"--num-generations must be at least 2, not {self.num_generations}: groups are compared within"
            )


@dataclass(slots=True)
class EvalConfig(_Config):
    """`sqlrl eval`."""

    benchmark: str
    data: str | None = None
    answered: str | None = None  # the benchmark is then a database of one's own
    engine: str | None = None  # of a search benchmark
    policy: str | None = None
    predictions: str | None = None
    database_url: str | None = None
    match: str | None = None  # how predictions are matched: "id" or "position"
    split: str | None = None
    databases: str | None = None  # names, with commas between
    judge: str | None = None
    seed: int = 0
    temperature: float | None = None  # 0 for one sample, 0.8 for several
    max_tokens: int = 512
    samples: int = 1  # completions of each question
    vote: bool = False
    shots: int = 0
    shots_from: str = "similar"
    parallel: int = 8  # requests at once
    timeout: float = 300.0  # seconds to wait for one reply of a server
    cache: str | None = None
    no_cache: bool = False
    price_in: float | None = None  # US$ a million tokens
    price_out: float | None = None
    seconds: float = 30.0
    workers: int | None = None
    threads: int | None = None
    device: str | None = None
    limit: int | None = None
    sample_rows: int = 0
    thinking: bool | None = None
    prefill: bool = False
    turns: int | None = None  # as the policy was taught where nothing is said
    out: str = "runs"
    name: str | None = None
    json: str | None = None
    results: bool = True

    def __post_init__(self) -> None:
        self._check(
            at_least_one=("turns", "max_tokens", "workers", "threads", "limit", "samples", "parallel"),
            above_nought=("seconds", "timeout"),
            not_negative=("seed", "temperature", "sample_rows", "shots", "price_in", "price_out"),
        )  # fmt: skip
        self.judge = _judge_of(self.answered, self.judge)
        if self.samples > 1 and self.temperature == 0:
            raise UsageError("--samples at --temperature 0 would all be the same")
        if self.vote and self.samples < 2:
            raise UsageError("--vote needs --samples 2 or more")
        if self.predictions and self.samples > 1:
            raise UsageError("--samples go with --policy: a file of predictions holds one a question")
        if self.cache is not None and self.no_cache:
            raise UsageError("either --cache or --no-cache")

    @property
    def heat(self) -> float:
        """The temperature to ask at."""
        return self.temperature if self.temperature is not None else SAMPLING_TEMPERATURE * (self.samples > 1)


def _judge_of(answered: str | None, judge: str | None) -> str | None:
    """Answers may be but a part of a result: one judge alone knows what to do with these."""
    if answered is not None and judge not in (None, "answered"):
        raise UsageError(f"--answered goes with the judge `answered`, not with {judge!r}")
    return judge if answered is None else "answered"


def write_config(config: TrainConfig | EvalConfig, path: Path) -> None:
    """As YAML, in the order of the keys; a URL without its password."""
    import yaml

    values = config.to_dict()
    if values.get("database_url"):
        from sqlrl.executors.servers.session import without_password

        values["database_url"] = without_password(values["database_url"])
    source = values["benchmark"].removeprefix("questions:")
    if source != values["benchmark"] and is_server(source):
        from sqlrl.executors.servers.session import without_password

        values["benchmark"] = f"questions:{without_password(source)}"
    path.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")


def read_config(path: Path) -> dict[str, Any]:
    """What `write_config` wrote; DataError where it is not that."""
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no settings")
    return values
