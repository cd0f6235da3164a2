"""What is on its way out: kept on disk until the backend accepted or refused it."""
