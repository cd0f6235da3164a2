"""`globalchat deploy` and what follows it: the wish, its profile, and the person who is asked."""
