-- One row for each event of a lead, with the lead as it was after it.
CREATE TABLE enriched (event_id text PRIMARY KEY, lead_id text NOT NULL, version bigint NOT NULL, lead bytea NOT NULL);
CREATE INDEX ON enriched (lead_id, version DESC);
CREATE TABLE scored (event_id text PRIMARY KEY, lead_id text NOT NULL, version bigint NOT NULL, lead bytea NOT NULL, activity bytea NOT NULL);
CREATE INDEX ON scored (lead_id, version DESC);
CREATE TABLE routed (event_id text PRIMARY KEY, lead_id text NOT NULL, version bigint NOT NULL, lead bytea NOT NULL, handover bytea);
CREATE INDEX ON routed (lead_id, version DESC);
