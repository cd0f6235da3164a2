"""`globalchat doctor`: what is examined, and how findings are shown."""
