"""Breaks the product's safeguards one by one, each in a copy of its own, and expects the tests to notice."""
