"""Behaviours: named groups of sentences that spec classes share, and what lends them."""
