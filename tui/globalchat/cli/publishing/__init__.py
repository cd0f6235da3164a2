"""`globalchat publish`: a run, its results and its sentences."""
