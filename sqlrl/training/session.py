"""A session: one training run while it runs; its stages one after another, each saved before the next begins."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from sqlrl.config import TrainConfig, read_config, write_config
from sqlrl.environment import Allowance, EnvironmentFactory
from sqlrl.executors.base import Limits
from sqlrl.executors.errors import UsageError
from sqlrl.judging import Judging
from sqlrl.policies.calling import prepare
from sqlrl.rewards import ExecutionReward
from sqlrl.runs import Run, keep_taught, write_text
from sqlrl.training import weights
from sqlrl.training.checkpoints import Checkpoints, step_of
from sqlrl.training.failures import told
from sqlrl.training.learner import Learner
from sqlrl.training.lessons import Lessons
from sqlrl.training.plan import Plan, Stage, draw_plan
from sqlrl.training.preflight import Preflight, fly
from sqlrl.training.processes import Processes
from sqlrl.training.recipe import Recipe
from sqlrl.training.recorder import Recorder, Stop, stop_on_interrupt
from sqlrl.training.run import Interrupted, Quiet
from sqlrl.training.scoring import Scoring
from sqlrl.training.trainers import Tracking, silence

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.training.run import Progress

__all__ = ["RECIPE", "Session"]

RECIPE, PREFLIGHT = "recipe.yaml", "preflight.json"  # in a run's folder


class Session:
    """A plan, a run folder and, once it runs, a learner. Under a launcher, one in each process."""

    def __init__(self, plan: Plan, run: Run, progress: Progress) -> None:
        self.plan = plan
        self.config = plan.config
        self.processes = plan.processes
        self.run_folder = run
        self.progress = progress if self.processes.is_main else Quiet()
        self.stop = Stop()
        self.checkpoints = Checkpoints(run.folder / "checkpoints")
        limits = Limits(seconds=self.config.seconds)
        workers = self.config.workers or self._share_of_processors()
        self.reward = ExecutionReward.of(
            plan.benchmark, plan.train, plan.prompter.answering, plan.reward, judge=self.config.judge,
            limits=limits, workers=workers,
        )  # fmt: skip
        shown = plan.validation + plan.train + [d.example for d in plan.demonstrations]
        self.judging = Judging.of(plan.benchmark, shown, plan.judge, limits=limits, workers=workers)
        self.scoring = Scoring(plan, run, self.progress, self.judging)
        self.environments = None
        if plan.prompter.turns > 1:
            self.environments = EnvironmentFactory(self.judging, Allowance.of(plan.prompter, self.config.seconds))
        self.lessons = Lessons(plan, run, self.checkpoints, self.reward, self.progress, self.stop, self.environments)
        self._descriptions: dict[str, str] = {}

    @classmethod
    def open(
        cls, config: TrainConfig, progress: Progress, *, resume: Path | None = None, allow_gold: bool = False
    ) -> Session:
        """A new run of `config`, or the run in `resume` to go on with."""
        processes = Processes.of_launcher()
        processes.start(on_cpu=config.device == "cpu" or not _has_gpu())
        if resume is not None:
            run = Run.open(resume)
            recipe = _recipe_of(run)
            return cls(draw_plan(config, allow_gold=allow_gold, recipe=recipe, processes=processes), run, progress)
        plan = draw_plan(config, allow_gold=allow_gold, processes=processes)
        return cls(plan, processes.decide(lambda: _new_run(plan)), progress)

    def run(self, show: Callable[[Preflight], None] | None = None) -> Run:
        """Train every stage that is not done, evaluate after each, write summary and report.

        show: is given the pre-flight's checks before anything is spent. UsageError where one of them forbids to go on.
        """
        import torch

        from sqlrl.report import write_report

        torch.set_num_threads(self.config.threads or min(4, self._share_of_processors()))
        silence()
        try:
            self._preflight(show)
            with (
                told(self.run_folder, self.checkpoints),
                stop_on_interrupt(self.stop, lambda: self.progress.say("stopping once saved; again stops at once")),
            ):
                learner = self._starting_learner()
                if not (self.plan.is_tiny or self._is_scored("start")):
                    self.scoring.score(learner, "start")  # what a policy from elsewhere knew before
                for stage in self.plan.stages:
                    if not self._is_done(stage):
                        self._run_stage(learner, stage)
                        if self.processes.sharded:  # the trainer took the weights apart
                            learner = self._starting_learner()
                    if not self._is_scored(stage.folder):
                        self.scoring.score(learner, stage.folder)
                self._finish(learner)
                if self.processes.is_main:
                    write_report(self.run_folder)
                self.processes.wait()
        finally:
            self.reward.judging.close()
            self.judging.close()
        return self.run_folder

    def _preflight(self, show: Callable[[Preflight], None] | None) -> None:
        """Check before weights are loaded. A run that is gone on with was checked when it began."""
        path = self.run_folder.folder / PREFLIGHT
        if self.processes.decide(path.exists):
            flight = self.processes.decide(lambda: Preflight.read(path))
        else:
            flight = self.processes.decide(lambda: fly(self.plan))
            if show is not None and self.processes.is_main:
                show(flight)
            if flight.stops():
                raise UsageError("; ".join(f"{check.what}: {check.found}" for check in flight.stops()))
            if self.processes.is_main:
                write_text(path, json.dumps(flight.to_dict(), indent=1, ensure_ascii=False) + "\n")
        too_long = set(flight.too_long)
        self.plan.train = [example for example in self.plan.train if example.id not in too_long]

    # -- the learner

    def _starting_learner(self) -> Learner:
        """The last stage's weights that are done; before the first, the policy's own."""
        done = [stage.folder for stage in self.plan.stages if self._is_done(stage)]
        start = done[-1] if done else "start"
        if self.processes.decide(lambda: self.checkpoints.has(start)):
            return self._learner(*weights.load(self.plan, str(self.checkpoints / start)))
        learner = self._learner(*weights.create(self.plan, self._describe, self.lessons.shown()))
        if self.processes.is_main:
            self.checkpoints.save(learner, start, self.plan.prompter)
        self.processes.wait()
        return learner

    def _learner(self, model: object, tokenizer: object) -> Learner:
        if self.environments is not None:
            prepare(tokenizer)
        return Learner(
            model, tokenizer, self.plan.prompter, self._describe, self.plan.recipe.max_completion_tokens,
            rows=1024 if self.plan.is_tiny else 64, environments=self.environments,
        )  # fmt: skip

    def _describe(self, example: Example) -> str:
        if not self.plan.prompter.needs_description:
            return ""
        database = example.labels.get("database", "")
        if database not in self._descriptions:
            self._descriptions[database] = self.judging.describe(example)
        return self._descriptions[database]

    # -- stages

    def _run_stage(self, learner: Learner, stage: Stage) -> None:
        resume_from = self.processes.decide(lambda: self.checkpoints.last_of_trainer(stage.folder))
        if self.processes.is_main:
            self._forget_metrics_after(stage, resume_from)
        self.scoring.started = time.process_time()
        if stage.method == "rft":
            self.lessons.harvest(learner, stage)
        advance = self.progress.start(_title(stage, stage.index == 0 and self.plan.is_tiny), stage.steps)
        if resume_from is not None:
            advance(step_of(resume_from), "resumed")
        recorder = Recorder(
            stage.name, self._record, stop=self.stop, advance=advance, every=self.plan.recipe.updates,
            prompter=self.plan.prompter, processes=self.processes,
        )  # fmt: skip
        recorder.at_step = lambda step: self.scoring.look(learner, stage, step, recorder)
        self.lessons.teach(learner, stage, recorder, resume_from, Tracking.of(self.config, self.run_folder, stage.name))
        if recorder.stopped or self.processes.any(self.stop.asked):
            if not recorder.stopped and stage.steps:
                self._save(learner, stage, recorder)
            raise Interrupted(self.run_folder.folder)
        self._save(learner, stage, recorder)
        self.processes.wait()
        if self.processes.is_main:
            self.checkpoints.drop_trainer(stage.folder)
            self.scoring.note(stage.folder, processor_seconds=self.scoring.spent)
        self.processes.wait()

    def _save(self, learner: Learner, stage: Stage, recorder: Recorder) -> None:
        if self.processes.sharded:
            recorder.save_whole(self.checkpoints / stage.folder)
        elif self.processes.is_main:
            self.checkpoints.save(learner, stage.folder, self.plan.prompter)

    def _record(self, line: dict[str, object]) -> None:
        if self.processes.is_main:
            self.run_folder.append_metrics(line)

    def _is_done(self, stage: Stage) -> bool:
        return self.processes.decide(lambda: self.checkpoints.has(stage.folder))

    def _is_scored(self, folder: str) -> bool:
        return self.processes.decide(lambda: self.scoring.has_score(folder))

    def _forget_metrics_after(self, stage: Stage, resume_from: Path | None) -> None:
        """Lines of this stage past its last checkpoint were written by steps that will be taken again."""
        last = step_of(resume_from)
        lines = self.run_folder.metrics()
        kept = [line for line in lines if line.get("stage") != stage.name or line.get("step", 0) <= last]
        if len(kept) != len(lines):
            self.run_folder.keep_metrics(kept)

    # -- the end

    def _finish(self, learner: Learner) -> None:
        if not self.processes.is_main:
            return
        if not self.checkpoints.has("final"):
            if self.processes.sharded:
                shutil.copytree(self.checkpoints / self.plan.stages[-1].folder, self.checkpoints / "final")
            else:
                self.checkpoints.save(learner, "final", self.plan.prompter)
        last = self.run_folder.folder / f"items-{self.plan.stages[-1].folder}.jsonl"
        if last.exists():
            shutil.copyfile(last, self.run_folder.folder / "items.jsonl")
        summary = self.run_folder.summary()
        summary |= {
            "benchmark": self.plan.benchmark.name,
            "policy": self.plan.policy,
            "parameters": sum(parameter.numel() for parameter in learner.model.parameters()),
            "method": "+".join(stage.name for stage in self.plan.stages),
            "reward": self.plan.reward,
            "judge": self.judging.judge.name,
            "train": len(self.plan.train),
            "demonstrations": len(self.plan.demonstrations),
            "seed": self.config.seed,
            "processes": self.processes.count,
            "notes": self.plan.notes,
        }
        self.run_folder.write_summary(summary)

    def _share_of_processors(self) -> int:
        return max(1, len(os.sched_getaffinity(0)) // self.processes.here)


def _new_run(plan: Plan) -> Run:
    config = plan.config
    run = Run.create(config.out, config.name, f"{config.benchmark}-{config.method or plan.recipe.default_method}")
    write_config(config, run.folder / "config.yaml")
    keep_taught(run, [e.question for e in [*plan.train, *(d.example for d in plan.demonstrations)]])
    write_text(run.folder / RECIPE, yaml.safe_dump(asdict(plan.recipe), sort_keys=False))
    return run


def _recipe_of(run: Run) -> Recipe | None:
    """The recipe that a run began with, so that a later version of sqlrl goes on with it as it was."""
    path = run.folder / RECIPE
    return Recipe.from_dict(read_config(path), path) if path.exists() else None


def _title(stage: Stage, from_scratch: bool) -> str:
    return {
        "sft": "warm start (SFT)" if from_scratch else "imitation (SFT)",
        "rft": "rejection sampling (RFT)", "grpo": "reinforcement (GRPO)", "rloo": "reinforcement (RLOO)",
        "gold": "imitating golds (ceiling)",
    }[stage.method]  # fmt: skip


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
