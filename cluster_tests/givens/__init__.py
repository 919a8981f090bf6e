"""Givens and readings of the cases beyond the plain switch, one module for each family."""
