"""Waiting for signals until a deadline, and calls side by side."""
