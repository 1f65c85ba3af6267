-- summary: Trino's now: the moment at which the query began, UTC, to the millisecond.
CREATE OR REPLACE MACRO athena_now() AS
    date_trunc('millisecond', now() AT TIME ZONE 'UTC');
