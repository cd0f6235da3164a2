"""How the chat asks for attention outside its own window: bell, window title, notices of the desktop."""
