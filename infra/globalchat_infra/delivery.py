"""What the rules agree on: which events they take, and how long the broadcast tries a delivery."""

PATTERN = {"source": ["globalchat"], "detail_type": ["message published"]}
"""Source and detail type, as `resolvers/publish.js` writes them."""

RETRY_ATTEMPTS = 10
MAXIMUM_AGE_SECONDS = 300
"""EventBridge's default, 185 attempts in 24 hours, would bring yesterday's messages into a live chat."""

TARGETS_PER_RULE = 5
"""A quota of EventBridge; a relay to more regions takes more rules."""
