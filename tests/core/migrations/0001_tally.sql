CREATE TABLE tally (
    key text PRIMARY KEY, part int NOT NULL, total bigint NOT NULL CHECK (total >= 0), count int NOT NULL,
    rings int NOT NULL DEFAULT 0, due_at timestamptz
);
