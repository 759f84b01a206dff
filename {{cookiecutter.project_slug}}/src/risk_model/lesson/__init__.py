"""What the lesson teaches, played through on this project's own data."""
