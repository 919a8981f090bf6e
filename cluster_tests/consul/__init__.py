"""Consul: the KV, events, services and members, and what changes there."""
