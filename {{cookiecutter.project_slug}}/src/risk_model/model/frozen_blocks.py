"""What the frozen blocks of a pre-trained network make of images, computed once and stored.

How does a large backbone learn on two cores? Blocks that never learn give the same answer each
epoch, so it lies as float16 in a file that is mapped into memory, and only the blocks after them
are passed again. Of each training image several varied copies are stored beside the image itself;
whoever learns draws one of them anew each epoch.

The file has no name where the system allows that, so that nothing of it stays behind, however the
training ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile, gettempdir
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor, nn

from risk_model.core.errors import UserError

AT_ONCE = 16  # stored images that are scored at once: more take memory and no less time
Read = Callable[[Tensor], Tensor]  # from places int64[n] of stored features to float32[n, k, h, w]


class Late(nn.Module):
    """The blocks that learn, from places [n, 1] of what is stored to logits [n].

    A place is that of the image itself. In train mode one of it and the `copies` after it is drawn.
    """

    def __init__(self, network: Any, read: Read, copies: int) -> None:
        super().__init__()
        self.network, self.read, self.copies = network, read, copies

    def rate_of(self, name: str) -> float:
        """See `pretrained_cnn.Network`."""
        share: float = self.network.rate_of(name.removeprefix("network."))
        return share

    def forward(self, rows: Tensor) -> Tensor:
        """The logits."""
        places = rows[:, 0].long()
        if self.training:
            drawn = torch.randint(self.copies + 1, places.shape)
            return self._logits(places + drawn)
        return torch.cat([self._logits(part) for part in torch.split(places, AT_ONCE)])

    def _logits(self, places: Tensor) -> Tensor:
        logits: Tensor = self.network.late(self.read(places))[0]
        return logits


@contextmanager
def stored(
    network: Any, parts: Sequence[Iterable[Tensor]]
) -> Iterator[tuple[nn.Module, list[Tensor]]]:
    """Passes rows through the frozen blocks; gives what learns from the result, and the places.

    The weights that learn are those of `network` itself. What was stored is gone when the block
    ends.

    Args:
        network: with `early`, `late`, `image`, `copies` and `rate_of`, as `pretrained_cnn.Network`.
        parts: rows float32[b, d] in pieces of a few; those of the first part, which teach, are
            stored in varied copies too.

    Yields:
        The module that learns, and float32[n, 1] places, its rows, of each part.

    Raises:
        UserError: the temporary folder is full, or features are too large for float16.
    """
    network.eval()
    with TemporaryFile(prefix="frozen-blocks-") as file:
        places, start = list[Tensor](), 0
        shape: tuple[int, ...] = ()
        for number, part in enumerate(parts):
            copies = 0 if number else network.copies
            count, shape = _write(file, network, part, copies)
            end = start + count * (1 + copies)
            places.append(torch.arange(start, end, 1 + copies)[:, None].float())
            start = end
        file.flush()
        features = np.memmap(file, np.float16, "r", shape=(start, *shape))

        def read(numbers: Tensor) -> Tensor:
            return torch.from_numpy(features[numbers.numpy()].astype(np.float32))

        yield Late(network, read, network.copies), places


@torch.no_grad()
def _write(
    file: IO[bytes], network: Any, pieces: Iterable[Tensor], copies: int
) -> tuple[int, tuple[int, ...]]:
    """Writes each row's features and, after them, those of its varied copies.

    Returns:
        How many rows there are, and the shape of one's features.
    """
    count, shape = 0, tuple[int, ...]()
    for rows in pieces:
        versions = [network.early(rows)]
        network.image.train()  # varies images; everything else stays in eval mode
        versions += [network.early(rows) for _ in range(copies)]
        network.image.eval()
        features = torch.stack(versions, dim=1).half()
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
        count, shape = count + len(rows), tuple(features.shape[2:])
    return count, shape
