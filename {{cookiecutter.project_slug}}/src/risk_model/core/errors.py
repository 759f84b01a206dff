"""What does a user see when something is wrong? One line, with the remedy."""

from __future__ import annotations


class UserError(Exception):
    """Says what was wrong, where, and what to do; the command line prints it as one line and exits
    with 2.
    """
