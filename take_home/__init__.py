"""The take-home assignment: what `make take-home` hands out, and what `make grade` does with it."""
