"""The services that are published to the forge."""
