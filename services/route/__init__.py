"""Route: reads leads.scored.v1, leads.outcomes.v1 and outcomes on leads.commands.v1; writes leads.handover.v1 and leads.commands.v1.

Promises one handover for each episode and attempt, to one owner, explained, and that no outcome is lost.
"""
