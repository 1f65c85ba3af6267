-- summary: The columns of records that keys may stand for.
CREATE OR REPLACE MACRO known_keys() AS
    [
        'srcaddr', 'dstaddr', 'pkt_srcaddr', 'pkt_dstaddr', 'srcport', 'dstport', 'protocol', 'interface_id',
        'instance_id', 'subnet_id', 'vpc_id', 'az_id', 'account_id', 'region', 'pkt_src_aws_service',
        'pkt_dst_aws_service', 'action'
    ];
