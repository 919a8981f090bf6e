"""The local lab: four real nodes and a forge as containers of this machine's engine."""
