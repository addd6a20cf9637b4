-- When the clock has to look at a lead's nurture next, in its row: a timer's row for each lead in a track cost as much again as the rest of it.
ALTER TABLE nurture ADD COLUMN due_at timestamptz;
UPDATE nurture SET due_at = timer.due_at FROM timer WHERE timer.lead_id = nurture.lead_id AND timer.kind = 'nurture';
DELETE FROM timer WHERE kind = 'nurture';
CREATE INDEX nurture_due ON nurture (part, due_at) WHERE due_at IS NOT NULL;
