"""A pre-flight: what a plan will cost, and what is wrong with it, before weights are loaded or anything is spent."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from sqlrl.executors.base import Limits
from sqlrl.executors.errors import UsageError
from sqlrl.golds import check_golds
from sqlrl.judging import Judging
from sqlrl.rewards import load_preset
from sqlrl.training.corpus import look_at_corpus
from sqlrl.training.memory import available, footprint, parameters_of
from sqlrl.training.overlap import overlaps

if TYPE_CHECKING:
    from sqlrl.training.plan import Plan

__all__ = ["Check", "Preflight", "fly"]

GOLDS = 1_000  # of the training questions whose golds are run, evenly spread; `sqlrl check` runs all
_CHARACTERS_A_TOKEN = 3.5  # of English and SQL, where no tokenizer is at hand


@dataclass(frozen=True, slots=True)
class Check:
    """One line. verdict: "ok", "note" (a reader should know) or "stop" (training must not begin)."""

    what: str
    found: str
    verdict: str = "ok"


@dataclass(slots=True)
class Preflight:
    """checks: in the order of reading. too_long: ids of training questions whose prompts don't fit."""

    checks: list[Check] = field(default_factory=list)
    too_long: list[str] = field(default_factory=list)

    def add(self, what: str, found: str, verdict: str = "ok") -> None:
        self.checks.append(Check(what, found, verdict))

    def stops(self) -> list[Check]:
        """What must be mended first."""
        return [check for check in self.checks if check.verdict == "stop"]

    def to_dict(self) -> dict[str, Any]:
        """What a run's preflight.json holds."""
        lines = [{"what": check.what, "found": check.found, "verdict": check.verdict} for check in self.checks]
        return {"checks": lines, "too_long": self.too_long}

    @classmethod
    def read(cls, path: Path) -> Preflight:
        """What `to_dict` gave, from a run's folder."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls([Check(**line) for line in values["checks"]], values["too_long"])


def fly(plan: Plan) -> Preflight:
    """Every check of a plan. Starts workers for the golds and for the schemas; loads no weights."""
    flight = Preflight()
    _say_what(plan, flight)
    _check_golds(plan, flight)
    _check_overlap(plan, flight)
    config, prompts = _check_prompts(plan, flight)
    _say_costs(plan, flight, mean(prompts) if prompts else 0.0)
    _check_batches(plan, flight)
    _check_sampler(plan, flight)
    _check_memory(plan, flight, config, max(prompts, default=0))
    return flight


def _say_what(plan: Plan, flight: Preflight) -> None:
    flight.add("benchmark", plan.benchmark.name)
    flight.add("policy", plan.policy)
    flight.add("recipe", plan.recipe.about)
    flight.add("method", "+".join(stage.name for stage in plan.stages))
    flight.add("reward", f"{plan.reward}: {load_preset(plan.reward).summary}")
    flight.add("questions with a result to learn from", f"{len(plan.train):,}")
    if plan.left_out:
        flight.add("left out for want of a database or corpus", f"{plan.left_out:,}", "note")
    if plan.skipped:
        flight.add("left out as always or never solved", f"{plan.skipped:,}", "note")
    flight.add("demonstrations", f"{len(plan.demonstrations):,}")
    flight.add("validation questions", f"{len(plan.validation):,}")
    for note in plan.notes:
        flight.add("note", note, "note")


def _check_golds(plan: Plan, flight: Preflight) -> None:
    if plan.benchmark.answer_key == "query":
        for check in look_at_corpus(plan, GOLDS) if plan.train else []:
            flight.checks.append(Check(*check))
        return
    known = [example for example in plan.train if example.gold.query]
    if not known or all(stage.method == "sft" for stage in plan.stages):
        return
    sample = known[:: -(-len(known) // GOLDS)]
    found = check_golds(
        plan.benchmark, sample, "robust", limits=Limits(seconds=plan.config.seconds), workers=plan.config.workers
    )
    of = f"of {found.total:,}" + (f" looked at among {len(known):,}" if len(sample) < len(known) else "")
    flight.add("golds that run", f"{found.total - len(found.failing) - len(found.missing):,} {of}")
    if found.failing:
        flight.add("golds that fail: pay nothing", f"{len(found.failing):,}, such as {found.failing[0]}", "note")
    if found.empty:
        flight.add("golds that return nothing: pay nothing", f"{len(found.empty):,}", "note")
    slow = f"; {len(found.slow):,} take more than a second" if found.slow else ""
    flight.add("time of one gold", f"{1000 * found.seconds / max(1, found.total):.2f} ms on average{slow}")
    flight.add("databases", _databases(plan))


def _databases(plan: Plan) -> str:
    places = {url for example in plan.train for url in plan.benchmark.sources(example)}
    sizes = [
        Path(url.partition(":///")[2]).stat().st_size for url in places if Path(url.partition(":///")[2]).is_file()
    ]
    size = f", {_short(sum(sizes))}B in all, {_short(max(sizes))}B the largest" if sizes else ""
    return f"{len(places):,}{size}"


def _check_overlap(plan: Plan, flight: Preflight) -> None:
    for overlap in overlaps(plan.benchmark, plan.train):
        shared = {kind: getattr(overlap, kind) for kind in ("questions", "queries", "databases")}
        if plan.benchmark.answer_key == "query":  # there is one corpus, and no database
            del shared["databases"]
        found = ", ".join(f"{kind} {count:,}" for kind, count in shared.items() if count) or "nothing"
        unwanted = overlap.unwanted(plan.benchmark.shares)
        by_design = [kind for kind in plan.benchmark.shares if shared.get(kind)]
        if by_design:
            found += f" (by the benchmark's design: {', '.join(by_design)})"
        told = "" if plan.config.overlap else "; --overlap trains all the same"
        flight.add(
            f"shared with {overlap.split} ({overlap.total:,})",
            found + (f": {' and '.join(unwanted)} should not be{told}" if unwanted else ""),
            "ok" if not unwanted else "note" if plan.config.overlap else "stop",
        )


def _check_prompts(plan: Plan, flight: Preflight) -> tuple[Any, list[int]]:
    """(transformers config or None, tokens of each prompt that is kept)."""
    texts = _prompts(plan)
    config, tokenizer = _model_of(plan, texts)
    lengths = [_length(text, tokenizer) for text in texts]
    most = plan.recipe.max_prompt_tokens
    flight.too_long = [example.id for example, length in zip(plan.train, lengths, strict=True) if length > most]
    kept = [length for length in lengths if length <= most]
    guessed = "" if tokenizer is not None else f" (guessed: {_CHARACTERS_A_TOKEN} characters a token)"
    if kept:
        flight.add("prompt tokens", f"{mean(kept):,.0f} on average, {max(kept):,} at most{guessed}")
    if flight.too_long:
        lost = f"{len(flight.too_long):,} of {len(lengths):,} are longer than {most:,} tokens and left out"
        verdict = "note" if kept else "stop"
        flight.add("prompts too long", f"{lost} (--max-prompt-tokens)", verdict)
    return config, kept


def _prompts(plan: Plan) -> list[str]:
    describe = plan.prompter.needs_description
    with Judging.of(plan.benchmark, plan.train, workers=1) as judging:
        seen: dict[str, str] = {}
        texts = []
        for example in plan.train:
            database = example.labels.get("database", "")
            if describe and database not in seen:
                seen[database] = judging.describe(example)
            texts.append(plan.prompter.messages(example, seen.get(database, ""))[0]["content"])
        return texts


def _length(text: str, tokenizer: Any) -> int:
    if tokenizer is None:
        return round(len(text) / _CHARACTERS_A_TOKEN)
    return len(tokenizer(text)["input_ids"])


def _model_of(plan: Plan, prompts: Sequence[str]) -> tuple[Any, Any]:
    """(transformers config, tokenizer) of the plan's policy, from this machine alone; None where they are not here."""
    from transformers import AutoConfig, AutoTokenizer

    if plan.is_tiny:
        from sqlrl.policies.tiny import TinyShape, create_model, create_tokenizer

        tokenizer = create_tokenizer(
            [*dict.fromkeys(prompts), *(d.query for d in plan.demonstrations)], plan.recipe.vocabulary
        )
        return create_model(tokenizer, TinyShape()).config, tokenizer
    from sqlrl.policies.local import checkpoint_in

    name = plan.policy.removeprefix("hf:") if plan.policy.startswith("hf:") else str(checkpoint_in(Path(plan.policy)))
    try:
        return (
            AutoConfig.from_pretrained(name, local_files_only=True),
            AutoTokenizer.from_pretrained(name, local_files_only=True),
        )
    except (OSError, ValueError):
        return None, None


