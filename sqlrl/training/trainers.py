"""What every TRL trainer is given alike: arguments that fit the machine, and callbacks that record and stop."""

from __future__ import annotations

import dataclasses
import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.executors.errors import UsageError, nearest

if TYPE_CHECKING:
    from sqlrl.config import TrainConfig
    from sqlrl.runs import Run

__all__ = ["Tracking", "batching", "check_trackers", "run_trainer", "silence", "training_arguments"]

TRACKERS = {"tensorboard": "tensorboard", "wandb": "wandb", "trackio": "trackio"}  # and the package each needs


@dataclasses.dataclass(frozen=True, slots=True)
class Tracking:
    """Where a trainer's metrics go besides metrics.jsonl. settings: by transformers' names."""

    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, config: TrainConfig, run: Run, stage: str) -> Tracking:
        """As --report-to asks. UsageError for a tracker that there is not, MissingExtraError for one not installed."""
        trackers = check_trackers(config.report_to)
        if not trackers:
            return cls()
        if "tensorboard" in trackers:
            # The trainer's callback reads it from here alone; a stage has a folder of its own.
            os.environ["TENSORBOARD_LOGGING_DIR"] = str(run.folder / "tensorboard" / stage)
        return cls({"report_to": trackers, "run_name": f"{run.folder.name}-{stage}"})


def check_trackers(words: str) -> list[str]:
    """The trackers of --report-to, each known and installed."""
    import importlib.util

    chosen = [word.strip() for word in words.split(",") if word.strip() not in ("", "none")]
    for word in chosen:
        if word not in TRACKERS:
            raise UsageError(f"no tracker {word!r}{nearest(word, TRACKERS)}")
        if importlib.util.find_spec(TRACKERS[word]) is None:
            raise UsageError(f"--report-to {word} needs its package: pip install {TRACKERS[word]}")
    return chosen


def batching(sequences: int, processes: int, micro_batch: int) -> dict[str, int]:
    """TRL's names for `sequences` a step over `processes` that hold at most `micro_batch` at once (0: all).

    UsageError where they don't divide: TRL would say so once the weights are loaded, or train on another number.
    """
    each, rest = divmod(sequences, processes)
    if rest or not each:
        raise UsageError(f"{sequences} sequences a step cannot be shared by {processes} processes")
    at_once = min(each, micro_batch or each)
    while each % at_once:  # the largest part that goes in whole
        at_once -= 1
    return {"per_device_train_batch_size": at_once, "gradient_accumulation_steps": each // at_once}


def training_arguments(kind: str, model: Any, **settings: Any) -> Any:
    """TRL's `kind` ("SFTConfig", "GRPOConfig") with our settings over defaults that fit where `model` lies.

    Settings that this version of TRL doesn't know are left out with a warning, so that one release of TRL more or less
    doesn't end a training run.
    """
    import torch
    import trl

    config_class = getattr(trl, kind)
    on_gpu = next(model.parameters()).device.type == "cuda"
    defaults: dict[str, Any] = {
        "use_cpu": not on_gpu,
        "bf16": on_gpu and torch.cuda.is_bf16_supported(),
        "gradient_checkpointing": False,
        "dataloader_pin_memory": on_gpu,
        "dataloader_num_workers": 0,
        "report_to": "none",
        "disable_tqdm": True,
        "ddp_find_unused_parameters": False,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a loss that is not a number ends the run, not the plot
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "save_only_model": False,
        "average_tokens_across_devices": False,
    }
    wanted = {**defaults, **settings}
    known = {field.name for field in dataclasses.fields(config_class)}
    unknown = sorted(set(wanted) - known)
    if unknown:
        logging.getLogger(__name__).warning("this version of TRL knows no %s.%s", kind, ", ".join(unknown))
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    with warnings.catch_warnings():  # TRL's own deprecations are not the user's business
        warnings.simplefilter("ignore")
        return config_class(**{name: value for name, value in wanted.items() if name in known})


def run_trainer(trainer: Any, callbacks: Sequence[Any], resume_from: Path | None) -> None:
    """Train, with `callbacks` in place of the trainer's own printing."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    for callback in callbacks:
        trainer.add_callback(callback)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train(resume_from_checkpoint=str(resume_from) if resume_from else None)


def silence() -> None:
    """Keep the libraries' own bars and remarks off the screen; ours tell what a reader wants to know."""
    import datasets
    from transformers.utils import logging as transformers_logging

    datasets.disable_progress_bars()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # tied weights are "missing" in every checkpoint that is resumed
