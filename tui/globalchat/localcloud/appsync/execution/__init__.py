"""Executes queries and mutations: documents, compiled and interpreted operations, resolvers."""
