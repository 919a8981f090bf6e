"""What the cluster stands on: each node as it is, and the ways between them."""
