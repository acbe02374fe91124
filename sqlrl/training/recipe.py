"""A recipe: how long, how fast, how wide and on what machine each stage runs; YAML with few keys, each documented here.

Recipes lie in `sqlrl/training/recipes/`; one names the one that it `extends` and says what differs. A flag of
`sqlrl train` by a key's name overrides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from sqlrl.config import read_config
from sqlrl.executors.errors import DataError, UsageError, nearest

__all__ = ["KEYS", "LAUNCHERS", "LOSSES", "SAMPLERS", "Recipe", "load_recipe", "recipe_for", "recipe_names"]

FOLDER = Path(__file__).parent / "recipes"

# What each key means, as `sqlrl recipes --keys` shows it.
KEYS = {
    "about": "one line on what the recipe is for",
    "policy": "what is trained where --policy says nothing; null: by the machine",
    "default_method": "the chain of stages where --method says nothing",
    "device_gb": "memory of one device that the recipe is made for; 0: any",
    "processes": "processes, one a device, over all machines",
    "launcher": "how TRL's launcher spreads the weights: none, multi_gpu, zero2, zero3, fsdp2",
    "sampler": "who samples in grpo, rloo: own (our loop), trl (transformers), vllm (in process), vllm-server",
    "vllm_server": "address of the server that `trl vllm-serve` runs",
    "vllm_memory": "share of a device's memory that vLLM takes in the same process",
    "vocabulary": "tokens of the tokenizer that is made for a policy from nothing, at most",
    "lora": "rank of a low-rank adapter; 0 trains all weights",
    "gradient_checkpointing": "compute activations twice instead of keeping them",
    "micro_batch": "sequences that one device holds at once; 0: the whole step",
    "prompt_style": "full, compact or terse",
    "thinking": "whether a <think> part comes before the answer",
    "max_prompt_tokens": "questions with longer prompts are left out",
    "max_completion_tokens": "where sampling is cut off",
    "temperature": "of sampling while training",
    "sft_steps": "optimiser steps of the warm start",
    "sft_learning_rate": "of the warm start",
    "sft_batch": "sequences of one step of sft and rft",
    "sft_dropout": "on the residual stream, in sft",
    "rft_rounds": "times that rft samples and imitates",
    "rft_samples": "completions drawn of each question",
    "rft_keep": "distinct right ones of a question that are imitated",
    "rft_steps": "optimiser steps of each round",
    "rft_learning_rate": "of rft, and of sft that goes on from a checkpoint",
    "rft_replay": "whether the demonstrations are mixed in",
    "rft_repeat": "how often each right sample (or gold) counts beside them",
    "grpo_steps": "optimiser steps of grpo and rloo",
    "grpo_learning_rate": "of grpo and rloo",
    "grpo_schedule": "of the learning rate, by transformers' names",
    "grpo_samples": "completions drawn of a question, of which the most telling are trained on (own sampler)",
    "questions": "groups of one step",
    "num_generations": "completions of a group that are trained on",
    "updates": "optimiser steps from one sampled batch",
    "loss": "dapo, dr_grpo, grpo, bnpo, gspo, cispo, sapo, luspo or vespo: TRL's losses",
    "scale_rewards": "what advantages are divided by: none, group, batch",
    "beta": "weight of the divergence from the starting weights",
    "epsilon_high": "upper clip of the probability ratio",
    "skip_dead_groups": "own sampler: choose questions whose completions differ in reward, and let solved ones rest",
    "control_steps": "of the control and the ceiling in comparisons",
}
LOSSES = ("dapo", "dr_grpo", "grpo", "bnpo", "gspo", "cispo", "sapo", "luspo", "vespo")
SAMPLERS = ("own", "trl", "vllm", "vllm-server")
LAUNCHERS = ("none", "multi_gpu", "zero2", "zero3", "fsdp2")
_CHOICES = {
    "loss": LOSSES,
    "sampler": SAMPLERS,
    "launcher": LAUNCHERS,
    "scale_rewards": ("none", "group", "batch"),
    "prompt_style": ("full", "compact", "terse"),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """The keys of KEYS. TrainConfig has those that are flags: a value given there wins."""

    about: str
    policy: str | None
    default_method: str
    device_gb: int
    processes: int
    launcher: str
    sampler: str
    vllm_server: str
    vllm_memory: float
    vocabulary: int
    lora: int
    gradient_checkpointing: bool
    micro_batch: int
    prompt_style: str
    thinking: bool
    max_prompt_tokens: int
    max_completion_tokens: int
    temperature: float
    sft_steps: int
    sft_learning_rate: float
    sft_batch: int
    sft_dropout: float
    rft_rounds: int
    rft_samples: int
    rft_keep: int
    rft_steps: int
    rft_learning_rate: float
    rft_replay: bool
    rft_repeat: int
    grpo_steps: int
    grpo_learning_rate: float
    grpo_schedule: str
    grpo_samples: int
    questions: int
    num_generations: int
    updates: int
    loss: str
    scale_rewards: str
    beta: float
    epsilon_high: float
    skip_dead_groups: bool
    control_steps: int

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: Path) -> Recipe:
        """What `dataclasses.asdict` gave. DataError where it is another version's."""
        if set(values) != set(KEYS):
            raise DataError(f"{where} is another version's recipe: this run cannot be gone on with")
        return cls(**_checked(values, where))


