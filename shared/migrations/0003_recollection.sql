-- What a stage that must keep its own decisions has to know of each record that it recalls (Stage.recollect): which input it is about,
-- in which revision and version, and when that was decided.
ALTER TABLE recalled
    ADD about     uuid,
    ADD revision  int,
    ADD version   bigint,
    ADD withdrawn boolean,
    ADD at        timestamptz;
CREATE INDEX recalled_about ON recalled (about) WHERE about IS NOT NULL;
