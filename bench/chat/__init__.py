"""The chat under test: in a terminal, with a session that needs no network."""
