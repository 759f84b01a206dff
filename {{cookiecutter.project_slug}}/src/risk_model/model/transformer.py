"""A small transformer for notes, from scratch.

When does it beat counting words? When it matters which word stands with which.

Hashed words are embedded, see their neighbours through a convolution, and pass through pre-norm
self-attention within each window of the note (Vaswani et al. 2017; Xiong et al. 2020). Each head
prefers near words by a learned slope over their distance (after ALiBi: Press et al. 2022), so few
notes suffice. The largest and the mean value of each unit over all words of all windows go to one
linear head.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Schema

# added where there is no word: nothing after a softmax, and finite in every precision
HIDDEN = -1e4


class Attention(nn.Module):
    """Self-attention of [m, t, width] words.

    Each head has a slope for words before and one for words behind.
    """

    def __init__(self, width: int, heads: int, length: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.enter, self.leave = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        place = torch.arange(length)
        # of the word looked at from the word that looks
        distance = (place[None] - place[:, None]).float()
        self.register_buffer(
            "distance", torch.stack([distance.clamp(max=0), -distance.clamp(min=0)])
        )
        slopes = torch.tensor([0.5 ** (i % 4) for i in range(heads)])
        scale_of_head = torch.tensor([1.0 if i % 2 else 4.0 for i in range(heads)])
        self.slope_scale = nn.Parameter(torch.stack([slopes, slopes * scale_of_head]))  # [2, heads]

    def forward(self, words: Tensor, hidden: Tensor) -> Tensor:
        """`hidden` [m, 1, 1, t] is added to the scores."""
        m, t, width = words.shape
        parts = (
            self.enter(words).view(m, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        )
        query, key, value = parts[0], parts[1], parts[2]
        near = torch.einsum("sh,sij->hij", self.slope_scale, self.distance)
        scores = query @ key.transpose(2, 3) / (width // self.heads) ** 0.5 + near + hidden
        mixed = self.dropout(torch.softmax(scores, dim=-1)) @ value
        result: Tensor = self.leave(mixed.transpose(1, 2).reshape(m, t, width))
        return result


class Block(nn.Module):
    """Attention, then two layers a word, each added to what came in, with layer norm before."""

    def __init__(self, width: int, heads: int, length: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads, length, dropout)
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.words = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor, hidden: Tensor) -> Tensor:
        """Shapes as in Attention."""
        words = words + self.dropout(self.attention(self.first_norm(words), hidden))
        result: Tensor = words + self.dropout(self.words(self.second_norm(words)))
        return result


class Network(nn.Module):
    """Rows [n, d] that end in the numbers of the words, to logits [n]."""

    one_rate = True  # with a warm-up and a cosine it was not within its bounds on made-up notes

    def __init__(
        self, shape: tuple[int, ...], buckets: int, prevalence: float, settings: Any
    ) -> None:
        super().__init__()
        self.windows, self.length = shape
        width = settings.width
        self.embedding = nn.Embedding(buckets, width)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.near = nn.Conv1d(width, width, 3, padding=1)
        blocks = (
            Block(width, settings.heads, self.length, settings.dropout)
            for _ in range(settings.layers)
        )
        self.blocks = nn.ModuleList(blocks)
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(settings.dropout)
        self.head = nn.Linear(2 * width, 1)
        nn.init.constant_(self.head.bias, float(np.log(prevalence / (1 - prevalence))))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of float32 rows."""
        ids = features[:, -self.windows * self.length :].reshape(-1, self.length).long()
        there = (ids > 0).float()
        words = self.dropout(self.embedding(ids)) * there.unsqueeze(2)
        words = words + self.near(words.transpose(1, 2)).transpose(1, 2)
        hidden = (1 - there)[:, None, None, :] * HIDDEN
        for block in self.blocks:
            words = block(words, hidden)
        words, there = self.norm(words), there.unsqueeze(2)
        largest = (
            (words * there + (1 - there) * HIDDEN)
            .reshape(features.shape[0], -1, words.shape[2])
            .amax(dim=1)
        )
        written = there.reshape(features.shape[0], -1, 1).sum(dim=1)
        total = (words * there).reshape(features.shape[0], -1, words.shape[2]).sum(dim=1)
        any_word = (written > 0).float()  # no words at all: nothing but the bias speaks
        pooled = torch.cat([largest * any_word, total / written.clamp(min=1)], dim=1)
        logit: Tensor = self.head(self.dropout(pooled))
        return logit[:, 0]


def build(features: Features, prevalence: float, settings: Any, schema: Schema) -> Network:
    """See `network.build`; UserError when the rows hold no notes of whole words."""
    from risk_model.signals.text_words import BUCKETS

    signal = schema.signal
    if signal is None or signal.kind != "text":
        raise UserError(
            "model/network=transformer reads notes; use it with data=notes or another source of "
            "texts"
        )
    if signal.encoder:
        raise UserError(
            "model/network=transformer reads whole words; add data.encoder= (nothing), or choose "
            "model/network=encoder"
        )
    return Network(signal.shape, BUCKETS, prevalence, settings)
