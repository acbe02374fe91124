"""A plan: which policy is trained on what, by which stages, before anything is spent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrl.benchmarks import load_benchmark, load_judge
from sqlrl.benchmarks.base import Demonstration
from sqlrl.benchmarks.retrieval import Retrieval
from sqlrl.distillation import read_demonstrations
from sqlrl.environment import Allowance
from sqlrl.executors.errors import DataError, MissingSplitError, UsageError, nearest
from sqlrl.policies.local import check_device
from sqlrl.prompts import Prompter, manner
from sqlrl.rewards.presets import choose_preset, judges_by, load_preset
from sqlrl.training.difficulty import read_difficulty
from sqlrl.training.processes import ALONE, Processes
from sqlrl.training.recipe import Recipe, load_recipe, recipe_for
from sqlrl.training.thoughts import thought_for
from sqlrl.training.trainers import check_trackers
from sqlrl.training.turns import longest_dialogue

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Benchmark, Example
    from sqlrl.config import TrainConfig

__all__ = ["METHODS", "Plan", "Stage", "draw_plan", "stages_of"]

METHODS = ("sft", "rft", "grpo", "rloo")
# What is asked for by name, and why it is not here.
_NOT_HERE = {
    "ppo": "TRL took its PPO trainer out; rloo and grpo replace its critic by the other samples of a question",
}
# "gold" imitates the golds of the training examples: never a method that a user gets, but the ceiling of a comparison.
_CEILING = "gold"


@dataclass(frozen=True, slots=True)
class Stage:
    """One training of a chain. method: sft, rft, grpo, rloo (or gold). name: its word in metrics and folders."""

    index: int
    method: str
    name: str
    steps: int

    @property
    def folder(self) -> str:
        return f"{self.index}-{self.name}"


@dataclass(slots=True)
class Plan:
    """Everything that is decided before training."""

    config: TrainConfig
    benchmark: Benchmark
    policy: str
    recipe: Recipe
    prompter: Prompter
    stages: list[Stage]
    demonstrations: list[Demonstration]
    train: list[Example]
    validation: list[Example]
    left_out: int
    notes: list[str] = field(default_factory=list)
    processes: Processes = ALONE
    skipped: int = 0

    @property
    def is_tiny(self) -> bool:
        return self.policy == "tiny"

    @property
    def reward(self) -> str:
        """The preset."""
        return choose_preset(self.config.reward, self.benchmark)

    @property
    def judge(self) -> str:
        """Who judges the validation questions."""
        return self.config.judge or (self.benchmark.judges[0] if self.benchmark.answer_key == "query" else "robust")

    @property
    def completion_tokens(self) -> int:
        """The most tokens that follow a prompt: of a completion, or of a dialogue with what is shown in it."""
        if self.prompter.turns == 1:
            return self.recipe.max_completion_tokens
        allowance = Allowance.of(self.prompter, self.config.seconds)
        return longest_dialogue(self.prompter.turns, self.recipe.max_completion_tokens, allowance)

    @property
    def _can_think_for(self) -> bool:
        """A demonstration's thought is made from its SQL; nothing is made for a search."""
        return self.prompter.thinking and self.prompter.answer_key == "sql"

    def completion_of(self, query: str, thought: str = "") -> str:
        """What the policy should have written to give `query`."""
        return self.prompter.completion(query, thought or (thought_for(query) if self._can_think_for else ""))


def stages_of(method: str, allow_gold: bool = False) -> tuple[str, ...]:
    """The methods of a chain such as "sft+rft+grpo", in order."""
    methods = tuple(part.strip() for part in method.split("+"))
    for part in methods:
        if part in _NOT_HERE:
            raise UsageError(f"no method {part!r}: {_NOT_HERE[part]}")
        if part not in METHODS and not (allow_gold and part == _CEILING):
            raise UsageError(f"no method {part!r} in {method!r}{nearest(part, METHODS)}")
    return methods


