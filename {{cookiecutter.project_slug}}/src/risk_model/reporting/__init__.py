"""What does a reader take away? One report a run, an index of runs, and the model card."""
