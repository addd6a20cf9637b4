-- A member's place in its pool is base + (turns + 1/2) / weight, in 10^-9 shares (domain/pools.py). Members of before begin anew, level.
ALTER TABLE pool_member DROP COLUMN level;
ALTER TABLE pool_member ADD COLUMN base bigint NOT NULL DEFAULT 0;
ALTER TABLE pool_member ADD COLUMN turns bigint NOT NULL DEFAULT 0;
ALTER TABLE pool_member ADD COLUMN weight int NOT NULL DEFAULT 1;
ALTER TABLE pool_member ADD COLUMN is_out boolean NOT NULL DEFAULT true;

-- What each owner has to do: open handovers, and how much of the day's capacity is used (domain/capacity.py).
CREATE TABLE owner_load (
    owner text        PRIMARY KEY,
    open  int         NOT NULL,
    used  bigint      NOT NULL,
    at    timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO owner_load (owner, open, used, at)
SELECT owner, count(*), 0, '1970-01-01Z' FROM handover
 WHERE state IN ('offered', 'accepted', 'contacted', 'meeting', 'opportunity') GROUP BY owner;

-- A lead that waits is given to somebody by its last lead.scored, whenever that is. Those that wait since before are looked at with
-- their next record.
ALTER TABLE queue ADD COLUMN account text;
ALTER TABLE queue ADD COLUMN scored bytea NOT NULL DEFAULT '';
ALTER TABLE queue ALTER COLUMN scored SET STORAGE EXTERNAL;
