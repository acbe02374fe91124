"""Figures: the plots of a run, as PNG files in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlrl.report.charts import mean_of

if TYPE_CHECKING:
    from sqlrl.runs import Run

__all__ = ["draw_ablation", "draw_comparison", "draw_plots", "draw_repeats"]

INK, FAINT, BLUE, ORANGE = "#1f2328", "#d0d7de", "#2f6fde", "#d9822b"
_MANY = 30  # bars of one label that can still be read
_LONG = 40  # characters of a bar's name


def draw_plots(run: Run) -> list[Path]:
    """Draw what the run has measured: accuracy and reward over steps, accuracy by label. Nothing without matplotlib."""
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        return []
    folder = run.folder / "plots"
    folder.mkdir(exist_ok=True)
    drawn = []
    metrics = run.metrics()
    summary = run.summary()
    if any("validation" in line for line in metrics):
        drawn.append(_draw(folder / "accuracy.png", _accuracy, metrics))
    if any("sampled_reward" in line for line in metrics):
        drawn.append(_draw(folder / "reward.png", _reward, metrics))
    if any("loss" in line and "sampled_reward" not in line for line in metrics):
        drawn.append(_draw(folder / "loss.png", _loss, metrics))
    evaluation = summary.get("evaluation") or {}
    for label, values in evaluation.get("by", {}).items():
        if 1 < len(values) <= _MANY:
            drawn.append(_draw(folder / f"by-{label}.png", _bars, (label, values), 0.28 * len(values) + 1.1))
    return drawn


def _draw(path: Path, draw: Any, what: Any, height: float = 3.4, columns: int = 1) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    style: Any = {
        "font.size": 10, "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK,
        "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
        "axes.titleweight": "bold", "axes.grid": True, "grid.color": "#eaeef2", "axes.axisbelow": True,
    }  # fmt: skip
    with pyplot.rc_context(style):
        width = 8 if columns == 1 else 4.4 * columns
        figure, axes = pyplot.subplots(1, columns, figsize=(width, height), layout="constrained")
        draw(axes, what)
        beside = path.with_suffix(".part.png")
        figure.savefig(beside, dpi=130)
        beside.replace(path)
        pyplot.close(figure)
    return path


def _accuracy(axes: Any, metrics: Sequence[Mapping[str, Any]]) -> None:
    """Validation accuracy over all steps of all stages, with its 95 % interval."""
    axes.set_title("Validation accuracy")
    offset = 0
    spots = []
    last: Mapping[str, Any] | None = None
    for stage, steps in _stages(metrics):
        measured = [line for line in metrics if line.get("stage") == stage and "validation" in line]
        if not measured:
            continue
        line = ([last] if last else []) + [{"at": offset + found["step"], **found["validation"]} for found in measured]
        places = [point["at"] for point in line]
        colour = BLUE if stage == "start" or stage.startswith("sft") else ORANGE
        axes.plot(places, [100 * mean_of(p) for p in line], color=colour, marker="o", markersize=4, label=stage)
        axes.fill_between(
            places, [100 * p["interval"][0] for p in line], [100 * p["interval"][1] for p in line], color=colour,
            alpha=0.13, linewidth=0,
        )  # fmt: skip
        last = line[-1]
        offset += steps
        spots.append((offset, stage))
    for place, _ in spots[:-1]:
        axes.axvline(place, color=FAINT, linewidth=1)
    axes.set_ylim(0, 100)
    axes.set_ylabel("questions right, %" if _all_or_nothing(metrics) else "mean score, %")
    axes.set_xlabel("optimiser steps")
    axes.legend(frameon=False, loc="lower right")


def _all_or_nothing(metrics: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no validation question had a mark between wrong and right."""
    measured = [line["validation"] for line in metrics if "validation" in line]
    return all(abs(mean_of(score) - score["share"]) < 1e-9 for score in measured)


