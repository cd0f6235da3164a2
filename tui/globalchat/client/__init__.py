"""The client of the backend: profiles, messages, and the session. No interface, no Textual."""
