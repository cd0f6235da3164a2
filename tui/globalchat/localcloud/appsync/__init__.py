"""AWS AppSync: GraphQL over HTTP, the realtime protocol, resolvers, filters."""
