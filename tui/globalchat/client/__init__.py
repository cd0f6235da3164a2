"""The client of the backend: profiles, messages, and the session. No user interface, no Textual."""
