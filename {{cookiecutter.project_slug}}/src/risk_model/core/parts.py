"""The names of the parts of a cohort, in predictions and reports."""

from __future__ import annotations

PARTS = ("train", "validation", "calibration", "test")
DEVELOPMENT = "development"  # the part that train is called where it does the work of three
OUT_OF_FOLD = "out of fold"  # the part of rows scored by models that were made without each
LEARNT_FROM = (DEVELOPMENT, *PARTS[:3], "set aside")
