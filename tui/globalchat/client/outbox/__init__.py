"""Outgoing drafts: kept on disk until the backend has accepted or refused them."""
