"""DynamoDB tables in SQLite: items, expressions, queries, AppSync's data source. Loaded only for a table."""
