"""Behavioural tests for clusters that switch services between nodes."""

__version__ = "0.1.0"
