"""Route's decisions: who gets a lead, what an outcome does to a handover. No IO, no clock, no randomness, no logging."""
