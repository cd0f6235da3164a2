"""`globalchat cost`: how the estimate is shown."""
