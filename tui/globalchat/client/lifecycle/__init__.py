"""The life of a session's connection: a pure state machine, and the shell that executes its effects."""
