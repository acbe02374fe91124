"""Search benchmarks trained by every kind of engine, services among them: a few real steps, then judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlrl.assessment import assess
from sqlrl.config import EvalConfig, TrainConfig
from sqlrl.training.run import Quiet, train
from tests.engines import TEXTS, Subject, subject

pytest.importorskip("trl")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
NEEDED = {
    "bm25": "bm25s", "boolean-pubmed": "tantivy", "opensearch": "opensearchpy", "pubmed": "httpx", "trials": "httpx",
}  # fmt: skip


@pytest.fixture(params=sorted(NEEDED))
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    pytest.importorskip(NEEDED[request.param])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    for name in ("NCBI_API_KEY", "NCBI_EMAIL", "OPENSEARCH_USER"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "engine").mkdir()
    with subject(request.param, tmp_path / "engine") as made:
        yield made


def test_a_policy_is_trained_and_judged_by_any_engine(kind: Subject, tmp_path: Path) -> None:
    data = tmp_path / "data" / "scifact"
    (data / "qrels").mkdir(parents=True)
    asked = [(number, TEXTS[number][0]) for number in (1, 2, 3, 4, 5, 6)]
    (data / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": f"{split}{n}", "text": f"{split} {text}"}) + "\n"
                for split in ("train", "test") for n, text in asked)
    )  # fmt: skip
    for split in ("train", "test"):
        rows = "".join(f"{split}{n}\t{kind.name(n)}\t1\n" for n, _ in asked)
        (data / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{rows}")
    before = len(kind.server.asked) if kind.server else 0
    run = train(
        TrainConfig(
            "scifact", data=str(data), engine=kind.source, policy="tiny", method="sft+grpo", reward="recall",
            sft_steps=30, grpo_steps=2, questions=2, num_generations=4, grpo_samples=4, workers=1, threads=1,
            out=str(tmp_path / "runs"), evaluate=False,
        ),
        Quiet(),
    )  # fmt: skip
    steps = [line for line in run.metrics() if line.get("stage") == "grpo" and "reward" in line]
    assert len(steps) == 2
    assert all(line["reward/unjudged"] == 0 for line in steps)
    assert kind.server is None or len(kind.server.asked) > before
    config = EvalConfig("scifact", data=str(data), engine=kind.source, policy=str(run.folder), judge="recall@100")
    found = assess(config, Quiet(), keep=False)
    assert found.summary.official.total == 6
