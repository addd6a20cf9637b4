"""Capture: HTTP, writes leads.captured.v1. Promises that what it accepted is durable."""
