-- A split that makes a lead of its own of those who never were one is known by the activities that left then.
DROP INDEX recalled_merges;
CREATE INDEX recalled_rulings ON recalled (at) WHERE type IN ('lead.merged', 'lead.split') OR withdrawn;
