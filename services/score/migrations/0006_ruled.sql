-- The publication of a ruleset that a lead was brought through last (as its state has it), so that those who wait for their turn are found.
ALTER TABLE lead ADD COLUMN ruled bigint NOT NULL DEFAULT -1;
CREATE INDEX lead_ruled ON lead (part, ruled);
