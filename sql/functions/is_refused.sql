-- summary: Whether a record tells of what was refused, in whatever case its action is.
-- param: action TEXT -- the record's action; NULL gives NULL
CREATE OR REPLACE MACRO is_refused(action) AS
    -- The range has every spelling, and prunes row groups.
    action BETWEEN 'REJECT' AND 'reject' AND upper(action) = 'REJECT';
