"""Concept cards: one file a concept, told in the orders in which an interviewer asks for it."""
