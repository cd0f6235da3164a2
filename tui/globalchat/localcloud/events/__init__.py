"""Amazon EventBridge and the queues behind it: patterns, buses, targets, retries, dead letters."""
