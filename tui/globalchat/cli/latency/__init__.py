"""`globalchat latency`: a run and its report."""
