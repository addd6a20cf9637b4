-- Whether this store knew nothing of the number when it was claimed: set until what was decided before has been recalled, or there was nothing.
-- Outlives a crash in the middle of the claim, and tells whoever holds other numbers that this one is still to be read.
ALTER TABLE cursor ADD fresh boolean NOT NULL DEFAULT false;
