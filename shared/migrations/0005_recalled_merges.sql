-- Which merges and splits a command brought about is looked up by its time.
CREATE INDEX recalled_merges ON recalled (at) WHERE type IN ('lead.merged', 'lead.split');
