-- summary: Whether hourly sums keep the destination port of a record, not the source port: it is the lower one, or the record was refused.
-- param: action TEXT -- the record's action
-- param: srcport INTEGER -- the record's source port
-- param: dstport INTEGER -- the record's destination port
CREATE OR REPLACE MACRO keeps_target(action, srcport, dstport) AS
    coalesce(upper(action) = 'REJECT', false) OR coalesce(dstport <= srcport, srcport IS NULL);
