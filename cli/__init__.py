"""The `globalchat` command: one small file per command; wires the rooms together, no logic of its own."""
