"""The load test: many subscribers, a rate of messages, and an exact account of what was delivered."""
