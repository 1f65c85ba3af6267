-- summary: Trino's contains: whether a list has a value, or a range an address.
-- param: holder ANY -- a list, or the text of a range of addresses
-- param: item ANY -- a value
CREATE OR REPLACE MACRO athena_contains(holder, item) AS
    CASE
        WHEN typeof(holder) LIKE '%[]' THEN athena_list_contains(TRY_CAST(holder AS VARCHAR[]), item::VARCHAR)
        ELSE in_cidr(item::VARCHAR, holder::VARCHAR)
    END;
