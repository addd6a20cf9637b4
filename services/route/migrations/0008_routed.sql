-- By which routing document the queue and the handovers of each number were looked at: another one concerns them anew.
CREATE TABLE routed (
    part    int  PRIMARY KEY,
    version text NOT NULL
);
