"""The chat: a Textual app over the client."""
