-- How many events each property with a quota had on a day (UTC).
CREATE TABLE usage (
    property text   NOT NULL,
    day      date   NOT NULL,
    events   bigint NOT NULL,
    PRIMARY KEY (property, day)
);