def draw_plan(
    config: TrainConfig, *, allow_gold: bool = False, recipe: Recipe | None = None, processes: Processes = ALONE
) -> Plan:
    """Load the benchmark, choose policy, recipe and stages. Reads no test split. Starts no training.

    recipe: that of a run which is gone on with; by default the one for this policy and benchmark.
    """
    if config.reward:
        load_preset(config.reward)
    check_trackers(config.report_to)
    if config.judge:
        load_judge(config.judge)
    if config.device:
        check_device(config.device)
    if config.method:
        stages_of(config.method, allow_gold)
    benchmark = load_benchmark(config.benchmark, config.data, answered=config.answered, engine=config.engine)
    config = _with_reward(config, benchmark)
    policy = config.policy or _policy_of(recipe, config)
    if policy.startswith(("http://", "https://", "script:")):
        raise UsageError(f"{policy} answers but cannot be trained: take tiny, runs/<run>, a checkpoint or hf:org/name")
    tiny = _is_tiny(policy)
    recipe = recipe or recipe_for("tiny" if tiny else "large", _task(benchmark), config)
    prompter = _prompter(policy, config, recipe, benchmark)
    if prompter.turns > 1 and recipe.sampler == "own" and config.sampler is None:
        recipe = replace(recipe, sampler="trl")  # its environments, unless our loop is asked for by name
    method = config.method or _default_method(prompter, recipe)
    every = _questions(benchmark, method)
    faults = benchmark.faults()
    train = [e for e in every if benchmark.sources(e) and e.labels.get("database", "") not in faults]
    if every and not train:
        raise DataError(f"{benchmark.name}: none of the {len(every):,} training questions has its database here")
    skipped = 0
    if config.difficulty:
        told = read_difficulty(Path(config.difficulty))
        teaching = [example for example in train if told.teaches(example.id)]
        skipped, train = len(train) - len(teaching), teaching
        if not train:
            raise DataError(f"{config.difficulty}: every training question is always or never solved")
    if config.demonstrations:
        demonstrations = read_demonstrations(Path(config.demonstrations).expanduser(), train)
    else:
        demonstrations = benchmark.demonstrations()
    copies = "sft" in method and not demonstrations and benchmark.answer_key == "query"
    if copies:  # the form is learnt this way, and the query that every better one must beat
        demonstrations = [Demonstration(example, " ".join(example.question.split())) for example in train]
        echoes = benchmark.echoes() if tiny and isinstance(benchmark, Retrieval) else []
        demonstrations += echoes
    if "sft" in method and not demonstrations:
        raise UsageError(f"{benchmark.name} has no labelled part to imitate: leave sft out of --method")
    held_out = benchmark.examples("validation") if config.evaluate and every else []
    validation = [example for example in held_out if benchmark.sources(example)]
    if config.limit:
        train, validation = train[: config.limit], validation[: config.limit]
        demonstrations = demonstrations[: config.limit]
    notes = benchmark.notes()
    if copies:
        more = ", and chance sentences of the corpus with words left out or said twice" if echoes else ""
        notes.append(f"nobody wrote queries down to imitate: sft learns to give the question itself as the query{more}")
    if policy == "tiny" and prompter.needs_description:
        notes.append(
            "a policy from scratch gets near nothing on databases that it has not seen: "
            f"this is made for a checkpoint such as --policy {load_recipe('large').policy}"
        )
    if prompter.turns > 1:
        _check_turns(stages_of(method, allow_gold))
    stages = _stages(method, recipe, policy, config, allow_gold)
    return Plan(
        config, benchmark, policy, recipe, prompter, stages, demonstrations, train, validation,
        len(every) - len(train), notes, processes, skipped,
    )  # fmt: skip


def _questions(benchmark: Benchmark, method: str) -> list[Example]:
    """Those to train on. Imitation alone can do without."""
    try:
        return benchmark.examples("train")
    except MissingSplitError:
        if method != "sft" or not benchmark.demonstrations():
            raise
        return []


def _task(benchmark: Benchmark) -> str:
    """What recipes are chosen by: the benchmark; of one of search, how it is searched."""
    if isinstance(benchmark, Retrieval):
        return "boolean" if "boolean" in benchmark.engines else "ranked"
    return benchmark.name.partition("/")[0]


