"""What the frozen blocks of a pre-trained network make of images, computed once and stored.

How does a large backbone learn on two cores? Blocks that never learn give the same answer each
epoch, so it lies as float16 in a file that is mapped into memory, and only the blocks after them
are passed again. Of each training image several varied copies are stored beside the image itself;
whoever learns draws one of them anew each epoch.

The file has no name where the system allows that, so that nothing of it stays behind, however the
training ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from tempfile import TemporaryFile, gettempdir
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor, nn

from risk_model.core.errors import UserError
from risk_model.training.device import moved
from risk_model.training.loop import Table

Read = Callable[[Tensor], Tensor]  # from places int64[n] of stored features to float32[n, k, h, w]


class Late(nn.Module):
    """The blocks that learn, from places [n, 1] of what is stored to logits [n].

    A place is that of the image itself. In train mode one of it and the `copies` after it is drawn.
    """

    def __init__(self, network: Any, read: Read, copies: int) -> None:
        super().__init__()
        self.network, self.read, self.copies = network, read, copies
        self.rows_at_once: int = network.rows_at_once

    def rate_of(self, name: str) -> float:
        """See `pretrained_cnn.Network`."""
        share: float = self.network.rate_of(name.removeprefix("network."))
        return share

    def forward(self, rows: Tensor) -> Tensor:
        """The logits."""
        places = rows[:, 0].cpu()
        if self.training:
            places = places + torch.randint(self.copies + 1, places.shape)
        logits: Tensor = self.network.late(moved(self.read(places), rows.device))[0]
        return logits


@contextmanager
def stored(
    network: Any, train: Table, validation: Table | None
) -> Iterator[tuple[nn.Module, tuple[Table, Table | None]]]:
    """Passes rows through the frozen blocks; gives what learns from the result, and its rows.

    The weights that learn are those of `network` itself. What was stored is gone when the block
    ends.

    Args:
        network: with `early`, `late`, `image`, `copies`, `rate_of` and `rows_at_once`, as a
            `pretrained_cnn.Network` that is prepared for training.
        train: the rows that teach; they are stored in varied copies too.
        validation: the rows to stop by, or None.

    Yields:
        The module that learns, and tables whose features are int64[n, 1] places.

    Raises:
        UserError: the temporary folder is full, or features are too large for float16.
    """
    network.eval()
    with TemporaryFile(prefix="frozen-blocks-") as file:
        versions = 1 + network.copies
        taught = len(train.labels) * versions
        shape = _write(file, network, train, network.copies)
        first = Table(torch.arange(0, taught, versions)[:, None], train.labels)
        then, end = None, taught
        if validation:
            _write(file, network, validation, 0)
            end += len(validation.labels)
            then = Table(torch.arange(taught, end)[:, None], validation.labels)
        file.flush()
        features = np.memmap(file, np.float16, "r", shape=(end, *shape))

        def read(numbers: Tensor) -> Tensor:
            return torch.from_numpy(features[numbers.numpy()].astype(np.float32))

        yield Late(network, read, network.copies), (first, then)


@torch.no_grad()
def _write(file: IO[bytes], network: Any, table: Table, copies: int) -> tuple[int, ...]:
    """Writes each row's features and, after them, those of its varied copies; gives one's shape."""
    device, step = next(network.parameters()).device, network.rows_at_once
    shape: tuple[int, ...] = ()
    pieces = (torch.split(torch.from_numpy(piece), step) for piece in table.inputs.pieces())
    for part in chain.from_iterable(pieces):
        rows = moved(part, device)
        versions = [network.early(rows)]
        network.image.train()  # varies images; everything else stays in eval mode
        versions += [network.early(rows) for _ in range(copies)]
        network.image.eval()
        features = torch.stack(versions, dim=1).half().cpu()
        if not torch.isfinite(features).all():
            raise UserError(
                "model.network.frozen: the features of this backbone are too large to be stored; "
                "write model.network.frozen=0"
            )
        try:
            file.write(features.numpy().tobytes())
        except OSError as error:
            raise UserError(
                f"{gettempdir()}: cannot hold what the frozen blocks make of the images "
                f"({error.strerror}); name a folder with more room in TMPDIR, or write "
                "model.network.frozen=0"
            ) from None
        shape = tuple(features.shape[2:])
    return shape
