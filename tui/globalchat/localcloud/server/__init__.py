"""The sockets: one loopback HTTP server per region, and the life of the process."""
