"""A session: one training run while it runs; its stages one after another, each saved before the next begins."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sqlrl.config import TrainConfig, read_config, write_config
from sqlrl.evaluation import Item, evaluate, summarise
from sqlrl.executors.base import Limits
from sqlrl.judging import Judging
from sqlrl.rewards import ExecutionReward
from sqlrl.runs import Run, write_text
from sqlrl.training.learner import Learner
from sqlrl.training.plan import Plan, Stage, draw_plan
from sqlrl.training.recipe import Recipe
from sqlrl.training.recorder import Recorder, Stop, stop_on_interrupt
from sqlrl.training.run import Interrupted
from sqlrl.training.trainers import silence

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.training.run import Progress

__all__ = ["RECIPE", "Session"]

RECIPE = "recipe.yaml"  # in a run's folder
COMPLETIONS_EVERY = 10  # GRPO steps whose completions are kept for reading
CURVE_POINTS, CURVE_QUESTIONS = 6, 200  # of the accuracy curve of each stage


class Session:
    """A plan, a run folder and, once it runs, a learner."""

    def __init__(self, plan: Plan, run: Run, progress: Progress) -> None:
        self.plan = plan
        self.config = plan.config
        self.run_folder = run
        self.progress = progress
        self.stop = Stop()
        self.checkpoints = run.folder / "checkpoints"
        limits = Limits(seconds=self.config.seconds)
        self.reward = ExecutionReward.of(
            plan.benchmark, plan.train, plan.prompter, self.config.reward, judge=self.config.judge, limits=limits,
            workers=self.config.workers,
        )  # fmt: skip
        shown = plan.validation + plan.train + [d.example for d in plan.demonstrations]
        self.judging = Judging.of(
            plan.benchmark, shown, self.config.judge or "robust", limits=limits, workers=self.config.workers
        )
        self._descriptions: dict[str, str] = {}
        self._stage_started = time.process_time()

    @classmethod
    def open(
        cls, config: TrainConfig, progress: Progress, *, resume: Path | None = None, allow_gold: bool = False
    ) -> Session:
        """A new run of `config`, or the run in `resume` to go on with."""
        if resume is not None:
            run = Run.open(resume)
            return cls(draw_plan(config, allow_gold=allow_gold, recipe=_recipe_of(run)), run, progress)
        plan = draw_plan(config, allow_gold=allow_gold)
        run = Run.create(config.out, config.name, f"{config.benchmark}-{config.method or plan.recipe.default_method}")
        write_config(config, run.folder / "config.yaml")
        write_text(run.folder / RECIPE, yaml.safe_dump(asdict(plan.recipe), sort_keys=False))
        return cls(plan, run, progress)

    def run(self) -> Run:
        """Train every stage that is not done, evaluate after each, write summary and report."""
        import torch

        from sqlrl.report import write_report

        threads = self.config.threads or min(4, len(os.sched_getaffinity(0)))
        torch.set_num_threads(threads)
        silence()
        for note in self.plan.notes:
            self.progress.say(f"note: {note}")
        try:
            with stop_on_interrupt(self.stop, lambda: self.progress.say("stopping once saved; again stops at once")):
                learner = self._starting_learner()
                if not (self.plan.is_tiny or self._has_score("start")):
                    self._evaluate(learner, "start")  # what a policy from elsewhere knew before
                for stage in self.plan.stages:
                    if not self._is_done(stage):
                        self._run_stage(learner, stage)
                    if not self._has_score(stage.folder):
                        self._evaluate(learner, stage.folder)
                self._finish(learner)
            write_report(self.run_folder)
        finally:
            self.reward.judging.close()
            self.judging.close()
        return self.run_folder

    # -- the learner

    def _starting_learner(self) -> Learner:
        """The last stage's weights that are done; before the first, the policy's own."""
        done = [stage for stage in self.plan.stages if self._is_done(stage)]
        start = self.checkpoints / done[-1].folder if done else self.checkpoints / "start"
        if not (start / "policy.json").exists():
            model, tokenizer = self._create()
            learner = self._learner(model, tokenizer)
            self._save(learner, start)
            return learner
        from sqlrl.policies.local import load_checkpoint

        model, tokenizer = load_checkpoint(str(start), device=self.config.device)
        return self._learner(model, tokenizer)

    def _create(self) -> tuple[Any, Any]:
        if self.plan.is_tiny:
            from sqlrl.policies.tiny import TinyShape, create_model, create_tokenizer

            tokenizer = create_tokenizer(self._texts(), TinyShape().vocabulary)
            model = create_model(tokenizer, seed=self.config.seed)
            return (model.to(self.config.device) if self.config.device else model), tokenizer
        from sqlrl.policies.local import checkpoint_in, load_checkpoint

        word = self.plan.policy
        name = word.removeprefix("hf:") if word.startswith("hf:") else str(checkpoint_in(Path(word)))
        model, tokenizer = load_checkpoint(name, device=self.config.device)
        if self.config.lora:
            from peft import LoraConfig, get_peft_model

            settings = LoraConfig(
                r=self.config.lora, lora_alpha=2 * self.config.lora, target_modules="all-linear", task_type="CAUSAL_LM"
            )
            model = get_peft_model(model, settings)
        return model, tokenizer

    def _texts(self) -> list[str]:
        """What the tiny policy's tokenizer is made from: the words of what it is shown, and no gold of `train`."""
        texts = [text for d in self.plan.demonstrations for text in (d.example.question, d.query, d.thought)]
        texts += [example.question for example in self.plan.train]
        if self.plan.prompter.needs_description:
            texts += sorted({self._describe(example) for example in self.plan.train})
        return texts

    def _learner(self, model: Any, tokenizer: Any) -> Learner:
        tokens = self.plan.recipe.max_completion_tokens
        return Learner(model, tokenizer, self.plan.prompter, self._describe, tokens)

    def _describe(self, example: Example) -> str:
        if not self.plan.prompter.needs_description:
            return ""
        database = example.labels.get("database", "")
        if database not in self._descriptions:
            self._descriptions[database] = self.judging.describe(example)
        return self._descriptions[database]

    # -- stages

    def _run_stage(self, learner: Learner, stage: Stage) -> None:
        folder = self.checkpoints / f"{stage.folder}.trainer"
        resume_from = _latest_checkpoint(folder)
        self._forget_metrics_after(stage, resume_from)
        self._stage_started = time.process_time()
        if stage.method == "rft":
            self._harvest(learner, stage)
        advance = self.progress.start(_title(stage, self._from_scratch(stage)), stage.steps)
        if resume_from is not None:
            advance(_step_of(resume_from), "resumed")
        recorder = Recorder(
            stage.name, self.run_folder.append_metrics, stop=self.stop, advance=advance, every=self.plan.recipe.updates
        )
        recorder.at_step = lambda step: self._look(learner, stage, step, recorder)
        if stage.method == "grpo":
            self._reinforce(learner, stage, folder, recorder, resume_from)
        else:
            self._imitate(learner, stage, folder, recorder, resume_from)
        if recorder.stopped or self.stop.asked:
            if not recorder.stopped and stage.steps:
                self._save(learner, self.checkpoints / stage.folder)
            raise Interrupted(self.run_folder.folder)
        self._save(learner, self.checkpoints / stage.folder)
        shutil.rmtree(folder, ignore_errors=True)
        self._note(stage.folder, processor_seconds=round(time.process_time() - self._stage_started, 2))

    def _from_scratch(self, stage: Stage) -> bool:
        return stage.index == 0 and self.plan.is_tiny

    def _imitate(
        self, learner: Learner, stage: Stage, folder: Path, recorder: Recorder, resume_from: Path | None
    ) -> None:
        from sqlrl.training.sft import Supervision, supervise

        recipe = self.plan.recipe
        from_scratch = self._from_scratch(stage)
        pairs = self._material(learner, stage)
        supervise(
            learner.model, learner.tokenizer, pairs,
            Supervision(
                stage.steps, recipe.sft_learning_rate if from_scratch else recipe.rft_learning_rate, recipe.sft_batch,
                recipe.sft_dropout,
                save_steps=4 * self.config.save_steps if stage.steps > self.config.save_steps else 0,
            ),
            folder=folder, seed=self.config.seed + stage.index, callbacks=[recorder], resume_from=resume_from,
        )  # fmt: skip

    def _material(self, learner: Learner, stage: Stage) -> list[tuple[list[int], list[int]]]:
        """What this stage imitates, as token ids."""
        plan = self.plan
        if stage.method == "sft":
            return [self._pair(learner, *pair) for pair in self._pairs(plan.demonstrations)]
        if stage.method == "gold":
            golds = [(example, plan.completion_of(example.gold.query or "")) for example in plan.train]
            replay = self._pairs(plan.demonstrations) if plan.recipe.rft_replay else []
            return [self._pair(learner, *pair) for pair in golds + replay]
        harvest = self._harvest(learner, stage)
        by_id = {example.id: example for example in plan.train}
        pairs = [(by_id[name], completion) for name, completion in harvest.pairs]
        if not pairs:
            from sqlrl.executors.errors import DataError

            asked = len(self._to_sample(stage))
            raise DataError(
                f"none of {asked:,} questions was answered right in {plan.recipe.rft_samples} samples: "
                "there is nothing to imitate (a stronger start is needed)"
            )
        if plan.recipe.rft_replay:
            pairs = pairs + self._pairs(plan.demonstrations)
        return [self._pair(learner, *pair) for pair in pairs]

    def _harvest(self, learner: Learner, stage: Stage) -> Any:
        from sqlrl.training.rft import Harvest, harvest

        saved = self.checkpoints / f"{stage.folder}.harvest.json"
        if saved.exists():
            return Harvest.load(saved)
        recipe = self.plan.recipe
        examples = self._to_sample(stage)
        advance = self.progress.start(f"{stage.name}: sampling", len(examples))

        def sampled(count: int) -> None:
            advance(count, "")
            if self.stop.asked:  # nothing to save yet: a resumed run samples anew, and alike
                raise Interrupted(self.run_folder.folder)

        found = harvest(
            learner, examples, self.reward, samples=recipe.rft_samples, keep=recipe.rft_keep,
            temperature=recipe.temperature, seed=self.config.seed + stage.index, advance=sampled,
        )  # fmt: skip
        found.save(saved)
        self.run_folder.append_metrics(
            {
                "stage": stage.name, "step": 0, "solved_questions": found.solved, "right_samples": found.right,
                "kept": len(found.pairs), "reward_seconds": round(found.reward_seconds, 4),
                "sample_seconds": round(found.sample_seconds, 4),
            }
        )  # fmt: skip
        return found

    def _to_sample(self, stage: Stage) -> list[Example]:
        """The training questions; where a stage is shortened, as many as it can make use of."""
        return self.plan.train[: stage.steps * self.plan.recipe.sft_batch] if self.config.max_steps else self.plan.train

    def _reinforce(
        self, learner: Learner, stage: Stage, folder: Path, recorder: Recorder, resume_from: Path | None
    ) -> None:
        from sqlrl.training.grpo import Reinforcement, reinforce

        recipe = self.plan.recipe
        # A checkpoint falls on the boundary of a generation batch: all updates of one batch are done.
        every = max(1, self.config.save_steps // recipe.updates) * recipe.updates
        settings = Reinforcement(
            steps=stage.steps, learning_rate=recipe.grpo_learning_rate,
            questions=min(recipe.questions, len(self.plan.train)),
            size=recipe.num_generations, samples=recipe.grpo_samples, temperature=recipe.temperature,
            updates=recipe.updates,
            schedule=recipe.grpo_schedule, save_steps=every,
        )  # fmt: skip
        reinforce(
            learner, self.plan.train, self.reward, settings, folder=folder, seed=self.config.seed + stage.index,
            callbacks=[recorder], resume_from=resume_from,
        )  # fmt: skip

    def _look(self, learner: Learner, stage: Stage, step: int, recorder: Recorder) -> None:
        """After a step: now and then keep what was sampled, and measure a point of the accuracy curve."""
        if recorder.groups is not None and (step - 1) % COMPLETIONS_EVERY == 0:
            self._keep_completions(stage, step, recorder.groups.seen)
        if step < stage.steps and step % max(1, -(-stage.steps // CURVE_POINTS)) == 0:
            self._measure(learner, stage.name, step, self.plan.validation[:CURVE_QUESTIONS])

    def _measure(self, learner: Learner, stage: str, step: int, examples: Sequence[Example]) -> Sequence[Item]:
        """Answer these questions as the policy stands; one line of metrics."""
        if not examples:
            return []
        was_training = learner.model.training
        completions = [group[0] for group in learner.complete(examples)]
        learner.model.train(was_training)
        items = evaluate(examples, self.judging, completions=completions, prompter=self.plan.prompter)
        score = summarise(items, self.judging.judge.name).official
        spent = round(time.process_time() - self._stage_started, 2)
        line = {"stage": stage, "step": step, "processor_seconds": spent, "validation": score.to_dict()}
        self.run_folder.append_metrics(line)
        return items

    def _keep_completions(self, stage: Stage, step: int, seen: Sequence[dict[str, Any]]) -> None:
        import pyarrow
        import pyarrow.parquet

        folder = self.run_folder.folder / "completions"
        folder.mkdir(exist_ok=True)
        rows = [{"stage": stage.name, "step": step, **row} for row in seen]
        if rows:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / f"{stage.folder}-{step:06d}.parquet")

    # -- after a stage

    def _evaluate(self, learner: Learner, folder: str) -> None:
        """Score the validation questions after the stage of this folder, or before the first ("start")."""
        examples = self.plan.validation
        if not examples:
            return
        name = folder.partition("-")[2] or folder
        step = next((stage.steps for stage in self.plan.stages if stage.folder == folder), 0)
        advance = self.progress.start(f"{name}: validating", len(examples))
        lines = self.run_folder.metrics()
        kept = [x for x in lines if not ("validation" in x and x.get("stage") == name and x.get("step") == step)]
        if len(kept) < len(lines):  # a run that was killed right here has measured it already
            self.run_folder.keep_metrics(kept)
        items = self._measure(learner, name, step, examples)
        advance(len(examples), "")
        self.run_folder.write_items((item.to_dict() for item in items), f"items-{folder}.jsonl")
        score = summarise(items, self.judging.judge.name).official
        self._note(folder, validation=score.to_dict())
        when = "before training" if folder == "start" else f"after {name}"
        self.progress.say(f"{when}: {score.right} of {score.total} validation questions right ({score.share:.1%})")

    def _has_score(self, folder: str) -> bool:
        return not self.plan.validation or "validation" in self.run_folder.summary().get("stages", {}).get(folder, {})

    def _note(self, folder: str, **values: Any) -> None:
        summary = self.run_folder.summary()
        summary.setdefault("stages", {}).setdefault(folder, {}).update(values)
        self.run_folder.write_summary(summary)

    def _finish(self, learner: Learner) -> None:
        final = self.checkpoints / "final"
        if not (final / "policy.json").exists():
            self._save(learner, final)
        last = self.run_folder.folder / f"items-{self.plan.stages[-1].folder}.jsonl"
        if last.exists():
            shutil.copyfile(last, self.run_folder.folder / "items.jsonl")
        summary = self.run_folder.summary()
        summary |= {
            "benchmark": self.plan.benchmark.name,
            "policy": self.plan.policy,
            "parameters": sum(parameter.numel() for parameter in learner.model.parameters()),
            "method": "+".join(stage.name for stage in self.plan.stages),
            "reward": self.config.reward,
            "judge": self.judging.judge.name,
            "train": len(self.plan.train),
            "demonstrations": len(self.plan.demonstrations),
            "seed": self.config.seed,
            "notes": self.plan.notes,
        }
        self.run_folder.write_summary(summary)

    # -- files

    def _save(self, learner: Learner, folder: Path) -> None:
        """Beside and renamed: a folder with this name is whole."""
        beside = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        learner.save(beside, self.plan.prompter.to_dict())
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)

    def _is_done(self, stage: Stage) -> bool:
        return (self.checkpoints / stage.folder / "policy.json").exists()

    def _forget_metrics_after(self, stage: Stage, resume_from: Path | None) -> None:
        """Lines of this stage past its last checkpoint were written by steps that will be taken again."""
        last = _step_of(resume_from) if resume_from else 0
        lines = self.run_folder.metrics()
        kept = [line for line in lines if line.get("stage") != stage.name or line.get("step", 0) <= last]
        if len(kept) != len(lines):
            self.run_folder.keep_metrics(kept)

    def _pairs(self, demonstrations: Sequence[Any]) -> list[tuple[Example, str]]:
        return [(d.example, self.plan.completion_of(d.query, d.thought)) for d in demonstrations]

    def _pair(self, learner: Learner, example: Example, completion: str) -> tuple[list[int], list[int]]:
        return learner.prompt_ids(example), learner.completion_ids(completion)


def _recipe_of(run: Run) -> Recipe | None:
    """The recipe that a run began with, so that a later version of sqlrl goes on with it as it was."""
    path = run.folder / RECIPE
    return Recipe.from_dict(read_config(path), path) if path.exists() else None


def _title(stage: Stage, from_scratch: bool) -> str:
    return {
        "sft": "warm start (SFT)" if from_scratch else "imitation (SFT)",
        "rft": "rejection sampling (RFT)", "grpo": "reinforcement (GRPO)",
        "gold": "imitating golds (ceiling)",
    }[stage.method]  # fmt: skip


def _latest_checkpoint(folder: Path) -> Path | None:
    """The trainer's last whole checkpoint; one that was being written has no state yet."""
    whole = [
        path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").exists() and _readable(path)
    ] if folder.is_dir() else []  # fmt: skip
    return max(whole, key=_step_of, default=None)


def _readable(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_text())
    except (OSError, ValueError):
        return False
    return True


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
