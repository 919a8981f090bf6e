"""SSH forwards: one, and a group that opens all or none. Knows nothing of clusters."""
