"""Abuse of the front door, measured: `make abuse`. Attacks run in a process of their own while an honest sender is timed."""
