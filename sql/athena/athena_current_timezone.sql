-- summary: Trino's current_timezone, which here is always UTC.
CREATE OR REPLACE MACRO athena_current_timezone() AS
    'UTC';
