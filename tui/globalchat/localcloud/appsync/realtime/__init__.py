"""The realtime protocol of one socket, without a socket."""
