"""The walkthrough: a run told along the five concerns at three depths, and its score sheet."""