def _say_costs(plan: Plan, flight: Preflight, prompt: float) -> None:
    for stage in plan.stages:
        flight.add(f"stage {stage.folder}", _cost(stage, plan, prompt))


def _cost(stage: Any, plan: Plan, prompt: float) -> str:
    recipe = plan.recipe
    steps = f"{stage.steps:,} steps"
    if stage.method in ("grpo", "rloo"):
        drawn = recipe.num_generations
        if recipe.sampler == "own" and stage.method == "grpo":
            drawn = max(drawn, recipe.grpo_samples)
        completions = stage.steps * recipe.questions * drawn
        what = "completions" if plan.prompter.turns == 1 else f"dialogues of {plan.prompter.turns} turns"
        shape = f"{recipe.questions} questions x {drawn} {what}"
        if drawn > recipe.num_generations:
            shape += f", {recipe.num_generations} of each trained on"
        tokens = completions * (prompt + plan.completion_tokens)
        return f"{steps} of {shape}, at most {_short(tokens)} tokens"
    extra = ""
    if stage.method == "rft":
        samples = len(plan.train) * recipe.rft_samples
        extra = f", after {samples:,} samples (at most {_short(samples * recipe.max_completion_tokens)} tokens)"
    return f"{steps} of {recipe.sft_batch} pairs{extra}"


