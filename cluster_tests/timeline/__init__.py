"""What happened in a switch, when: all layers and nodes on one clock, the harness's."""
