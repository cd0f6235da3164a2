"""Load: many subscribers in many processes, a schedule of messages, and an exact account of what arrives."""
