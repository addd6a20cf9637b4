"""Score's metrics: leads on their way through the stages of sales readiness."""

from __future__ import annotations

from shared.metrics.counted import Counts, Names

ENTERED = Counts(
    "leadflow_lead_stages_entered_total",
    "Times that a lead entered a stage: the funnel, by property of the activity that did it (none: the clock, a ruleset or sales did) and by the channel that brought the lead first",
    ("lead_stage", "property", "channel"),
)
LEFT = Counts("leadflow_lead_stages_left_total", "Times that a lead left a stage", ("lead_stage",))

# The first names that come have a value of their own, all others are `other`.
PROPERTIES = Names(50)
CHANNELS = Names(30)
STAGES = Names(20)
