"""A session: the tunnels, the clients and the cluster that a run shares."""
