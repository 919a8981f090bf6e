"""Clients that write and read all through a switch, and what they can swear to afterwards."""
