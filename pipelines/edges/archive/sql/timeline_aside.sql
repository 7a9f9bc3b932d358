-- A month of the timeline that nobody sees yet; what an attempt before this one left is thrown away.
DROP TABLE IF EXISTS {aside};
CREATE TABLE {aside} (
    LIKE timeline INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    CONSTRAINT bound CHECK (recorded_at IS NOT NULL AND recorded_at >= '{begin}' AND recorded_at < '{end}')
);
