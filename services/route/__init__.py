"""Route: reads leads.scored.v1, writes leads.handover.v1. Promises one handover per episode, to one owner."""
