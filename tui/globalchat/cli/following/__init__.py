"""`globalchat subscribe`: a run, what it shows and says."""
