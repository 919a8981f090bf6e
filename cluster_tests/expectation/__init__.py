"""What must be true, and how it differs from what is."""
