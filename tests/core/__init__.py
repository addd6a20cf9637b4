"""A stage that exists for tests of the shell alone, and what starts, stops and reads it."""
