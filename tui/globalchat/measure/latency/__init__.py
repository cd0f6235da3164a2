"""How long a message takes: until it is accepted, and until it arrives in each region."""
