"""One application of the suite: moves in, is switched, is visited and written to, and leaves."""