def _reward(axes: Any, metrics: Sequence[Mapping[str, Any]]) -> None:
    """Mean reward of what was sampled, step by step and smoothed."""
    axes.set_title("Reward of the samples (GRPO)")
    lines = [line for line in metrics if "sampled_reward" in line]
    values = [line["sampled_reward"] for line in lines]
    axes.plot(range(1, len(values) + 1), values, color=FAINT, linewidth=1)
    axes.plot(range(1, len(values) + 1), _smooth(values), color=ORANGE, linewidth=2)
    axes.set_ylabel("mean reward")
    axes.set_xlabel("step")


def _loss(axes: Any, metrics: Sequence[Mapping[str, Any]]) -> None:
    """Of the stages that imitate."""
    axes.set_title("Loss of imitation")
    offset = 0
    for stage, steps in _stages(metrics):
        lines = [
            line for line in metrics
            if line.get("stage") == stage and "loss" in line and "sampled_reward" not in line
        ]  # fmt: skip
        if lines:
            colour = BLUE if stage.startswith("sft") else ORANGE
            axes.plot(
                [offset + line["step"] for line in lines], _smooth([line["loss"] for line in lines]), color=colour,
                label=stage, linewidth=1.5,
            )  # fmt: skip
        offset += steps
    axes.set_yscale("log")
    axes.set_ylabel("cross-entropy")
    axes.set_xlabel("optimiser steps")
    axes.legend(frameon=False)


def _bars(axes: Any, what: tuple[str, Mapping[str, Any]]) -> None:
    """Accuracy by one label, with 95 % intervals."""
    label, values = what
    scores = list(values.values())[::-1]
    # Numbered, for a name that is cut may be another's too.
    names = [name if len(name) <= _LONG else f"{name[:_LONG]}… {place}" for place, name in enumerate(values)][::-1]
    shares = [100 * score.get("mean", score["share"]) for score in scores]
    low = [max(0.0, share - 100 * score["interval"][0]) for score, share in zip(scores, shares, strict=True)]
    high = [max(0.0, 100 * score["interval"][1] - share) for score, share in zip(scores, shares, strict=True)]
    axes.set_title(f"Accuracy by {label.replace('_', ' ')}")
    axes.barh(
        names,
        shares,
        xerr=[low, high],
        color=BLUE,
        height=0.62,
        error_kw={"ecolor": INK, "elinewidth": 1},
    )
    most = max(100.0, *shares)
    for name, share, score in zip(names, shares, scores, strict=True):
        axes.text(most + 1, name, f"{share:.0f} %  of {score['total']:,}", va="center", fontsize=9)
    axes.set_xlim(0, most)
    axes.set_xlabel("questions right, %")
    axes.grid(axis="y", visible=False)


