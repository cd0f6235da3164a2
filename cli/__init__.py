"""The `globalchat` command: one small file per command."""
