"""What meets the terminal: streams, signals, tables and bars."""
