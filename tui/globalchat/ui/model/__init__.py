"""The pure core of the interface: what is on the screen and why. No Textual, no clock, no task."""
