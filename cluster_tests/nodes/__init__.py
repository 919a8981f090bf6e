"""One node: its engine, the probe inside of it, its volumes and its log. Thin readers."""
