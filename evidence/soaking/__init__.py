"""The parts of the soak: the server, who asks it, and what goes wrong meanwhile."""
