"""The pure core of the interface: what the screen shows, without Textual, clocks and tasks."""
