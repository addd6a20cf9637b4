"""Enrich: reads leads.captured.v1 and leads.commands.v1, writes leads.enriched.v1. Promises one lead per person, whatever the order or number of arrivals."""
