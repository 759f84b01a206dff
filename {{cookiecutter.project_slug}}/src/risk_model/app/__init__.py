"""How a person runs it: the command line, its commands, and what they print."""
