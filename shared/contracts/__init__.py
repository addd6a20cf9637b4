"""Every event that crosses a topic: named here, described in the files beside this, by who writes it. Nothing here does IO.

JSON Schemas and AsyncAPI come from these models. What is not known is absent: optional fields default to None and are
not written. What readers may count on is written even when it is empty, though readers forgive its absence. Fields
marked `Personal` may hold personal data: logs, metrics and dead-letter reasons never hold them, and export and erasure
find them by the mark (shared/personal.py). Times are RFC 3339 with a zone, UTC when they are ours. Within a version
only optional fields are added: shared/generate checks it.
"""

from __future__ import annotations

import msgspec

from shared.contracts.asked import Command, Document, OutcomeReported, Privacy, Receipt
from shared.contracts.captured import Captured, ConsentGiven, Context
from shared.contracts.dead import Dead, Place
from shared.contracts.enriched import Activity, Enriched, Merged, Noted, Split, Touch
from shared.contracts.handover import (
    Handover,
    HandoverEscalated,
    HandoverScore,
    HandoverWithdrawn,
    Nurture,
    NurtureMerged,
    NurtureSplit,
    Owner,
    RouteStep,
)
from shared.contracts.model import Model, Moment, Personal, PersonalMap, PersonalNames, Ratio
from shared.contracts.profile import Company, Consent, Email, Job, Name, Phone, Profile
from shared.contracts.scored import Contribution, Points, RulesetRef, Scored, Signal
from shared.contracts.visit import Campaign, Page

__all__ = [
    "EVENTS",
    "Activity",
    "Campaign",
    "Captured",
    "Command",
    "Company",
    "Consent",
    "ConsentGiven",
    "Context",
    "Contribution",
    "Dead",
    "Document",
    "Email",
    "Enriched",
    "Handover",
    "HandoverEscalated",
    "HandoverScore",
    "HandoverWithdrawn",
    "Job",
    "Merged",
    "Model",
    "Moment",
    "Name",
    "Noted",
    "Nurture",
    "NurtureMerged",
    "NurtureSplit",
    "OutcomeReported",
    "Owner",
    "Page",
    "Personal",
    "PersonalMap",
    "PersonalNames",
    "Phone",
    "Place",
    "Points",
    "Privacy",
    "Profile",
    "Ratio",
    "Receipt",
    "RouteStep",
    "RulesetRef",
    "Scored",
    "Signal",
    "Split",
    "Touch",
    "encode",
]

EVENTS: dict[str, type[Model]] = {
    "lead.captured": Captured,
    "lead.enriched": Enriched,
    "lead.merged": Merged,
    "lead.split": Split,
    "lead.noted": Noted,
    "lead.scored": Scored,
    "lead.handover": Handover,
    "lead.handover.withdrawn": HandoverWithdrawn,
    "lead.handover.escalated": HandoverEscalated,
    "lead.outcome": OutcomeReported,
    "lead.nurture": Nurture,
    "lead.nurture.merged": NurtureMerged,
    "lead.nurture.split": NurtureSplit,
    "lead.command": Command,
    "lead.signal": Signal,
    "lead.privacy": Privacy,
    "lead.receipt": Receipt,
    "lead.dead": Dead,
}

encode = msgspec.json.Encoder().encode
