-- The clocks of a handover and what came of them; and when its owner accepted it and reached the lead, by what was said.
ALTER TABLE handover ADD COLUMN expired boolean NOT NULL DEFAULT false;            -- taken back since nobody accepted it
ALTER TABLE handover ADD COLUMN accept_by timestamptz;
ALTER TABLE handover ADD COLUMN contact_by timestamptz;
ALTER TABLE handover ADD COLUMN accept_escalated boolean NOT NULL DEFAULT false;
ALTER TABLE handover ADD COLUMN contact_escalated boolean NOT NULL DEFAULT false;
ALTER TABLE handover ADD COLUMN accepted_at timestamptz;
ALTER TABLE handover ADD COLUMN contacted_at timestamptz;
-- What an owner, and what a state has: for lists.
CREATE INDEX handover_owner ON handover (owner, created_at, handover_id);
