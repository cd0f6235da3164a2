"""GraphQL over HTTP, without a socket."""
