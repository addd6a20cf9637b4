"""In which order rows are locked."""

from __future__ import annotations

from tests.mutate.mutations.mutation import Mutation

LOCKS = "tests/integration/test_lock_order.py"
ROUTE = "tests/integration/test_route_store.py"
_IN_NO_ORDER = "ORDER BY random()"

LOCK_ORDER = (
    Mutation(
        "cursor rows are locked in no order",
        "shared/ownership.py",
        "ORDER BY topic FOR UPDATE",
        f"{_IN_NO_ORDER} FOR UPDATE",
        "two instances that claim one number break each other's claims",
        (LOCKS,),
    ),
    Mutation(
        "event ids are locked in no order",
        "services/enrich/migrations/0001_leads.sql",
        "FROM (SELECT DISTINCT hashtextextended(id::text, 1) AS h FROM unnest(wanted) AS id ORDER BY h) AS locks",
        "FROM (SELECT h FROM (SELECT DISTINCT hashtextextended(id::text, 1) AS h FROM unnest(wanted) AS id) AS d"
        f" {_IN_NO_ORDER}) AS locks",
        "two instances that meet the same events stand still for a second, again and again",
        (LOCKS,),
    ),
    Mutation(
        "identifiers are locked in no order",
        "services/enrich/migrations/0002_one_trip.sql",
        "FROM (SELECT DISTINCT hashtextextended(w, 2) AS h FROM unnest(wanted) AS w ORDER BY h) AS locks",
        "FROM (SELECT h FROM (SELECT DISTINCT hashtextextended(w, 2) AS h FROM unnest(wanted) AS w) AS d"
        f" {_IN_NO_ORDER}) AS locks",
        "two instances that meet the same people stand still for a second, again and again",
        (LOCKS,),
    ),
    Mutation(
        "leads are locked in no order",
        "services/enrich/migrations/0002_one_trip.sql",
        "ORDER BY l.lead_id FOR UPDATE",
        f"{_IN_NO_ORDER} FOR UPDATE",
        "two instances that meet the same leads stand still for a second, again and again",
        (LOCKS,),
    ),
    Mutation(
        "handovers are locked in no order",
        "services/route/store/batch/loading.py",
        "     ORDER BY handover_id\n       FOR UPDATE",
        f"     {_IN_NO_ORDER}\n       FOR UPDATE",
        "two numbers that touch the same handovers stand still for a second, again and again",
        (LOCKS,),
    ),
    Mutation(
        "route hands over without its gate",
        "services/route/store/batch/loading.py",
        "WITH gate AS MATERIALIZED (SELECT pg_advisory_xact_lock($4))",
        "WITH gate AS MATERIALIZED (SELECT $4::bigint)",
        "two numbers give one owner's turn away at the same moment: owners are treated unfairly, an account gets two",
        (ROUTE,),
    ),
)
