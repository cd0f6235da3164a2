"""Who calls, and what the caller may use: API keys, signatures, directives, policies."""
