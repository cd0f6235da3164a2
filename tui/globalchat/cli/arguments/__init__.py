"""What is typed: options, their types, and how a shell completes them."""