def _stages(metrics: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """(stage, its last step) in the order in which they ran."""
    steps: dict[str, int] = {}
    for line in metrics:
        if "stage" in line:
            steps[line["stage"]] = max(steps.get(line["stage"], 0), int(line.get("step", 0)))
    return list(steps.items())


def _smooth(values: Sequence[float], weight: float = 0.9) -> list[float]:
    """A running mean that forgets, without the pull towards its first value."""
    smooth: list[float] = []
    total = count = 0.0
    for value in values:
        total = weight * total + value
        count = weight * count + 1
        smooth.append(total / count)
    return smooth


def draw_comparison(
    curves: Mapping[str, Mapping[int, Sequence[tuple[float, float]]]], path: Path, title: str
) -> Path | None:
    """Validation accuracy of each arm over the processor seconds that it cost, a thin line a seed and their mean end.

    curves: arm -> seed -> points, each arm beginning where the warm start ends. None without matplotlib.
    """
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        return None
    return _draw(path, _arms, (curves, title), 3.8)


def draw_repeats(
    curve: Sequence[tuple[str, int, float, tuple[float, float]]],
    points: Mapping[int, Sequence[tuple[str, int, float]]],
    path: Path,
) -> Path | None:
    """Validation accuracy over steps: the mean of all seeds with its 95 % interval, each seed a thin line.

    curve: (stage, step, mean, interval); points: seed -> (stage, step, share). None without matplotlib.
    """
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None or not curve:
        return None
    return _draw(path, _repeats, (curve, points))


def _repeats(axes: Any, what: tuple[Any, Any]) -> None:
    curve, points = what
    ends: dict[str, int] = {}
    for stage, step, _, _ in curve:
        ends[stage] = max(ends.get(stage, 0), step)
    begins: dict[str, int] = {}
    for stage in ends:
        begins[stage] = sum(ends[before] for before in begins)
    axes.set_title(f"Validation accuracy, {len(points)} seeds")
    for lines in points.values():
        line = [(begins[stage] + step, 100 * share) for stage, step, share in lines if stage in begins]
        axes.plot(*zip(*line, strict=True), color=FAINT, linewidth=1)
    places = [begins[stage] + step for stage, step, _, _ in curve]
    axes.plot(places, [100 * mean for _, _, mean, _ in curve], color=ORANGE, linewidth=2, marker="o", markersize=3)
    axes.fill_between(
        places, [100 * max(0.0, low) for *_, (low, _) in curve], [100 * min(1.0, high) for *_, (_, high) in curve],
        color=ORANGE, alpha=0.15, linewidth=0,
    )  # fmt: skip
    for stage in list(begins)[1:]:
        axes.axvline(begins[stage], color=FAINT, linewidth=1)
        axes.text(begins[stage], 97, f" {stage}", va="top", fontsize=9)
    axes.set_ylim(0, 100)
    axes.set_ylabel("questions right, %")
    axes.set_xlabel("optimiser steps; band: 95 % interval of the mean over seeds")


def draw_ablation(points: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]], path: Path) -> Path | None:
    """Accuracy, length of the reasoning and length of the query over the steps of reinforcement, a line a way and seed.

    points: way -> seed -> metrics lines, those of the warm start first. None without matplotlib.
    """
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        return None
    return _draw(path, _ways, points, 3.4, columns=3)


def _ways(axes: Sequence[Any], points: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]]) -> None:
    panels = (
        ("Validation, %", lambda line: 100 * (line["validation"].get("mean") or line["validation"]["share"])),
        ("Reasoning, characters", lambda line: line["thought_characters"]),
        ("Query, characters", lambda line: line["query_characters"]),
    )
    colours = (BLUE, ORANGE)
    for panel, (title, value) in zip(axes, panels, strict=True):
        panel.set_title(title, fontsize=10)
        for colour, (way, seeds) in zip(colours, points.items(), strict=True):
            for number, lines in enumerate(seeds.values()):
                *_, start = [line for line in lines if line["stage"] == "sft"]  # many more steps than what follows
                shown = [start, *(line for line in lines if line["stage"] != "sft")]
                panel.plot(
                    [line["step"] - start["step"] for line in shown], [value(line) for line in shown], color=colour,
                    linewidth=1.6, marker="o", markersize=2.5, alpha=0.85, label=None if number else way,
                )  # fmt: skip
        panel.set_ylim(bottom=0)
        panel.set_xlabel("steps of GRPO after the warm start")
    axes[0].legend(frameon=False, loc="lower right")


def _arms(axes: Any, what: tuple[Mapping[str, Mapping[int, Sequence[tuple[float, float]]]], str]) -> None:
    curves, title = what
    axes.set_title(f"{title}: validation accuracy after one warm start, a line a seed")
    colours = {"control": "#8c959f", "rft": ORANGE, "grpo": BLUE, "rft+grpo": "#8250df", "ceiling": "#1a7f37"}
    for arm, seeds in curves.items():
        if arm == "warm":
            continue
        for number, (seed, points) in enumerate(seeds.items()):
            start = [(0.0, curves["warm"][seed][-1][1])] if curves["warm"][seed] else []
            line = [*start, *points]
            axes.plot(
                [seconds for seconds, _ in line], [100 * share for _, share in line], color=colours.get(arm, INK),
                linewidth=1.6, alpha=0.85, marker="o", markersize=2.5, label=arm if not number else None,
            )  # fmt: skip
    axes.set_ylim(0, 100)
    axes.set_ylabel("questions right, %")
    axes.set_xlabel("processor seconds after the warm start")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))  # beside the lines, which may be anywhere
