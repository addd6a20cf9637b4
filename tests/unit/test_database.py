"""Whose fault a failure of Postgres is: the record's, the world's, or ours."""

from __future__ import annotations

import asyncpg
import pytest

from shared.database import is_rows_fault, is_worlds_fault


def an_error(sqlstate: str) -> asyncpg.PostgresError:
    return asyncpg.PostgresError.new({"C": sqlstate, "M": "x"})


@pytest.mark.parametrize("sqlstate", ["22001", "22021", "23505", "23514", "54000"])
def test_a_value_that_is_refused_is_the_records_fault(sqlstate: str) -> None:
    assert is_rows_fault(an_error(sqlstate))
    assert not is_worlds_fault(an_error(sqlstate))


@pytest.mark.parametrize(
    "sqlstate", ["40001", "40P01", "55P03", "57014", "57P01", "08006", "53100", "28P01", "0A000", "25006"]
)
def test_what_waiting_can_mend_is_the_worlds_fault(sqlstate: str) -> None:
    assert is_worlds_fault(an_error(sqlstate))
    assert not is_rows_fault(an_error(sqlstate))


@pytest.mark.parametrize("sqlstate", ["42703", "42501", "42P01"])
def test_a_schema_that_does_not_fit_is_neither_so_that_no_healthy_record_is_buried(sqlstate: str) -> None:
    assert not is_rows_fault(an_error(sqlstate))
    assert not is_worlds_fault(an_error(sqlstate))


def test_a_broken_connection_is_the_worlds_fault() -> None:
    assert is_worlds_fault(ConnectionResetError())
    assert is_worlds_fault(TimeoutError())
    assert is_worlds_fault(asyncpg.InternalClientError("x"))
