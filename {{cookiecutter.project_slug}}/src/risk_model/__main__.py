"""Lets `python -m risk_model` do what the console script does."""

from risk_model.app.cli import main

raise SystemExit(main())
