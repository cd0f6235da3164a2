"""One file per command; each holds its click command as `command` and imports what it needs when it runs."""
