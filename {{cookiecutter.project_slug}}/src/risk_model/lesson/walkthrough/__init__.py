"""The walkthrough: a run told along the five concerns at three depths, and the sheet to score it."""
