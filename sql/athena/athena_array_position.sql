-- summary: Trino's array_position: where a value is first in a list; 0 where it is not.
-- param: items ANY[] -- a list
-- param: item ANY -- a value
CREATE OR REPLACE MACRO athena_array_position(items, item) AS
    CASE WHEN items IS NOT NULL AND item IS NOT NULL THEN coalesce(list_position(items, item), 0) END;