def recipe_names() -> list[str]:
    """The recipes that come with sqlrl."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_recipe(name: str) -> Recipe:
    """The recipe of that name, or of a YAML file. UsageError for an unknown name, key or value, with the nearest."""
    return Recipe(**_checked(_keys_of(name), name))


def recipe_for(kind: str, task: str, config: Any = None) -> Recipe:
    """The recipe of a policy kind ("tiny" or "large") for a task, with what `config` sets by the same names.

    task: a benchmark of databases; "boolean" or "ranked", of search. config.recipe names another.
    """
    by_task = {
        "geoquery": "tiny-geoquery", "spider": "tiny-unseen", "bird": "tiny-unseen", "answered": "tiny-answered",
        "questions": "tiny-questions",
        "boolean": "tiny-search", "ranked": "tiny-ranked",
    }  # fmt: skip
    name = getattr(config, "recipe", None) or ("large" if kind == "large" else by_task.get(task, "tiny"))
    given = {
        field.name: getattr(config, field.name)
        for field in fields(Recipe)
        if field.name not in ("policy", "about") and getattr(config, field.name, None) is not None
    }
    return replace(load_recipe(name), **_checked(given, ""))


def _keys_of(name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every key of a recipe, those of what it extends included."""
    path = FOLDER / f"{name}.yaml"
    if not path.exists():
        path = Path(name).expanduser()
        if path.suffix not in (".yaml", ".yml") or not path.is_file():
            raise UsageError(f"no recipe {name!r}{nearest(name, recipe_names())} (or a YAML file of your own)")
    if name in seen:
        raise UsageError(f"the recipe {name!r} extends itself")
    values = read_config(path)
    for key in values:
        if key != "extends" and key not in KEYS:
            raise UsageError(f"{path.name}: no key {key!r}{nearest(str(key), KEYS)}")
    base = values.pop("extends", None)
    whole = (_keys_of(str(base), (*seen, name)) if base else {}) | values
    missing = sorted(set(KEYS) - set(whole))
    if missing and not seen:
        raise UsageError(f"{path.name}: {missing[0]!r} is missing: let it extend another recipe, such as `large`")
    return whole


def _checked(values: Mapping[str, Any], where: Any) -> dict[str, Any]:
    """The values, whole numbers taken as fractions where those are meant; UsageError for one that cannot be."""
    kinds = {field.name: str(field.type) for field in fields(Recipe)}
    checked: dict[str, Any] = {}
    prefix = f"{where}: " if where else ""
    for key, value in values.items():
        kind = kinds[key]
        fits = {
            "int": isinstance(value, int) and not isinstance(value, bool) and value >= 0,
            "float": isinstance(value, int | float) and not isinstance(value, bool) and value >= 0,
            "bool": isinstance(value, bool),
            "str": isinstance(value, str),
            "str | None": value is None or isinstance(value, str),
        }[kind]
        if not fits:
            asked = {"int": "a whole number", "float": "a number", "bool": "true or false"}.get(kind, "text")
            raise UsageError(f"{prefix}{key} must be {asked}, not {value!r}")
        if key in _CHOICES and value not in _CHOICES[key]:
            what = key.replace("_", " ")
            raise UsageError(f"{prefix}no {what} {value!r}{nearest(value, _CHOICES[key])}")
        checked[key] = float(value) if kind == "float" else value
    return checked
