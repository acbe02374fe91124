"""Lessons: what each stage learns from, and the trainer that it is put before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlrl.executors.errors import DataError
from sqlrl.training.run import Interrupted
from sqlrl.training.tutor import Script, Tutor, scripted

if TYPE_CHECKING:
    from sqlrl.benchmarks.base import Demonstration, Example
    from sqlrl.environment import EnvironmentFactory
    from sqlrl.rewards import ExecutionReward
    from sqlrl.runs import Run
    from sqlrl.training.checkpoints import Checkpoints
    from sqlrl.training.learner import Learner
    from sqlrl.training.plan import Plan, Stage
    from sqlrl.training.recorder import Recorder, Stop
    from sqlrl.training.rft import Harvest
    from sqlrl.training.run import Progress
    from sqlrl.training.trainers import Tracking

__all__ = ["Lessons"]


class Lessons:
    """Of one run: pairs to imitate for sft, rft and gold; questions and rewards for grpo and rloo."""

    def __init__(
        self, plan: Plan, run: Run, checkpoints: Checkpoints, reward: ExecutionReward, progress: Progress, stop: Stop,
        environments: EnvironmentFactory | None = None,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.run = run
        self.checkpoints = checkpoints
        self.reward = reward
        self.progress = progress
        self.stop = stop
        self.environments = environments
        self._scripts: list[Script] = []

    def teach(
        self, learner: Learner, stage: Stage, recorder: Recorder, resume_from: Path | None, tracking: Tracking
    ) -> None:
        """Train the learner in place by this stage's method, from its last checkpoint on."""
        folder = self.checkpoints.of_trainer(stage.folder)
        if stage.method in ("grpo", "rloo"):
            self._reinforce(learner, stage, folder, recorder, resume_from, tracking)
        else:
            self._imitate(learner, stage, folder, recorder, resume_from, tracking)

    def _imitate(
        self, learner: Learner, stage: Stage, folder: Path, recorder: Recorder, resume_from: Path | None,
        tracking: Tracking,
    ) -> None:  # fmt: skip
        from sqlrl.training.sft import Supervision, supervise

        recipe, config = self.plan.recipe, self.plan.config
        from_scratch = stage.index == 0 and self.plan.is_tiny
        masks = None
        if self.environments is not None:
            pairs, masks = scripted(learner, self._written())
        else:
            pairs = [
                (learner.prompt_ids(example), learner.completion_ids(text))
                for example, text in self._pairs(learner, stage)
            ]
        supervise(
            learner.model, learner.tokenizer, pairs,
            Supervision(
                stage.steps, recipe.sft_learning_rate if from_scratch else recipe.rft_learning_rate, recipe.sft_batch,
                recipe.sft_dropout, micro_batch=recipe.micro_batch,
                gradient_checkpointing=recipe.gradient_checkpointing, processes=self.plan.processes.count,
                save_steps=4 * config.save_steps if stage.steps > config.save_steps else 0,
            ),
            folder=folder, seed=config.seed + stage.index, callbacks=[recorder], resume_from=resume_from,
            tracking=tracking, masks=masks,
        )  # fmt: skip

    def shown(self) -> list[str]:
        """What the tools say in the demonstrations."""
        return [text for script in self._written() for text in script.shown]

    def _written(self) -> list[Script]:
        """The demonstrations as dialogues; none for a policy that answers in one turn."""
        if self.environments is not None and not self._scripts:
            plan = self.plan
            advance = self.progress.start("writing demonstrations", len(plan.demonstrations))
            tutor = Tutor(self.environments, plan.prompter, plan.config.seed)
            for demonstration in plan.demonstrations:
                self._scripts.append(tutor.write(demonstration))
                advance(1, "")
        return self._scripts

    def _pairs(self, learner: Learner, stage: Stage) -> list[tuple[Example, str]]:
        """What this stage imitates: examples and the completions that should answer them."""
        plan = self.plan
        if stage.method == "sft":
            return self._demonstrated(plan.demonstrations)
        replay = self._demonstrated(plan.demonstrations) if plan.recipe.rft_replay else []
        if stage.method == "gold":
            golds = [(example, plan.completion_of(example.gold.query or "")) for example in plan.train]
            return golds * plan.recipe.rft_repeat + replay
        by_id = {example.id: example for example in plan.train}
        pairs = [(by_id[name], completion) for name, completion in self.harvest(learner, stage).pairs]
        if not pairs:
            raise DataError(
                f"none of {len(self._to_sample(stage)):,} questions was answered right in {plan.recipe.rft_samples} "
                "samples: there is nothing to imitate (a stronger start is needed)"
            )
        return pairs * plan.recipe.rft_repeat + replay

    def _demonstrated(self, demonstrations: Sequence[Demonstration]) -> list[tuple[Example, str]]:
        return [(d.example, self.plan.completion_of(d.query, d.thought)) for d in demonstrations]

    def harvest(self, learner: Learner, stage: Stage) -> Harvest:
        """What rejection sampling kept for this stage; sampled once and saved. Each process samples its part."""
        from sqlrl.training.rft import Harvest, harvest

        processes, recipe = self.plan.processes, self.plan.recipe
        saved = self.checkpoints / f"{stage.folder}.harvest.json"
        if processes.decide(saved.exists):
            return Harvest.load(saved)
        examples = processes.share(self._to_sample(stage))
        advance = self.progress.start(f"{stage.name}: sampling", len(examples))

        def sampled(count: int) -> None:
            advance(count, "")
            if self.stop.asked and processes.count == 1:  # nothing to save yet: a resumed run samples anew, and alike
                raise Interrupted(self.run.folder)

        mine = harvest(
            learner, examples, self.reward, samples=recipe.rft_samples, keep=recipe.rft_keep,
            temperature=recipe.temperature, seed=self.plan.config.seed + stage.index + 1000 * processes.rank,
            advance=sampled,
        )  # fmt: skip
        found = Harvest.joined(processes.all(mine))
        if processes.is_main:
            found.save(saved)
            self.run.append_metrics(
                {
                    "stage": stage.name, "step": 0, "solved_questions": found.solved, "right_samples": found.right,
                    "kept": len(found.pairs), "reward_seconds": round(found.reward_seconds, 4),
                    "sample_seconds": round(found.sample_seconds, 4),
                }
            )  # fmt: skip
        processes.wait()
        return found

    def _to_sample(self, stage: Stage) -> list[Example]:
        """The training questions; where a stage is shortened, as many as it can make use of."""
        wanted = stage.steps * self.plan.recipe.sft_batch if self.plan.config.max_steps else None
        return self.plan.train[:wanted]

    def _reinforce(
        self, learner: Learner, stage: Stage, folder: Path, recorder: Recorder, resume_from: Path | None,
        tracking: Tracking,
    ) -> None:  # fmt: skip
        from sqlrl.training.grpo import Reinforcement, reinforce

        recipe, config, processes = self.plan.recipe, self.plan.config, self.plan.processes
        # A checkpoint falls on the boundary of a generation batch: all updates of one batch are done.
        every = max(1, config.save_steps // recipe.updates) * recipe.updates
        settings = Reinforcement(
            stage.method, steps=stage.steps, learning_rate=recipe.grpo_learning_rate,
            questions=min(recipe.questions, len(self.plan.train)), size=recipe.num_generations,
            samples=recipe.grpo_samples, temperature=recipe.temperature, updates=recipe.updates, loss=recipe.loss,
            scale=recipe.scale_rewards, beta=recipe.beta, epsilon_high=recipe.epsilon_high,
            schedule=recipe.grpo_schedule, dynamic=recipe.skip_dead_groups, sampler=recipe.sampler,
            vllm_server=recipe.vllm_server, vllm_memory=recipe.vllm_memory, micro_batch=recipe.micro_batch,
            gradient_checkpointing=recipe.gradient_checkpointing, save_steps=every,
        )  # fmt: skip
        reinforce(
            learner, self.plan.train, self.reward, settings, folder=folder, seed=config.seed + stage.index,
            callbacks=[recorder], resume_from=resume_from, processes=processes, tracking=tracking,
        )  # fmt: skip