def _check_batches(plan: Plan, flight: Preflight) -> None:
    from sqlrl.training.trainers import batching

    recipe, processes = plan.recipe, plan.processes.count
    steps = {stage.method for stage in plan.stages}
    reinforced = bool(steps & {"grpo", "rloo"})
    questions = min(recipe.questions, len(plan.train))
    try:
        if reinforced:
            if questions % processes:
                raise UsageError(f"{questions} questions a step cannot be shared by {processes} processes as groups")
            shape = batching(questions * recipe.num_generations, processes, recipe.micro_batch)
        else:
            shape = batching(recipe.sft_batch, processes, recipe.micro_batch)
        if steps - {"grpo", "rloo"}:
            batching(recipe.sft_batch, processes, recipe.micro_batch)
    except UsageError as error:
        flight.add("batches", str(error), "stop")
        return
    size, parts = shape["per_device_train_batch_size"], shape["gradient_accumulation_steps"]
    flight.add("batches", f"{processes} processes x {parts} parts x {size} sequences a step")


def _check_sampler(plan: Plan, flight: Preflight) -> None:
    if not {stage.method for stage in plan.stages} & {"grpo", "rloo"}:
        return
    sampler = plan.recipe.sampler
    if sampler.startswith("vllm") and importlib.util.find_spec("vllm") is None:
        flight.add("sampler", f"{sampler} needs its package: pip install 'trl[vllm]'; or --sampler trl", "stop")
    elif sampler == "vllm-server" and (fault := _not_answering(plan.recipe.vllm_server)):
        flight.add(
            "sampler", f"no vLLM server at {plan.recipe.vllm_server} ({fault}): trl vllm-serve --model ...", "stop"
        )
    elif plan.processes.sharded and sampler == "own":
        flight.add("sampler", "own needs whole weights in each process: --sampler vllm or trl", "stop")
    else:
        flight.add("sampler", sampler)


def _not_answering(address: str) -> str:
    import socket
    from urllib.parse import urlsplit

    where = urlsplit(address)
    try:
        socket.create_connection((where.hostname or "", where.port or 8000), timeout=3).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _check_memory(plan: Plan, flight: Preflight, config: Any, longest: int) -> None:
    import torch

    recipe, on_gpu = plan.recipe, torch.cuda.is_available()
    if config is None:
        flight.add("memory", "unknown: the weights are not on this machine", "note")
        return
    place, there = available()
    sequences = max(recipe.sft_batch, recipe.questions * recipe.num_generations) // plan.processes.count
    shards = plan.processes.count if plan.processes.sharded else 1
    need = footprint(
        config, sequences=min(sequences, recipe.micro_batch or sequences),
        length=longest + plan.completion_tokens, lora=0 if plan.is_tiny else recipe.lora, shards=shards,
        on_gpu=on_gpu, checkpointing=recipe.gradient_checkpointing, master_weights=plan.processes.has_master_weights,
        engine=int(recipe.vllm_memory * there) if recipe.sampler == "vllm" else 0,
    )  # fmt: skip
    parts = {"weights": need.weights, "optimiser": need.optimiser, "activations": need.activations, "vLLM": need.engine}
    told = ", ".join(f"{name} {size / 2**30:.1f}" for name, size in parts.items() if size >= 2**30 / 20)
    fits = need.total <= there
    flight.add("parameters", _short(parameters_of(config)))
    flight.add(
        "memory, roughly",
        f"{need.total / 2**30:.1f} GiB{f' ({told})' if told else ''} of {there / 2**30:.0f} ({place})"
        + ("" if fits else ": a smaller --micro-batch, --gradient-checkpointing or --lora 16"),
        "ok" if fits else "stop" if on_gpu else "note",
    )


def _short(number: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number:.0f} "
