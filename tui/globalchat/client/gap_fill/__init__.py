"""What a session keeps of each channel and region so that history fills what it missed."""
