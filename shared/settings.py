"""Configuration from the environment: what every service needs, and telling all mistakes at once."""

from __future__ import annotations

import sys
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import address

S = TypeVar("S", bound="Process")
_FROM_ENVIRONMENT: dict[str, Any] = {}  # no arguments: pydantic-settings reads the environment


class Process(BaseSettings):
    """What each process is told. `leads status --json` shows the local stack's values."""

    model_config = SettingsConfigDict(env_prefix="LEADFLOW_", extra="ignore", frozen=True)

    kafka: str = Field(
        description="Kafka's address; with TLS and a password sasl_ssl://user:password@host:9093?ca=FILE",
        examples=["127.0.0.1:19092"],
    )
    member: str = Field(description="stable name of this instance", examples=["score-0"], pattern=r"^[a-z]+-\d+$")
    http_host: str = Field(default="127.0.0.1", description="where to listen", examples=["127.0.0.1"])
    http_port: int = Field(description="port to listen on", ge=1, le=65535, examples=["8030"])
    partitions: int = Field(
        default=4, ge=1, le=1024, description="partitions of every topic; fixed for an installation", examples=["4"]
    )

    @field_validator("kafka")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        try:
            address.client(value)
        except OSError as error:
            raise ValueError(f"names a certificate that can't be used: {type(error).__name__}") from None
        return value


class Common(Process):
    """What each service is told."""

    store: str = Field(
        description="this service's own database", examples=["postgresql://score:pw@127.0.0.1:15432/score"]
    )
    token: str = Field(
        description="the operator's token, at least 16 characters",
        min_length=16,
        examples=["32 random characters"],
        json_schema_extra={"secret": True},
    )
    reading_token: str = Field(
        default="",
        description="a second token that may only read (GET): for dashboards and people who look; none where it is empty",
        examples=["32 random characters"],
        pattern=r"^(.{16,})?$",
        json_schema_extra={"secret": True},
    )
    secret: str = Field(
        description="the installation's secret, from which lead ids and record keys are made: never change it",
        min_length=16,
        examples=["32 random characters"],
        json_schema_extra={"secret": True},
    )
    session_timeout_ms: int = Field(
        default=10_000,
        ge=6_000,
        le=60_000,
        description="after this silence another instance takes over",
        examples=["10000"],
    )

    leaves: bool = Field(
        default=False,
        description="whether it leaves its groups when it ends, so that others take over at once: for orchestrators, where an instance that ends may not come back",
        examples=["true"],
    )

    @field_validator("store")
    @classmethod
    def _is_a_postgres_address(cls, value: str) -> str:
        if urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("must begin with postgresql://")
        return value


def load(kind: type[S]) -> S:
    """The settings from the environment, or one message on stderr that names every mistake, and exit code 2."""
    try:
        return kind(**_FROM_ENVIRONMENT)
    except ValidationError as error:
        print(explain(kind, error), file=sys.stderr)
        raise SystemExit(2) from None


def explain(kind: type[BaseSettings], error: ValidationError) -> str:
    """All mistakes as text, a line each with the variable's name and an example. Values are not repeated: they may be secrets."""
    lines = []
    for mistake in error.errors(include_input=False, include_url=False):
        name = str(mistake["loc"][0])
        variable = f"LEADFLOW_{name.upper()}"
        field = kind.model_fields.get(name)
        example = f" Example: {variable}={field.examples[0]}" if field is not None and field.examples else ""
        meaning = f" ({field.description})" if field is not None and field.description else ""
        what = (
            "is not set"
            if mistake["type"] == "missing"
            else f"is wrong: {mistake['msg'].removeprefix('Value error, ')}"
        )
        lines.append(f"{variable}{meaning} {what}.{example}")
    count = f"{len(lines)} setting{'s are' if len(lines) > 1 else ' is'} missing or wrong"
    return "\n  ".join([f"This service can't start, {count} (leads status --json shows the local stack's):", *lines])
