"""The report is one readable file without a network; what is absent is said to be absent."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup

from risk_model.config import Config, Synthetic
from risk_model.core.estimate import Estimate
from risk_model.core.findings import Finding
from risk_model.core.table import Row
from risk_model.data.quality import Quality
from risk_model.data.quality_answer import SIMPLE_MODELS
from risk_model.data.split_report import PartSummary, RowSplitOverlap
from risk_model.evaluation.results import RunEvaluation
from risk_model.reporting import sentences
from risk_model.reporting.content import (
    CohortSummary,
    GlobalExplanation,
    NetworkStart,
    Provenance,
    RecordingExample,
    RecordingExamples,
    ReportContent,
)
from risk_model.reporting.report import IndexEntry, write_index, write_report
from risk_model.training.record import CalibratorRecord, ChampionChoice, ModelComparison

WARNING = Finding("warning", "leak accepted", "ward <b>", "the data owner's reason", "read it")
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
def content(evaluation: RunEvaluation) -> ReportContent:
    """Everything a run records, in small."""
    rng = np.random.default_rng(0)
    epochs: list[dict[str, float | None]] = [
        {"epoch": i + 1, "train_loss": 0.5, "validation_loss": 0.6, "gradient_norm": 1.0}
        for i in range(4)
    ]
    ranks = np.stack([rng.random(30), np.full(30, np.nan)], axis=1)
    return ReportContent(
        title="Readmission — demo & more",
        champion=compared(xgboost=(0.3, 0.0, 0.0)),
        evaluation=evaluation,
        threshold_reason="A miss weighs as much as 4 false alerts.",
        cohort=CohortSummary("demo", "made up", 1900),
        split=[
            PartSummary(part, 300, 300, 70, 0.23, None, {"sex: F": 0.5})
            for part in ("train", "test")
        ],
        row_split_overlap=RowSplitOverlap(120, 240, 300, patients_identified=True),
        quality=Quality({"What is missing?": ["Nothing."]}, {"missing": []}, []),
        findings=[WARNING, WARNING],
        calibrators={"xgboost": CalibratorRecord("temperature", {"temperature": 1.2})},
        history={"network": epochs},
        explanation=GlobalExplanation(["age", "sex"], rng.normal(size=(30, 2)), ranks),
        provenance=Provenance({"fingerprint": "ab12"}, "cd34", {}, Config(data=Synthetic())),
    )


@pytest.fixture(scope="session")
def page(content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report's text."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, content)
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
    assert "has not seen" not in page
    assert "fewer than 40 events or non-events its ends are too narrow" in page
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
    page: str, evaluation: RunEvaluation
) -> None:
    top = page[page.index("<main>") : page.index("<nav")]
    own = evaluation.parts["test"].models["xgboost"]
    assert evaluation.gates["test"]["xgboost"].verdict == "pass"
    assert "Verdict: XGBoost, outside the stated bounds on North" in top  # the worst of all parts
    assert f"AUROC {own.metrics['auroc'].estimate:.2f}" in top
    assert own.per_1000_sentence in top
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
    assert "put 120 of them on both sides" in page
    assert not re.search(r"\bnan\b", re.sub(r"<[^>]+>", " ", page))


def test_each_finding_is_told_once_and_markup_in_it_is_escaped(page: str) -> None:
    assert page.count("the data owner&#39;s reason") == 1
    assert "ward &lt;b&gt;" in page


def test_report_without_the_optional_facts_says_not_recorded(
    evaluation: RunEvaluation, tmp_path: Path
) -> None:
    champion = ChampionChoice("xgboost", "", [])
    write_report(tmp_path / "report.html", ReportContent("bare", champion, evaluation))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("Not recorded.") == 5
    assert "None" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S)


def test_the_same_facts_write_the_same_bytes(
    content: ReportContent, page: str, tmp_path: Path
) -> None:
    write_report(tmp_path / "again.html", content)
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_index_links_every_report_with_its_headline(
    evaluation: RunEvaluation, tmp_path: Path
) -> None:
    entry = IndexEntry("demo-1", "demo-1/report.html", "death", "xgboost", evaluation)
    write_index(tmp_path / "index.html", [entry])
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert Page(text).open == []
    assert '<a href="demo-1/report.html">Death</a>' in text
    assert "AUROC" in text
    assert "had not seen" not in text  # nobody knows, where no column names the patient
    write_index(tmp_path / "index.html", [])
    assert "No finished run yet." in (tmp_path / "index.html").read_text(encoding="utf-8")


def compared(**models: tuple[float, float, float]) -> ChampionChoice:
    """A champion by log loss of each model, and the ends of its difference to the best."""
    table = [
        ModelComparison(name, loss, Estimate((low + high) / 2, low, high))
        for name, (loss, low, high) in models.items()
    ]
    return ChampionChoice("xgboost", "it has the lowest log loss", table, margin=0.005)


BEST = (0.30, 0.0, 0.0)


def test_a_network_that_did_not_beat_a_baseline_is_said_not_to_have() -> None:
    worse = compared(
        logistic_regression=(0.33, 0.01, 0.05), xgboost=BEST, network=(0.40, 0.05, 0.15)
    )
    where = "log loss 0.4000, XGBoost 0.3000, on the calibration split"
    assert f"The network did not beat XGBoost ({where})." in sentences.baseline(worse)
    unsure = compared(
        logistic_regression=(0.31, -0.01, 0.03), xgboost=(0.35, 0.02, 0.08), network=BEST
    )
    said = sentences.baseline(unsure)
    assert "has the lowest log loss, but not beyond chance" in said
    assert "logistic regression against it: -0.0100 to 0.0300" in said
    assert "beat" not in said
    assert "as well" not in said  # no equality from an interval that is merely wide
    better = compared(
        logistic_regression=(0.40, 0.05, 0.15), xgboost=(0.35, 0.02, 0.08), network=BEST
    )
    said = sentences.baseline(better)
    assert "The network beat the baselines (log loss 0.3000, XGBoost 0.3500" in said
    assert "margin" not in said
    hardly = compared(
        logistic_regression=(0.40, 0.05, 0.15), xgboost=(0.303, 0.002, 0.004), network=BEST
    )
    assert "by less than the margin of 0.0050: the simpler is taken" in sentences.baseline(hardly)
    assert sentences.baseline(compared(xgboost=BEST)) == ""
    assert sentences.baseline(compared()) == ""


def test_how_the_models_came_about_is_said_of_what_was_done() -> None:
    once = sentences.development(1, 300, {})
    assert "Quick trial (split.folds=1)" in once
    crossed = sentences.development(5, 300, {})
    assert "Each of 5 folds of the 300 development rows" in crossed
    assert "test split" not in crossed
    small = sentences.development(5, 300, {"xgboost": 7, "network": 3})
    assert "10 times in all (chosen: XGBoost 7, network 3)" in small
    assert sentences.development(0, 0, {}) == ""


def test_age_sex_and_site_alone_stand_beside_the_headline_and_no_other_place(
    content: ReportContent, tmp_path: Path
) -> None:
    simple: Row = {"predictors": "age and sex", "AUROC": Estimate(0.771, 0.73, 0.81)}
    quality = Quality({}, {SIMPLE_MODELS: [simple]}, [])
    champion = compared(xgboost=BEST, network=(0.4, 0.05, 0.15))
    path = tmp_path / "report.html"
    write_report(path, replace(content, quality=quality, champion=champion))
    text = path.read_text(encoding="utf-8")
    top = text[text.index("<main>") : text.index("<nav")]
    assert "AUROC of age and sex alone 0.77 (0.73 to 0.81), cross-fitted on the rows that" in top
    assert "age and sex alone 0.77 (0.73 to 0.81), on the rows that taught<" in text
    assert "The network did not beat " in top
    # They were judged on development rows, so not beside the sites and periods.
    assert text.count("age and sex alone 0.77 (0.73 to 0.81)") == 2


COLD = NetworkStart(900, "cnn", proposed=True, pretrained="", alternatives={})


def test_what_the_network_started_from_is_told_with_the_rule() -> None:
    warm = sentences.start(replace(COLD, network="warm", pretrained="ImageNet weights"))
    assert "900 labelled recordings" in warm
    assert "fewer than 50,000" in warm
    assert "warm, starts from ImageNet weights, as proposed" in warm
    alternatives = {"warm": "ImageNet weights"}
    cold = sentences.start(replace(COLD, proposed=False, alternatives=alternatives))
    assert "starts from scratch, as chosen on the command line" in cold
    assert "model/network=warm starts from ImageNet weights" in cold
    assert "enough to start from scratch" in sentences.start(replace(COLD, labels=50_000))
    assert "No pre-trained network" in sentences.start(COLD)
    assert sentences.start(None) == ""


DRAWING = '<div class="note" role="group" aria-label="text with the highest risk">chest pain</div>'


def examples(*recordings: RecordingExample) -> RecordingExamples:
    return RecordingExamples(6 if recordings else 0, "occlusion", True, list(recordings))


@pytest.fixture(scope="session")
def illustrated(content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a cohort whose recordings are drawn."""
    path = tmp_path_factory.mktemp("illustrated") / "report.html"
    one = RecordingExample("the highest risk", 0.913, event=False, drawing=Markup(DRAWING))  # noqa: S704 - made here
    write_report(path, replace(content, explanation=None, examples=examples(one)))
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


def test_a_report_that_shows_no_recording_says_so(content: ReportContent, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, replace(content, explanation=None, examples=examples()))
    text = path.read_text(encoding="utf-8")
    assert "evaluation.examples=0" in text
    assert '<figure class="example"' not in text
