"""The training loop beside DataLoader and TensorDataset, on one plain network and the same rows.

How much faster is it? Both do the same arithmetic: a 60-128-128-1 network, 100,000 rows in batches
of 256, cross-entropy, gradients clipped and their norm recorded for the monitor, AdamW, one thread.
They differ in how rows become batches and how the optimizer makes its steps.
"""

from __future__ import annotations

import torch
from timing import compare
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from risk_model.config import Training
from risk_model.training.loop import RunningMean, Table, adamw, train_epoch
from risk_model.training.loss import choose_loss

ROWS, COLUMNS, BATCH = 100_000, 60, 256


class Mlp(nn.Module):
    """Two hidden layers of 128; float32[n, columns] -> logits float32[n]."""

    def __init__(self, columns: int = COLUMNS) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(columns, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1)
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


def naive_epoch(
    network: nn.Module,
    loader: DataLoader[tuple[torch.Tensor, ...]],
    optimizer: torch.optim.AdamW,
    clip_norm: float,
) -> float:
    """One epoch as most tutorials write it; the mean norm of the gradient before clipping."""
    loss, norms = nn.BCEWithLogitsLoss(), []
    for features, labels in loader:
        optimizer.zero_grad()
        loss(network(features), labels).backward()
        norms.append(nn.utils.clip_grad_norm_(network.parameters(), clip_norm).item())
        optimizer.step()
    return sum(norms) / len(norms)


def main() -> None:
    """Prints the ratio of rows per second."""
    torch.set_num_threads(1)
    rows, settings = made_up_rows(), Training()
    ours, theirs = Mlp(), Mlp()
    optimizer, naive = adamw(ours, settings), torch.optim.AdamW(theirs.parameters())
    loss, averaged = choose_loss(settings), RunningMean(ours)
    loader = DataLoader(TensorDataset(rows.features, rows.labels), batch_size=BATCH, shuffle=True)
    compare(
        "training, rows per second against DataLoader + TensorDataset",
        lambda: train_epoch(ours, rows, loss, optimizer, BATCH, settings.clip_norm, averaged),
        lambda: naive_epoch(theirs, loader, naive, settings.clip_norm),
        turns=7,
        target=2.3,
    )


if __name__ == "__main__":
    main()
