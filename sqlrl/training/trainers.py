"""What every TRL trainer is given alike: arguments that fit the machine, and callbacks that record and stop."""

from __future__ import annotations

import dataclasses
import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["run_trainer", "silence", "training_arguments"]


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
        "logging_steps": 1,
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
