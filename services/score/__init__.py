"""Score: reads leads.enriched.v1, writes leads.scored.v1. Promises a score that is a pure function of activities, profile, ruleset and clock."""
