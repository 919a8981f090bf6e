"""HAProxy and Caddy as they are loaded on a node."""
