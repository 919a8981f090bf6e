"""The inventory: which cluster is under test, and what is called what there."""
