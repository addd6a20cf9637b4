"""What enrich knows: activities of known leads (lead.enriched), and leads that became one or two (lead.merged, lead.split) or none (lead.noted)."""

from __future__ import annotations

import msgspec

from shared.contracts.model import Model, Moment, Personal, PersonalMap, PersonalNames, Ratio, surely
from shared.contracts.profile import Profile
from shared.contracts.visit import Campaign, Page


class Touch(Model, frozen=True):
    """One contact with a channel, first or last of a person."""

    at: Moment
    channel: str | None = None
    direction: str | None = None
    campaign: Campaign | None = None
    click_ids: PersonalNames | None = None
    referrer: Personal | None = None
    landing_page: Personal | None = None


class Activity(Model, frozen=True):
    """One thing a person did. The same `id` with a higher `revision` replaces the earlier one; `withdrawn` takes it off this lead."""

    id: str
    revision: int
    name: str
    kind: str
    occurred_at: Moment
    property: str
    channel: str | None = None
    direction: str | None = None
    campaign: Campaign | None = None
    human: Ratio = msgspec.field(default_factory=surely)
    page: Page | None = None
    asset: str | None = None
    properties: PersonalMap | None = None
    withdrawn: bool | None = None
    received_at: Moment | None = None  # when we accepted it, where whoever captured it says so


class Enriched(Model, frozen=True):
    """lead.enriched: an activity of a known lead, with the profile as it is now."""

    event_id: str
    lead_id: str
    profile_version: int
    activity: Activity
    profile: Profile
    first_touch: Touch | None = None
    last_touch: Touch | None = None
    joined: list[str] | None = None
    restored: list[str] | None = None  # leads that were this one by a merge, which was undone
    history: bool | None = None  # told because of an event of the past: the lead does not enter SQL by it


class Merged(Model, frozen=True):
    """lead.merged: `absorbed` is from now on `survivor`; its activities come again under that id. `profile_version` is the absorbed lead's."""

    event_id: str
    survivor: str
    absorbed: str
    because: str
    profile_version: int | None = None


class Split(Model, frozen=True):
    """lead.split: a merge that was undone. `profile_version` is the restored lead's: a merge of it in a higher version is a later one."""

    event_id: str
    lead_id: str
    restored: str
    profile_version: int | None = None


class Noted(Model, frozen=True):
    """lead.noted: `activity_id` ends here: nobody is known by it, or (`duplicate`) it is the same form sent twice, of the lead that is named."""

    event_id: str
    activity_id: str
    why: str  # visitor, duplicate, discarded
    lead_id: str | None = None
    revision: int | None = None  # of the activity, as in lead.enriched
    profile_version: int | None = None
