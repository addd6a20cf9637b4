"""What a score is and how it changes: pure decisions. No IO, no clock, no randomness, no logging."""
