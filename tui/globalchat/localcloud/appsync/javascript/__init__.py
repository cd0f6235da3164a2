"""APPSYNC_JS: the language's limits, and the engine that runs resolver files."""
