"""Deployment: how a model reaches patients, and what is kept of every answer it gave."""
