"""Chaos: clients with a ledger, one seed that drives every fault there is, and a checker that says whether the promises held."""
