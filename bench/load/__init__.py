"""What publishes and subscribes, whatever the server."""
