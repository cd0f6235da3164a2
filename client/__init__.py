"""The client of the backend: profiles, messages, and the session. No interface, no Textual.

Heavy names are loaded on first use, so that reading a profile costs no import of gql.
"""
