"""Who gets in when, and at what price in latency: the ladder, the door, tickets. Pure."""
