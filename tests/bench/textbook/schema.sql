-- One row for each event of a lead, with the lead as it was after it; `extra` is the activity (score) or the handover (route).
CREATE TABLE enrich (event_id text PRIMARY KEY, lead_id text NOT NULL, version bigint NOT NULL, lead bytea NOT NULL, extra bytea);
CREATE INDEX ON enrich (lead_id, version DESC);
CREATE TABLE score (event_id text PRIMARY KEY, lead_id text NOT NULL, version bigint NOT NULL, lead bytea NOT NULL, extra bytea);
CREATE INDEX ON score (lead_id, version DESC);
CREATE TABLE route (event_id text PRIMARY KEY, lead_id text NOT NULL, version bigint NOT NULL, lead bytea NOT NULL, extra bytea);
CREATE INDEX ON route (lead_id, version DESC);
