-- summary: The name that an id had at a moment; of an address without one, the smallest group that it lies in.
-- param: one TEXT -- an address, an account, or the id of an interface or of another resource
-- param: moment TIMESTAMP = NULL -- when (UTC); NULL for its newest name
CREATE OR REPLACE MACRO name_of(one, moment := NULL) AS
    coalesce(
        (
            SELECT arg_max(flowdb_name, coalesce(flowdb_first, TIMESTAMP '-infinity'))
            FROM flowdb_names AS flowdb_known (flowdb_kind, flowdb_id, flowdb_name, flowdb_first, flowdb_last, flowdb_source)
            WHERE flowdb_id = one
                AND (moment IS NULL OR flowdb_first IS NULL OR flowdb_first <= moment::TIMESTAMP)
                AND (moment IS NULL OR flowdb_last IS NULL OR flowdb_last >= moment::TIMESTAMP)
        ),
        (
            SELECT arg_min(flowdb_name, (-flowdb_bits, flowdb_name))
            FROM flowdb_groups AS flowdb_known (flowdb_name, flowdb_cidr, flowdb_source, flowdb_first, flowdb_last, flowdb_bits)
            WHERE ip_key(one) BETWEEN flowdb_first AND flowdb_last
        )
    );
