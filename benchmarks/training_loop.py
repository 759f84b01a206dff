"""How much faster is the training loop than DataLoader and TensorDataset, on one plain network and the same rows?

The loop clips gradients, averages their norm and balances its batches; the comparison does none of that. Both train a
60-128-128-1 network on 100,000 rows in batches of 256 with AdamW, on one thread.
"""

from __future__ import annotations

import torch
from risk_model.config import Training
from risk_model.training.loop import Table, adamw, train_epoch
from timing import compare
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ROWS, COLUMNS, BATCH = 100_000, 60, 256


class Mlp(nn.Module):
    """Two hidden layers of 128; float32[n, 60] -> logits float32[n]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(COLUMNS, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1)
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits of rows."""
        logits: torch.Tensor = self.layers(features).squeeze(-1)
        return logits


def made_up_rows() -> Table:
    """Standard normal features, and labels that depend on the first three."""
    torch.manual_seed(0)
    features = torch.randn(ROWS, COLUMNS)
    return Table(features, (features[:, :3].sum(1) + torch.randn(ROWS) > 0).float())


def naive_epoch(network: nn.Module, loader: DataLoader[tuple[torch.Tensor, ...]], optimizer: torch.optim.AdamW) -> None:
    """One epoch as most tutorials write it."""
    loss = nn.BCEWithLogitsLoss()
    for features, labels in loader:
        optimizer.zero_grad()
        loss(network(features), labels).backward()
        optimizer.step()


def main() -> None:
    """Prints the ratio of rows per second."""
    torch.set_num_threads(1)
    rows, settings, loss = made_up_rows(), Training(), nn.BCEWithLogitsLoss()
    ours, theirs = Mlp(), Mlp()
    optimizer, naive = adamw(ours, settings), torch.optim.AdamW(theirs.parameters())
    loader = DataLoader(TensorDataset(*rows), batch_size=BATCH, shuffle=True)
    compare(
        "training, rows per second against DataLoader + TensorDataset",
        lambda: train_epoch(ours, rows, loss, optimizer, BATCH, settings.clip_norm),
        lambda: naive_epoch(theirs, loader, naive),
        turns=7,
        target=2.3,
    )


if __name__ == "__main__":
    main()
