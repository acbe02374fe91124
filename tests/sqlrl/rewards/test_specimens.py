"""What is shown of the presets is what they pay, and that is what their authors wrote down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from sqlrl.cli.rewards import command
from sqlrl.executors.errors import UsageError
from sqlrl.rewards import PRESETS
from sqlrl.rewards.execution import Payment
from sqlrl.rewards.presets import presets_for
from sqlrl.rewards.specimens import Specimen, measures, pay_out, search_specimens, specimens

TABLE = Path(__file__).resolve().parents[3] / "docs" / "rewards.md"
KINDS = {
    "right": "right", "part": "ran", "wrong": "ran", "error": "failed", "refused": "failed", "timeout": "failed",
    "form": "malformed", "empty": "right", "gold": "unjudged", "unavailable": "unjudged",
}  # fmt: skip
# right, wrong, error, time-out, bad form, no rows against an empty gold; SQL-R1's bonus for length is left out
PAID = {
    "execution": [1.0, 0.0, 0.0, 0.0, 0.0, None],
    "cell-f1": [1.0, 0.0, 0.0, 0.0, 0.0, None],
    "deepretrieval-spider": [1.1, 0.0, 0.0, 0.0, -2.0, 1.1],
    "deepretrieval-bird": [1.1, 0.4, 0.0, 0.0, -2.0, 1.1],
    "sql-r1": [6.0, 0.0, -1.0, -1.0, -1.0, 6.0],
    "arctic": [1.0, 0.1, 0.0, 0.0, 0.0, 1.0],
    "skyrl": [1.0, 0.0, 0.0, 0.0, -1.0, 1.0],
}


# The tiers from the best, nothing, an error, an outage, no JSON, a wrong form
RANKED = {
    "recall": [1.1, 0.8, 0.6, 0.5, 0.4, 0.2, 0.15, 0.0, 0.0, None, -0.1, -0.1],
    "deepretrieval-pubmed": [6.0, 6.0, 5.0, 4.0, 2.0, 1.5, 1.1, -2.5, -3.0, None, -3.0, -4.0],
    "ndcg": [1.1, 0.89, 0.3437, 0.1607, 0.0, 0.0, None, -0.1, -0.1],
    "deepretrieval-beir": [1.1, 0.89, 0.3437, 0.1607, 0.0, 0.0, None, -2.0, -2.0],
    "answer-rank": [1.1, 0.3, 0.15, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, None, -0.1, -0.1],
    "deepretrieval-nq": [6.0, 6.0, 5.0, 3.0, 2.0, 1.5, 1.1, -2.5, -3.0, None, -3.0, -4.0],
    "deepretrieval-squad": [6.0, 6.0, 5.0, 3.0, 2.0, 1.5, 1.1, -1.5, -2.0, None, -2.0, -4.0],
}


@pytest.fixture(scope="module")
def some() -> list[Specimen]:
    return specimens()


@pytest.fixture(scope="module")
def paid(some: list[Specimen]) -> Mapping[str, Sequence[Payment]]:
    return pay_out(presets_for(search=False), some=some)


@pytest.fixture(scope="module")
def paid_for_rankings() -> Mapping[str, Sequence[Payment]]:
    return pay_out(presets_for(search=True))


@pytest.mark.parametrize("preset", presets_for(search=False))
def test_a_preset_pays_each_specimen_by_its_table(
    preset: str, some: list[Specimen], paid: Mapping[str, Sequence[Payment]]
) -> None:
    found = {specimen.name: payment for specimen, payment in zip(some, paid[preset], strict=True)}
    ours = PRESETS[preset].judge in ("robust", "cell-f1")
    assert {name: payment.kind for name, payment in found.items()} == KINDS | ({"empty": "unjudged"} if ours else {})
    names = ("right", "wrong", "error", "timeout", "form", "empty")
    values = [
        None if found[name].parts is None else found[name].value - found[name].parts.length - found[name].parts.thinking
        for name in names
    ]
    assert values == [None if value is None else pytest.approx(value) for value in PAID[preset]]
    assert found["refused"].value == found["error"].value
    assert found["timeout"].reason == "timed_out"
    assert found["gold"].value is found["unavailable"].value is None
    assert (found["wrong"].value < found["part"].value < found["right"].value) == (preset == "cell-f1")


def test_a_preset_for_search_pays_its_tiers(paid_for_rankings: Mapping[str, Sequence[Payment]]) -> None:
    assert list(RANKED) == [name for names in measures(list(PRESETS)).values() for name in names]
    for name, values in RANKED.items():
        found = [payment.value for payment in paid_for_rankings[name]]
        assert found == [None if value is None else pytest.approx(value, abs=5e-5) for value in values]
        kinds = [payment.kind for payment in paid_for_rankings[name]]
        assert kinds[0] == "right"
        assert kinds[-5:] == ["ran", "failed", "unjudged", "malformed", "malformed"]


def test_a_judge_of_the_other_kind_is_refused() -> None:
    for preset, judge in (("recall", "robust"), ("execution", "recall@10")):
        shown = CliRunner().invoke(command, [preset, "--judge", judge])
        assert isinstance(shown.exception, UsageError)
        assert "does not look at" in str(shown.exception)


def test_another_depth_and_another_measure() -> None:
    (payments,) = pay_out(["recall"], "recall@10").values()
    assert [payment.value for payment in payments][:4] == [pytest.approx(v) for v in (0.6, 0.6, 0.6, 0.5)]
    (payments,) = pay_out(["ndcg"], "ndcg-binary@10").values()
    assert [payment.value for payment in payments][:2] == [1.1, 1.1]
    assert measures(["ndcg", "skyrl"], "ndcg-binary@10") == {"ndcg-binary": ["ndcg"]}
    assert {specimen.example.id for specimen in search_specimens("ndcg-binary")} == {"search"}


def test_the_readme_shows_what_is_paid(some: list[Specimen], paid: Mapping[str, Sequence[Payment]]) -> None:
    lines = TABLE.read_text(encoding="utf-8").partition("<!-- rewards -->\n")[2].partition("<!--")[0].splitlines()
    assert lines[0] == f"| it ends as | {' | '.join(paid)} |"
    for place, specimen in enumerate(some):
        values = [payments[place].value for payments in paid.values()]
        shown = ["-" if value is None else f"{round(value, 3):g}" for value in values]
        assert lines[2 + place] == f"| {specimen.what} | {' | '.join(shown)} |"


def test_with_our_judge_nobody_is_paid_for_finding_nothing(some: list[Specimen]) -> None:
    (payments,) = pay_out(["skyrl"], "robust", some).values()
    assert {s.name for s, payment in zip(some, payments, strict=True) if payment.value is None} == {
        "empty", "gold", "unavailable",
    }  # fmt: skip


def test_the_command_shows_one_with_its_parts() -> None:
    shown = CliRunner().invoke(command, ["deepretrieval-bird"], env={"COLUMNS": "140"})
    assert shown.exit_code == 0, shown.output
    (line,) = [line for line in shown.output.splitlines() if line.startswith("a wrong result")]
    assert line.split()[3:] == ["0.1", "0.3", "0", "0.4", "mismatch"]
    assert "2503.00223" in shown.output
    assert "counts as one that returns nothing" in shown.output


@pytest.fixture
def paid_before(
    paid: Mapping[str, Sequence[Payment]],
    paid_for_rankings: Mapping[str, Sequence[Payment]],
    monkeypatch: pytest.MonkeyPatch,
) -> Mapping[str, Sequence[Payment]]:
    """What all presets pay takes a while, and was found out above."""
    both = {**paid, **paid_for_rankings}
    monkeypatch.setattr("sqlrl.rewards.specimens.pay_out", lambda names, *_: {name: both[name] for name in names})
    return both


def test_the_command_writes_all_as_json(paid_before: Mapping[str, Sequence[Payment]]) -> None:
    shown = CliRunner().invoke(command, ["--json"])
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.output)
    assert [preset["preset"] for preset in told] == list(PRESETS)
    for preset in told:
        if preset["preset"] not in RANKED:
            assert list(preset["pays"]) == list(KINDS)
        assert [pays["reward"] for pays in preset["pays"].values()] == [p.value for p in paid_before[preset["preset"]]]
        for pays in preset["pays"].values():
            if pays["parts"] is not None:
                assert sum(pays["parts"].values()) == pytest.approx(pays["reward"])


@pytest.mark.usefixtures("paid_before")
def test_the_command_shows_all_in_one_table() -> None:
    shown = CliRunner().invoke(command, [], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    lines = [line for line in shown.output.splitlines() if line.startswith("out of time")]
    assert [line.split()[3:] for line in lines] == [["0", "0", "0", "0", "-1", "0", "0"]]
    lines = [line for line in shown.output.splitlines() if line.startswith("an answer at 3,000")]
    assert [line.split()[4:] for line in lines] == [["0", "1.1", "1.1"]]
    assert sum(line.startswith("it finds") for line in shown.output.splitlines()) == 3
