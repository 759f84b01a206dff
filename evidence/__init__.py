"""Long simulations, faults and soaks: run by hand, their results committed beside them."""
