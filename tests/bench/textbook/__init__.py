"""The stack that tutorials teach, with our domain in it: the measure that the benchmark's ratios are against. Not for production.

FastAPI with a pydantic model and one awaited send per event; one Faust worker with one agent per stage, which handles one event
at a time: one SELECT of what it knows of the lead, one INSERT (committed by itself), one send. Its tables only grow: each row
holds the lead as it was after one event, and the event's id as primary key, so that a repeat is noticed. The domain functions are
the services' own, and so are the contracts, the ruleset and the routing document.

What it leaves out, all in its favour: a visitor's history does not join (a lead is found by its strongest identifier alone),
nothing is fenced, pools and accounts are kept in the worker's memory, handovers are written without transactions, and
what is inserted but not sent when it dies is lost.
"""
