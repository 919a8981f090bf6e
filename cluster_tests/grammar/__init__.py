"""The spec classes as they are written: what may stand in one, and what there is to run."""
