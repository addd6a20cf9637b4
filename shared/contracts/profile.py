"""The lead's current normalised data, a part of most events; no event of its own."""

from __future__ import annotations

from shared.contracts.model import Model, Moment, Personal, PersonalMap, PersonalNames


class Consent(Model, frozen=True):
    """The state of one purpose in a profile."""

    given: bool
    at: Moment
    text: str | None = None
    version: str | None = None
    basis: str | None = None


class Email(Model, frozen=True):
    """`address` is the sendable form, or what was given when it is no address (then `kind` is invalid); `given` is as it was given, where
    that differs."""

    address: Personal
    given: Personal | None = None
    kind: str | None = None  # business, free, disposable, role, relay, invalid
    domain: str | None = None


class Phone(Model, frozen=True):
    """`e164` is absent when no number could be made of what was given: it is there where the length is possible in its region, and `valid`
    where the region's numbering plan knows it too. A number without a calling code was read as one of a region that something else told:
    `region_from` says what (form, property, country)."""

    e164: Personal | None = None
    raw: Personal | None = None
    region: str | None = None
    kind: str | None = None
    extension: Personal | None = None
    valid: bool | None = None
    region_from: str | None = None


class Name(Model, frozen=True):
    full: Personal | None = None
    given: Personal | None = None
    family: Personal | None = None
    title: Personal | None = None


class Company(Model, frozen=True):
    name: str | None = None
    domain: str | None = None
    size: int | None = None
    industry: str | None = None


class Job(Model, frozen=True):
    title: Personal | None = None
    seniority: str | None = None
    department: str | None = None


class Profile(Model, frozen=True):
    """The lead's current normalised data."""

    email: Email | None = None
    phone: Phone | None = None
    name: Name | None = None
    company: Company | None = None
    job: Job | None = None
    country: str | None = None
    region: str | None = None
    city: Personal | None = None
    postal_code: Personal | None = None
    language: str | None = None
    timezone: str | None = None
    consent: dict[str, Consent] | None = None
    user_ids: PersonalNames | None = None
    external_ids: PersonalNames | None = None
    custom: PersonalMap | None = None
    test: bool | None = None
    sources: dict[str, str] | None = None