def _default_method(prompter: Prompter, recipe: Recipe) -> str:
    return "sft+grpo" if prompter.turns > 1 else recipe.default_method


def _with_reward(config: TrainConfig, benchmark: Benchmark) -> TrainConfig:
    """With the preset that is meant, and the judge that a default preset for search goes with."""
    reward = choose_preset(config.reward, benchmark)
    judge = config.judge
    if judge is not None and judges_by(judge) != judges_by(load_preset(reward).judge):
        raise UsageError(f"the reward {reward} pays for what the judge {judge} does not look at")
    if config.reward is None and load_preset(reward).searches:
        judge = judge or benchmark.judges[0]
    return replace(config, reward=reward, judge=judge)


def _stages(method: str, recipe: Recipe, policy: str, config: TrainConfig, allow_gold: bool) -> list[Stage]:
    steps = {
        "sft": recipe.sft_steps,
        "rft": recipe.rft_steps,
        "grpo": recipe.grpo_steps,
        "rloo": recipe.grpo_steps,
        _CEILING: recipe.control_steps,
    }
    stages: list[Stage] = []
    for position, part in enumerate(stages_of(method, allow_gold)):
        # A warm start is made once; further sft is the control of the other methods.
        further = position or (policy != "tiny" and _is_tiny(policy))
        wanted = (config.sft_steps or recipe.control_steps) if part == "sft" and further else steps[part]
        rounds = recipe.rft_rounds if part == "rft" else 1
        for _ in range(rounds):
            seen = sum(stage.method == part for stage in stages)
            name = part if not seen else f"{part}{seen + 1}"
            count = min(wanted, config.max_steps) if config.max_steps else wanted
            stages.append(Stage(len(stages), part, name, count))
    return stages


def _check_turns(methods: tuple[str, ...]) -> None:
    """UsageError for a method that knows no dialogues."""
    for method in methods:
        if method not in ("sft", "grpo"):
            raise UsageError(f"--turns goes with sft and grpo, not with {method}")


def _prompter(policy: str, config: TrainConfig, recipe: Recipe, benchmark: Benchmark) -> Prompter:
    """As the policy was taught to be asked where it was trained here and no flag says otherwise, else the recipe's."""
    taught = _taught(policy)
    if taught is not None and config.prompt_style is None and config.thinking is None:
        return replace(
            taught, **{**manner(benchmark), "dialect": taught.dialect}, prefill=taught.prefill or config.prefill,
            turns=config.turns or taught.turns,
        )  # fmt: skip
    return Prompter(
        style=recipe.prompt_style, thinking=recipe.thinking, prefill=config.prefill, turns=config.turns or 1,
        **manner(benchmark),
    )  # fmt: skip


def _taught(policy: str) -> Prompter | None:
    place = _folder_of(policy)
    if place is None or not (place / "policy.json").exists():
        return None
    return Prompter.from_dict(json.loads((place / "policy.json").read_text(encoding="utf-8")))


def _is_tiny(policy: str) -> bool:
    """Whether a policy is trained as the from-scratch ones are: it is to be made, or a folder holds one."""
    if policy == "tiny":
        return True
    place = _folder_of(policy)
    if place is None or not (place / "config.json").exists():
        return False
    config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    return bool(config.get("hidden_size", 1 << 20) <= 512 and config.get("num_hidden_layers", 1 << 20) <= 8)


def _folder_of(policy: str) -> Path | None:
    """The checkpoint folder of a policy that lies on this machine."""
    if policy == "tiny" or ":" in policy:
        return None
    from sqlrl.policies.local import checkpoint_in

    return checkpoint_in(Path(policy).expanduser())


def _policy_of(recipe: Recipe | None, config: TrainConfig) -> str:
    """The recipe's own; where it leaves that to the machine, what a GPU can train, else the small one from nothing."""
    named = recipe or (load_recipe(config.recipe) if config.recipe else None)
    if named is not None:
        return named.policy or "tiny"
    return (load_recipe("large").policy or "tiny") if _has_gpu() else "tiny"


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
