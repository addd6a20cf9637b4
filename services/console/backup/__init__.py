"""Backups of the services' stores: what is in one (`manifest`), making and restoring it with Postgres' own programs (`dumps`)."""
