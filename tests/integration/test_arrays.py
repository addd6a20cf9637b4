"""Arrays as text on a real Postgres: it reads what was meant."""

from __future__ import annotations

import asyncpg

from shared import arrays


async def test_texts_and_numbers_as_arrays_in_text_are_what_they_were(store: str) -> None:
    connection = await asyncpg.connect(store)
    odd = ["", "NULL", "a,b", "{}", '"', '","', "\\", '\\"', " x ", "ü", "ü\n\t", "plain", "}{", "''"]
    for texts in ([], ["plain"], ["plain", "NULL"], odd, *([one] for one in odd)):
        assert await connection.fetchval("SELECT $1::text::text[]", arrays.texts(texts)) == texts
    numbers = [0, -1, 2**63 - 1]
    assert await connection.fetchval("SELECT $1::text::bigint[]", arrays.plain(numbers)) == numbers
    assert await connection.fetchval("SELECT $1::text::bigint[]", arrays.plain([])) == []
    await connection.close()
