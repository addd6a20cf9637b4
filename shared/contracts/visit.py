"""Where somebody was and what brought them: page and campaign, parts of events. No event of its own."""

from __future__ import annotations

from shared.contracts.model import Model, Personal


class Page(Model, frozen=True):
    """The page where something happened. `path` is derived from `url` where it was not given."""

    url: Personal | None = None
    path: Personal | None = None
    referrer: Personal | None = None
    title: Personal | None = None


class Campaign(Model, frozen=True):
    """UTM parameters as sent; unmarked, because success is measured by them: nobody may put a person into a campaign's name."""

    source: str | None = None
    medium: str | None = None
    name: str | None = None
    term: str | None = None
    content: str | None = None
    id: str | None = None
    source_platform: str | None = None
    creative_format: str | None = None
    marketing_tactic: str | None = None
