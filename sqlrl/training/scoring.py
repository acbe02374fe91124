"""Scoring: how many validation questions a policy in training answers right, at points of a stage and after it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlrl.answers import extract
from sqlrl.evaluation import Item, evaluate, summarise
from sqlrl.judging import Judging

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Example
    from sqlrl.prompts import Prompter
    from sqlrl.runs import Run
    from sqlrl.training.learner import Learner
    from sqlrl.training.plan import Plan, Stage
    from sqlrl.training.recorder import Recorder
    from sqlrl.training.run import Progress

__all__ = ["Scoring"]

COMPLETIONS_EVERY = 10  # GRPO steps whose completions are kept for reading
CURVE_POINTS, CURVE_QUESTIONS = 6, 200  # of the accuracy curve of each stage


class Scoring:
    """Every process answers its part of the questions; the main one judges and writes.

    judging: of training and validation examples alike, and what describes their databases.
    """

    def __init__(self, plan: Plan, run: Run, progress: Progress, judging: Judging) -> None:
        self.plan = plan
        self.run = run
        self.progress = progress
        self.judging = judging
        self.started = time.process_time()  # of the stage that is running

    def look(self, learner: Learner, stage: Stage, step: int, recorder: Recorder) -> None:
        """After a step: now and then keep what was sampled, and measure a point of the accuracy curve."""
        if recorder.groups is not None and (step - 1) % COMPLETIONS_EVERY == 0:
            seen = self.plan.processes.together(recorder.groups.seen)
            if self.plan.processes.is_main:
                self._keep_completions(stage, step, seen)
        if step < stage.steps and step % max(1, -(-stage.steps // CURVE_POINTS)) == 0:
            self._measure(learner, stage.name, step, self.plan.validation[:CURVE_QUESTIONS])

    def score(self, learner: Learner, folder: str) -> None:
        """Score the validation questions after the stage of this folder, or before the first ("start")."""
        examples = self.plan.validation
        if not examples:
            return
        name = folder.partition("-")[2] or folder
        step = next((stage.steps for stage in self.plan.stages if stage.folder == folder), 0)
        advance = self.progress.start(f"{name}: validating", len(examples))
        lines = self.run.metrics()
        kept = [x for x in lines if not ("validation" in x and x.get("stage") == name and x.get("step") == step)]
        if len(kept) < len(lines) and self.plan.processes.is_main:
            self.run.keep_metrics(kept)  # a run that was killed right here has measured it already
        items = self._measure(learner, name, step, examples)
        advance(len(examples), "")
        if not self.plan.processes.is_main:
            return
        self.run.write_items((item.to_dict() for item in items), f"items-{folder}.jsonl")
        score = summarise(items, self.judging.judge.name).official
        self.note(folder, validation=score.to_dict())
        when = "before training" if folder == "start" else f"after {name}"
        figure = f"mean score {score.mean:.1%}" if score.is_graded else f"{score.share:.1%}"
        self.progress.say(f"{when}: {score.right} of {score.total} validation questions right ({figure})")

    def has_score(self, folder: str) -> bool:
        """Whether `score` has been here, or has nothing to do."""
        return not self.plan.validation or "validation" in self.run.summary().get("stages", {}).get(folder, {})

    def note(self, folder: str, **values: Any) -> None:
        """Add to what the summary says of this stage."""
        summary = self.run.summary()
        summary.setdefault("stages", {}).setdefault(folder, {}).update(values)
        self.run.write_summary(summary)

    @property
    def spent(self) -> float:
        """Processor seconds of this stage so far, in this process."""
        return round(time.process_time() - self.started, 2)

    def _measure(self, learner: Learner, stage: str, step: int, examples: Sequence[Example]) -> Sequence[Item]:
        """Answer these questions as the policy stands; one line of metrics. Items in the main process alone."""
        if not examples or self.plan.processes.sharded:
            return []
        was_training = learner.model.training
        mine = [group[0] for group in learner.complete(self.plan.processes.share(examples))]
        completions = self.plan.processes.together(mine)
        learner.model.train(was_training)
        if not self.plan.processes.is_main:
            return []
        items = evaluate(examples, self.judging, completions=completions, prompter=self.plan.prompter.answering)
        score = summarise(items, self.judging.judge.name).official
        line = {"stage": stage, "step": step, "processor_seconds": self.spent, "validation": score.to_dict()}
        self.run.append_metrics(line | form_of(completions, self.plan.prompter.answering))
        return items

    def _keep_completions(self, stage: Stage, step: int, seen: Sequence[dict[str, Any]]) -> None:
        import pyarrow
        import pyarrow.parquet

        folder = self.run.folder / "completions"
        folder.mkdir(exist_ok=True)
        rows = [{"stage": stage.name, "step": step, **row} for row in seen]
        if rows:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / f"{stage.folder}-{step:06d}.parquet")


def form_of(completions: Sequence[str], prompter: Prompter) -> dict[str, float]:
    """Mean lengths in characters of the reasoning and of the query, over the completions that have a query.

    The two curves of the paper's ablation (DeepRetrieval, arXiv 2503.00223): how both grow or shrink as it learns.
    """
    answers = [answer for answer in (extract(text, prompter) for text in completions) if answer.query]
    count = max(1, len(answers))
    return {
        "thought_characters": round(sum(len(answer.thinking) for answer in answers) / count, 2),
        "query_characters": round(sum(len(answer.query or "") for answer in answers) / count, 2),
    }
