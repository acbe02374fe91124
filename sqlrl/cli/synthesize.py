"""`sqlrl data synthesize`: make databases from schemas and the queries that are asked of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlrl.benchmarks.spider import Spider
    from sqlrl.benchmarks.synthesis.requests import Request
    from sqlrl.cli.terminal import Terminal

__all__ = ["command"]


@click.command("synthesize")
@click.argument("target")
@click.option("--out", required=True, metavar="DIR", help="Folder to make, in Spider's layout; give it as --data.")
@click.option("--queries", metavar="FILE", help="With a schema of your own: queries, a semicolon after each.")
@click.option("--data", metavar="DIR", help="Folder of Spider's files [default: $SQLRL_DATA, then the cache].")
@click.option("--split", help="One split's databases [default: train and validation].")
@click.option("--databases", metavar="A,B", help="These databases alone.")
@click.option("--instances", type=click.IntRange(1, 1000), default=100, show_default=True, help="Drawn of each.")
@click.option("--keep", type=click.IntRange(1, 100), default=8, show_default=True, help="Kept of each.")
@click.option("--neighbours", type=click.IntRange(1), default=60, show_default=True, help="Near misses of a query.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--unique-names", is_flag=True, help="Names and titles are drawn without repeats, as people think of them."
)
@click.option("--workers", type=click.IntRange(1), help="Processes that run queries.")
@click.option("--json", "target_json", metavar="FILE", help="The summary as JSON.")
def command(
    target: str, out: str, queries: str | None, data: str | None, split: str | None, databases: str | None,
    instances: int, keep: int, neighbours: int, seed: int, unique_names: bool, workers: int | None,
    target_json: str | None,
) -> None:  # fmt: skip
    """Fill schemas with rows on which queries find something and their near misses find something else.

    TARGET is `spider`, a file of CREATE statements, or an SQLite database, of whose rows nothing is read. Of many
    instances the few are kept that together tell the most apart. What was made before with the same settings stays.
    """
    from sqlrl.benchmarks.synthesis.folder import PARTS, copy_questions, make_folder, write_questions
    from sqlrl.cli.terminal import Terminal, check_target
    from sqlrl.executors.errors import UsageError

    if target_json:
        check_target(target_json)
    place = Path(out).expanduser()
    if place.exists() and not place.is_dir():
        raise UsageError(f"--out {out} is no folder")
    with Terminal() as terminal:
        if target == "spider":
            if queries is not None:
                raise UsageError("--queries goes with a schema of your own; spider brings its own")
            spider = _spider(data, place)
            requests = _requests(spider, split, databases)
            copy_questions(spider.folder, place)
        else:
            if queries is None:
                raise UsageError("a schema of your own needs --queries FILE")
            if data or split or databases:
                raise UsageError("--data, --split and --databases go with spider")
            from sqlrl.benchmarks.synthesis.requests import request_of

            requests = [request_of(target, queries)]
            write_questions(requests[0], place)
        advance = terminal.start("databases", len(requests) * PARTS)
        made = list(
            make_folder(
                requests, place, instances=instances, keep=keep, seed=seed, neighbours=neighbours,
                unique_names=unique_names, workers=workers, advance=advance,
            )
        )  # fmt: skip
        summary = summarize(made)
        _show(terminal, made, summary, place)
        if target_json:
            _write(Path(target_json).expanduser(), made, summary)


def summarize(made: list[dict[str, Any]]) -> dict[str, Any]:
    """Totals over databases. told_by: share of what any instance tells apart that the first k kept tell apart."""
    neighbours, told, original = Counter[str](), Counter[str](), Counter[str]()
    most = max((len(said["told_by"]) for said in made), default=0)
    by_count = [Counter[str]() for _ in range(most)]
    of_originals = 0
    for said in made:
        neighbours.update(said["neighbours"])
        told.update(said["told"])
        original.update(said["told_by_original"])
        of_originals += sum(said["neighbours"].values()) if said["original"] else 0
        for place, counts in enumerate(by_count):
            if said["told_by"]:
                counts.update(said["told_by"][min(place, len(said["told_by"]) - 1)])
    questions = sum(said["questions"] for said in made)
    undecided = sum(len(queries) for said in made for queries in said["undecided"].values())
    return {
        "databases": len(made),
        "questions": questions,
        "questions_found_first": sum(said["questions_found_first"] for said in made),
        "questions_found": sum(said["questions_found"] for said in made),
        "queries_failing": sum(len(said["failing"]) for said in made),
        "queries_unread": sum(len(said["unread"]) for said in made),
        "neighbours": neighbours.total(),
        "told_by_any": told.total(),
        "told_by": [counts.total() for counts in by_count],
        "neighbours_of_originals": of_originals,
        "told_by_original": original.total(),
        "answers": sum(said["queries"] * len(said["files"]) for said in made),
        "answers_left_to_chance": undecided,
        "kinds": {
            kind: {"neighbours": neighbours[kind], "told_by_any": told[kind], "told_by_kept": by_count[-1][kind]}
            for kind in sorted(neighbours)
        },
    }


def _spider(data: str | None, out: Path) -> Spider:
    from sqlrl.benchmarks.spider import Spider
    from sqlrl.executors.errors import UsageError

    spider = Spider(data)
    if spider.folder.resolve() == out.resolve():
        raise UsageError(f"--out {out} is the folder that is read: name another")
    return spider


def _requests(spider: Spider, split: str | None, databases: str | None) -> list[Request]:
    """Of one split, or of those of train and validation that are there."""
    from sqlrl.benchmarks.synthesis.requests import requests_of_spider

    splits = [split] if split else [part for part in ("train", "validation") if spider.has(part)]
    names = [name.strip() for name in (databases or "").split(",") if name.strip()]
    return requests_of_spider(spider, splits, names)


def _show(terminal: Terminal, made: list[dict[str, Any]], summary: dict[str, Any], out: Path) -> None:
    from sqlrl.cli.terminal import percent

    def share(part: int, whole: int) -> str:
        return percent(part / whole) if whole else "-"

    told = summary["told_by_any"]
    rows = [
        ("databases", f"{summary['databases']:,}", ""),
        ("questions", f"{summary['questions']:,}", ""),
        *(
            (what, f"{summary[key]:,}", share(summary[key], summary["questions"]))
            for what, key in (
                ("  that find something on the first instance", "questions_found_first"),
                ("  on any kept instance", "questions_found"),
            )
        ),
        (
            "  answers left to chance, and not asked for",
            f"{summary['answers_left_to_chance']:,}",
            share(summary["answers_left_to_chance"], summary["answers"]),
        ),
        ("near misses", f"{summary['neighbours']:,}", ""),
        ("  told apart by any instance", f"{told:,}", share(told, summary["neighbours"])),
    ]
    for count, apart in enumerate(summary["told_by"], 1):
        rows.append(
            (f"  of these by the first {count}" if count > 1 else "  of these by one", f"{apart:,}", share(apart, told))
        )
    if summary["neighbours_of_originals"]:
        by_original = summary["told_by_original"]
        rows.append(
            (
                "  by the original databases alone",
                f"{by_original:,}",
                share(by_original, summary["neighbours_of_originals"]),
            )
        )
    terminal.table(("what", ">count", ">share"), rows)
    kinds = [
        (
            kind,
            f"{c['neighbours']:,}",
            share(c["told_by_any"], c["neighbours"]),
            share(c["told_by_kept"], c["told_by_any"]),
        )
        for kind, c in summary["kinds"].items()
    ]
    terminal.table(("near miss", ">count", ">told apart", ">of these by the kept"), kinds)
    failing = [(said["database"], query) for said in made for query in said["failing"]]
    if failing:
        terminal.print(f"queries that fail: {len(failing)}, the first: {failing[0][0]}: {failing[0][1]}")
    terminal.print(f"{out}: give it as --data, or its database folder to Spider's own script")


def _write(file: Path, made: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    import json

    beside = file.with_name(f"{file.name}.part")
    beside.write_text(json.dumps({"summary": summary, "databases": made}, indent=1, ensure_ascii=False), "utf-8")
    beside.replace(file)
