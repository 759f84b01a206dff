"""Practice: questions as an interviewer asks them, timed, each with a good answer to compare."""
