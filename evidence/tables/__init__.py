"""Made-up tables of which every cell's meaning is known."""
