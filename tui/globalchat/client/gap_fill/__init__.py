"""The state per channel and region with which history fills the messages that a session missed."""
