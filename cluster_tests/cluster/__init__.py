"""The cluster under test: asked for placements, waited for, looked at, and broken on purpose."""
