-- summary: The port of the service in a flow: the lower one, as servers have lower ports than the ephemeral ones of their clients.
-- param: srcport INTEGER -- the flow's source port
-- param: dstport INTEGER -- the flow's destination port; where one of the two is NULL it is the other
CREATE OR REPLACE MACRO service_port(srcport, dstport) AS least(srcport, dstport);
