"""What capture decides: bytes of a request to submissions, or why not. No IO, no clock, no randomness: times and ids are arguments."""
