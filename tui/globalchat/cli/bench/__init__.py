"""`globalchat bench`: a run, its price, its progress and its report."""
