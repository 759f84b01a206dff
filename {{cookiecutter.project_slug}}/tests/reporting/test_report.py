"""The report is one readable file: no network, text for every figure, and what is absent is said to
be absent.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from risk_model.core.findings import Finding
from risk_model.reporting import wording
from risk_model.reporting.report import write_index, write_report

WARNING = Finding(
    "warning", "leak accepted", "ward <b>", "the data owner's reason", "read it"
).to_json()
VOID = {"meta", "br", "path", "use", "img", "hr", "rect", "image"}


class Page(HTMLParser):
    """Checks that elements nest, and keeps tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="session")
def facts(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Everything a run knows, in small."""
    rng = np.random.default_rng(0)
    epochs = [
        {"epoch": i + 1, "train_loss": 0.5, "validation_loss": 0.6, "gradient_norm": 1.0}
        for i in range(4)
    ]
    split = {
        "rows": 300,
        "subjects": 300,
        "events": 70,
        "prevalence": 0.23,
        "largest imbalance": float("nan"),
        "sex: F": 0.5,
    }
    return {
        "title": "Readmission — demo & more",
        "cohort": {"name": "demo", "rows": 1900, "source": "made up"},
        "split": [{"part": "train", **split}, {"part": "test", **split}],
        "shared_by_row_split": [120, 240],
        "quality": {
            "answers": {"What is missing?": ["Nothing."]},
            "tables": {"missing": []},
            "findings": [],
        },
        "findings": [WARNING, WARNING],
        "calibrators": {"xgboost": {"kind": "temperature", "parameters": {"temperature": 1.2}}},
        "champion": {
            "name": "xgboost",
            "reason": "it has the lowest log loss",
            "table": [{"model": "xgboost"}],
        },
        "threshold_reason": "A miss weighs as much as 4 false alerts.",
        "training": {"network": epochs},
        "evaluation": evaluation,
        "explanation": {
            "fields": ["age", "sex"],
            "shap": rng.normal(size=(30, 2)).tolist(),
            "values": [[float(v), None] for v in rng.random(30)],
        },
        "provenance": {"fingerprint": "ab12", "settings": {"seed": 0}},
    }


@pytest.fixture(scope="session")
def page(facts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report's text."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, facts)
    assert path.stat().st_size < 3_000_000
    return path.read_text(encoding="utf-8")


def test_report_is_self_contained(page: str) -> None:
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert not [link for link in links if not link.startswith(("#", "data:"))]
    assert "<script" not in page
    assert "@import" not in page


def test_report_nests_and_names_its_language_headings_tables_and_figures(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert ("html", {"lang": "en"}) in parsed.tags
    assert sum(tag == "h1" for tag, _ in parsed.tags) == 1
    drawings = [attributes for tag, attributes in parsed.tags if tag == "svg"]
    assert len(drawings) >= 6
    assert all(a.get("role") == "img" and a.get("aria-label") for a in drawings)
    assert all(a.get("scope") in ("col", "row") for tag, a in parsed.tags if tag == "th")
    regions = [a for _, a in parsed.tags if a.get("role") == "region"]
    assert regions
    assert all(a.get("aria-label") and a.get("tabindex") == "0" for a in regions)


def test_every_link_on_the_page_leads_somewhere(page: str) -> None:
    identifiers = {a.get("id") for _, a in Page(page).tags}
    assert {link[1:] for link in re.findall(r'<a href="(#[^"]+)"', page)} <= identifiers


def test_first_screen_tells_verdict_counts_and_external_cohorts(
    page: str, evaluation: dict[str, Any]
) -> None:
    top = page[page.index("<main>") : page.index("<nav")]
    judged = evaluation["parts"]["test"]["models"]["xgboost"]
    assert "Verdict: XGBoost, within the stated bounds" in top
    assert f"AUROC {judged['metrics']['auroc']['estimate']:.2f}" in top
    assert judged["in_words"] in top
    assert "<b>North</b>" in top
    assert "too low" in top
    assert "too few to judge" in top


def test_all_models_raw_and_recalibrated_and_all_groups_are_there(page: str) -> None:
    for text in (
        "logistic regression, raw",
        "network, recalibrated",
        "age band: 80 and over",
        "site: B",
        "temperature",
    ):
        assert text in page
    assert "120 subjects on both sides" in page
    assert not re.search(r"\bnan\b", re.sub(r"<[^>]+>", " ", page))


def test_each_finding_is_told_once_and_markup_in_it_is_escaped(page: str) -> None:
    assert page.count("the data owner&#39;s reason") == 1
    assert "ward &lt;b&gt;" in page


def test_report_without_the_optional_facts_says_not_recorded(
    evaluation: dict[str, Any], tmp_path: Path
) -> None:
    write_report(tmp_path / "report.html", {"title": "bare", "evaluation": evaluation})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("Not recorded.") == 5
    assert "None" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S)


def test_the_same_facts_write_the_same_bytes(
    facts: dict[str, Any], page: str, tmp_path: Path
) -> None:
    write_report(tmp_path / "again.html", facts)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_index_links_every_report_with_its_headline(
    evaluation: dict[str, Any], tmp_path: Path
) -> None:
    entry = {
        "name": "demo-1",
        "href": "demo-1/report.html",
        "outcome": "death",
        "champion": "xgboost",
    }
    write_index(tmp_path / "index.html", [{**entry, "evaluation": evaluation}])
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert Page(text).open == []
    assert '<a href="demo-1/report.html">Death</a>' in text
    assert "AUROC" in text
    write_index(tmp_path / "index.html", [])
    assert "No finished run yet." in (tmp_path / "index.html").read_text(encoding="utf-8")


def compared(**models: tuple[float, float]) -> dict[str, Any]:
    """The comparison that chose a champion: log loss of each model, and the lower bound against the
    best.
    """
    return {
        "table": [
            {"model": name, "log_loss": loss, "difference": {"low": low}}
            for name, (loss, low) in models.items()
        ]
    }


def test_a_network_that_did_not_beat_a_baseline_is_said_not_to_have() -> None:
    worse = compared(logistic_regression=(0.33, 0.01), xgboost=(0.30, 0.0), network=(0.40, 0.05))
    assert "did not beat the baseline (log loss 0.400, XGBoost 0.300" in wording.baseline(worse)
    no_better = compared(
        logistic_regression=(0.31, -0.01), xgboost=(0.35, 0.02), network=(0.30, 0.0)
    )
    assert (
        "did not beat the baseline (log loss 0.300, logistic regression 0.310"
        in wording.baseline(no_better)
    )
    better = compared(logistic_regression=(0.40, 0.05), xgboost=(0.35, 0.02), network=(0.30, 0.0))
    assert "The network beat the baselines (log loss 0.300, XGBoost 0.350" in wording.baseline(
        better
    )
    assert wording.baseline(compared(xgboost=(0.3, 0.0))) == ""
    assert wording.baseline({}) == ""


def test_age_sex_and_site_alone_stand_beside_the_headline_and_beside_each_auroc(
    facts: dict[str, Any], tmp_path: Path
) -> None:
    area = {"estimate": 0.771, "low": 0.73, "high": 0.81}
    alone = [{"predictors": "age and sex", "AUROC": area}]
    chosen = compared(xgboost=(0.3, 0.0), network=(0.4, 0.1))
    champion = {"name": "xgboost", "reason": "lowest", **chosen}
    write_report(tmp_path / "report.html", {**facts, "alone": alone, "champion": champion})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    top = text[text.index("<main>") : text.index("<nav")]
    assert "age and sex alone 0.77 (0.73 to 0.81)" in top
    assert "The network did not beat the baseline" in top
    assert text.count("age and sex alone 0.77 (0.73 to 0.81)") == 1 + len(
        facts["evaluation"]["parts"]
    )


def started(**changes: Any) -> str:
    facts = {
        "labels": 900,
        "network": "cnn",
        "proposed": True,
        "pretrained": "",
        "others": {},
        "signal": True,
    }
    return wording.start({**facts, **changes})


def test_what_the_network_started_from_is_told_with_the_rule() -> None:
    warm = started(network="warm", pretrained="ImageNet weights")
    assert "900 labelled recordings" in warm
    assert "fewer than 50,000" in warm
    assert "warm, starts from ImageNet weights, as proposed" in warm
    cold = started(proposed=False, others={"warm": "ImageNet weights"})
    assert "starts from scratch, as chosen on the command line" in cold
    assert "model/network=warm starts from ImageNet weights" in cold
    assert "enough to start from scratch" in started(labels=50_000)
    assert "No pre-trained network" in started()
    assert started(signal=False) == ""
    assert wording.start({}) == ""


DRAWING = '<div class="note" role="group" aria-label="text with the highest risk">chest pain</div>'


@pytest.fixture(scope="session")
def illustrated(facts: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a cohort whose recordings are drawn."""
    path = tmp_path_factory.mktemp("illustrated") / "report.html"
    one = {"why": "the highest risk", "risk": 0.913, "event": False, "drawing": DRAWING}
    examples = {"asked": 6, "method": "occlusion", "calibrated": True, "shown": [one]}
    write_report(path, {**facts, "explanation": {}, "examples": examples})
    return path.read_text(encoding="utf-8")


def test_a_drawn_recording_stands_with_its_risk_its_outcome_and_what_it_is(
    illustrated: str,
) -> None:
    part = illustrated[illustrated.index('id="explanation"') : illustrated.index('id="training"')]
    assert DRAWING in part
    assert "The highest risk: risk 91%, no event." in part
    assert "handle this page as you handle their records" in part
    assert "validation split" in part
    assert Page(illustrated).open == []


def test_a_report_that_shows_no_recording_says_so(facts: dict[str, Any], tmp_path: Path) -> None:
    examples = {"asked": 0, "method": "Grad-CAM", "calibrated": True, "shown": []}
    write_report(tmp_path / "report.html", {**facts, "explanation": {}, "examples": examples})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "evaluation.examples=0" in text
    assert '<figure class="example"' not in text
