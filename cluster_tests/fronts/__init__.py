"""Applications from outside, through a node's front."""
