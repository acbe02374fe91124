"""`sqlrl reproduce`: run every arm on several seeds and write the comparison table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlrl.cli.terminal import Terminal

__all__ = ["command"]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table, and the picture that goes with it. name: of its place in a document."""

    name: str
    table: Path
    picture: Path | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What all comparisons are asked with."""

    benchmark: str
    seeds: list[int]
    arms: list[str]
    folder: Path
    terminal: Terminal
    how: dict[str, Any]  # data, threads, settings
    diversity: int | None


@click.command("reproduce")
@click.argument("benchmark", type=click.Choice(["mini", "geoquery", "own", "cohen"]))
@click.option("--data", metavar="DIR", help="Folder of the benchmark's files [default: $SQLRL_DATA, then the cache].")
@click.option("--seeds", default="0,1,2", show_default=True, help="Comma-separated.")
@click.option("--arms", default="control,rft,grpo,ceiling", show_default=True, help="Comma-separated.")
@click.option("--out", metavar="DIR", help="[default: runs/reproduce-BENCHMARK]")
@click.option("--threads", type=click.IntRange(1), help="Of torch [default: the processors, at most 4].")
@click.option("--max-steps", type=click.IntRange(1), help="At most so many steps of each stage, for a quick look.")
@click.option("--diversity", type=click.IntRange(2), metavar="K", help="And count the right shapes among K samples.")
@click.option(
    "--ablation",
    type=click.Choice(["thinking", "turns"]),
    help="Instead: GRPO with and without a <think> part, or with and without looks at the database.",
)
@click.option("--databases", metavar="A,B", help="Of own: of Spider, or mini/HOUSE [default: three and one].")
@click.option("--reviews", metavar="A,B", help="Of cohen: those that are left out, one after another [default: all].")
@click.option("--readme", metavar="FILE", help="Put the table into its place in this document, and the picture beside.")
@click.pass_context
def command(
    context: click.Context, benchmark: str, data: str | None, seeds: str, arms: str, out: str | None,
    threads: int | None, max_steps: int | None, diversity: int | None, ablation: str | None, databases: str | None,
    reviews: str | None, readme: str | None,
) -> None:  # fmt: skip
    """Run every arm on several seeds and write the comparison table.

    All arms start from one warm start of the same seed and are judged on the test split, which training does not read:
    more SFT on the same pairs (the control), rejection sampling, GRPO, and SFT with the golds (the ceiling). What is
    done is not done again: run it anew after an interruption. --ablation thinking trains with and without a reasoning
    part, and draws accuracy and both lengths over the steps. --ablation turns puts a policy that answers in one turn
    beside one that runs queries and sees their results first, at about the same compute.

    own: databases of Spider and a house of mini with what a person would know of each answer; the grammar writes the
    warm start, and the golds are for the ceiling and the figures alone.

    cohen: Boolean search for the studies of eight reviews, each left out in its turn; the questions to train on are
    made from the documents of the others.
    """
    from sqlrl.cli.terminal import Terminal
    from sqlrl.executors.errors import UsageError
    from sqlrl.training.run import Interrupted, need_extra

    need_extra()
    if not all(seed.strip().isdigit() for seed in seeds.split(",")):
        raise UsageError(f"--seeds are whole numbers such as 0,1,2, not {seeds!r}")
    if databases and benchmark != "own":
        raise UsageError("--databases goes with own")
    if reviews and benchmark != "cohen":
        raise UsageError("--reviews goes with cohen")
    if diversity and (benchmark not in ("mini", "geoquery") or ablation):
        raise UsageError("--diversity goes with mini and geoquery")
    if ablation and benchmark == "own":
        raise UsageError("--ablation goes with mini, geoquery and cohen")
    if ablation == "turns" and benchmark != "mini":
        raise UsageError("--ablation turns is made for mini, whose demonstrations know several readings of a question")
    left_out = _reviews(reviews) if benchmark == "cohen" else []
    kind = {None: "reproduce", "thinking": "ablation", "turns": "turns"}[ablation]
    names = [f"{kind} {benchmark}", *([f"exploration {benchmark}"] if diversity else [])]
    document = _document(readme, names) if readme else None
    settings: dict[str, Any] | None = {"max_steps": max_steps} if max_steps else None
    with Terminal(brief=True) as terminal:
        asked = Asked(
            benchmark, [int(seed) for seed in seeds.split(",")], _listed(arms), Path(out or f"runs/{kind}-{benchmark}"),
            terminal, {"data": data, "threads": threads, "settings": settings}, diversity,
        )  # fmt: skip
        try:
            if ablation == "turns":
                sheets = _take_turns(asked)
            elif ablation:
                sheets = _ablate(asked, left_out)
            elif benchmark == "own":
                sheets = _own(asked, databases)
            elif benchmark == "cohen":
                sheets = _leave_out(asked, left_out)
            else:
                sheets = _compare(asked)
        except Interrupted:
            terminal.say("stopped and saved; run the same command again to go on")
            context.exit(130)
        for sheet in sheets:
            _show(sheet, terminal, document)


def _document(readme: str, names: list[str]) -> Path:
    """The document that a table goes into. UsageError, before hours of training, where it has a place for none."""
    from sqlrl.executors.errors import UsageError
    from sqlrl.training.comparison import has_place

    document = Path(readme)
    if not document.is_file():
        raise UsageError(f"there is no document {readme}")
    if not any(has_place(document, name) for name in names):
        raise UsageError(f"{readme} has no place for the table: <!-- {names[0]} --> ... <!-- /{names[0]} -->")
    return document


def _show(sheet: Sheet, terminal: Terminal, document: Path | None) -> None:
    from sqlrl.training.comparison import has_place, put_into

    table = sheet.table.read_text(encoding="utf-8")
    terminal.markdown(table)
    if document is not None and has_place(document, sheet.name):
        put_into(document, sheet.name, table)
        if sheet.picture is not None:
            docs = document.parent / "docs"  # of a README; a document in there has its pictures beside it
            beside = docs if docs.is_dir() else document.parent
            (beside / f"{_picture_of(sheet.name)}.png").write_bytes(sheet.picture.read_bytes())
    terminal.print(f"table  {sheet.table}")
    if sheet.picture is not None:
        terminal.print(f"picture  {sheet.picture}")


def _picture_of(name: str) -> str:
    """What a document calls a picture: docs/mini.png, docs/ablation-mini.png."""
    return name.removeprefix("reproduce ").replace(" ", "-")


def _compare(asked: Asked) -> list[Sheet]:
    from sqlrl.report.figures import draw_comparison
    from sqlrl.training.comparison import compare, keep
    from sqlrl.training.exploration import explore
    from sqlrl.training.exploration import keep as keep_exploration

    found = compare(asked.benchmark, asked.seeds, asked.arms, asked.folder, asked.terminal, **asked.how)
    picture = draw_comparison(found.curves, asked.folder / "curve.png", asked.benchmark)
    sheets = [Sheet(f"reproduce {asked.benchmark}", keep(found), picture)]
    if asked.diversity:
        how = {"data": asked.how["data"], "threads": asked.how["threads"]}
        varied = explore(found, asked.diversity, asked.terminal, **how)
        sheets.append(Sheet(f"exploration {asked.benchmark}", keep_exploration(varied, found)))
    return sheets


def _take_turns(asked: Asked) -> list[Sheet]:
    from sqlrl.training.looks import compare_looks, keep_looks

    how = {"threads": asked.how["threads"], "settings": asked.how["settings"]}
    looks = compare_looks(asked.seeds, asked.folder, asked.terminal, **how)
    return [Sheet("turns mini", keep_looks(looks, asked.folder))]


def _own(asked: Asked, databases: str | None) -> list[Sheet]:
    from sqlrl.training.own import DATABASES, compare_own, write_own

    names = _listed(databases) or list(DATABASES)
    found, agreement = compare_own(names, asked.seeds, asked.arms, asked.folder, asked.terminal, **asked.how)
    return [Sheet("reproduce own", _written(asked.folder, write_own(found, agreement, names)))]


def _leave_out(asked: Asked, reviews: list[str]) -> list[Sheet]:
    from sqlrl.training.left_out import leave_out, write_left_out

    taught = [arm for arm in asked.arms if arm != "ceiling"]  # nobody wrote a right search down
    found = leave_out(reviews, asked.seeds, taught, asked.folder, asked.terminal, **asked.how)
    return [Sheet("reproduce cohen", _written(asked.folder, write_left_out(found, reviews)))]


def _ablate(asked: Asked, reviews: list[str]) -> list[Sheet]:
    """Of several reviews the first is left out."""
    from sqlrl.report.figures import draw_ablation
    from sqlrl.training.ablation import ablate, write_ablation

    benchmark, how = asked.benchmark, asked.how
    if reviews:
        benchmark = f"{benchmark}/{reviews[0]}"
        how = {**how, "settings": {"engine": "boolean", **(how["settings"] or {})}}
    found = ablate(benchmark, asked.seeds, asked.folder, asked.terminal, **how)
    picture = draw_ablation(found.points, asked.folder / "ablation.png")
    return [Sheet(f"ablation {asked.benchmark}", _written(asked.folder, write_ablation(found)), picture)]


def _written(folder: Path, table: str) -> Path:
    from sqlrl.runs import write_text

    write_text(folder / "table.md", table)
    return folder / "table.md"


def _listed(words: str | None) -> list[str]:
    return [word.strip() for word in (words or "").split(",") if word.strip()]


def _reviews(words: str | None) -> list[str]:
    """The reviews named, all of them by default. UsageError for one that there is not."""
    from sqlrl.benchmarks.literature import REVIEWS
    from sqlrl.executors.errors import UsageError, nearest

    names = _listed(words) or list(REVIEWS)
    for name in names:
        if name not in REVIEWS:
            raise UsageError(f"cohen has no review {name!r}{nearest(name, REVIEWS)}")
    return names
