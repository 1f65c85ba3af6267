"""The analyses as methods; generated from sql/ by docs/generate.py."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Generic, Literal, TypeVar

__all__ = ["Asking"]

_Answer = TypeVar("_Answer")

class Asking(Generic[_Answer]):
    def accepted_ports(self, direction: Literal['ingress', 'egress'] | str = 'ingress', ports: Iterable[int] | Path | None = None, addr: str | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Well-known ports, or given ones, that take accepted traffic at the interfaces, or to which they send it.

        direction: traffic that comes in, to ports of the interfaces, or goes out, to ports of others. One of: ingress, egress. Default: 'ingress'.
        ports: destination ports; NULL for the well-known ones, 0 to 1023. Whole numbers from 0 to 65535, such as [1, 6]. Default: none.
        addr: only traffic with an end in this range. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: port, protocol, service, interfaces, sources, targets, flows, packets, bytes, first_seen, last_seen.

        Needs: action, interface-id, srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: each interface logs one direction of a flow, so it counts once.
        An answer that is refused, a record of its own: an answer is not traffic to its client's port: by its SYN, else what comes from the lower port is an answer.
        A connection that is many records: summed.
        Records without traffic: left out.

        Counts: accepted records to the port; which way is told by flow_direction, else by the end that is the interface's own address; records that neither tells are left out; interfaces, sources and targets are distinct; protocols without ports, such as ICMP, are left out; where both ports are the same, as in NTP, both directions count.
        """
    def connection_check(self, source: str, target: str, port: int | None = None, protocol: int | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Whether connections from one address or range to another, and to a port, were accepted or refused, where and when, in both directions.

        source: who connects, an address or a range. Required.
        target: to whom, an address or a range. Required.
        port: the target's port; NULL for every one. A whole number from 0 to 65535. Default: none.
        protocol: the protocol's number, 6 TCP, 17 UDP; NULL for every one. A whole number from 0 to 255. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: direction, action, interface_id, protocol, port, service, flows, packets, bytes, first_seen, last_seen.

        Needs: action, srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: a row for each interface, so what was accepted at one and refused at the other is two rows.
        An answer that is refused, a record of its own: the answers are rows of their own: a request that was accepted and an answer that was refused is a network ACL's work, see diagnose_acl.
        A connection that is many records: summed.
        Records without traffic: left out.

        Counts: records from source to the target's port ('request') and from that port back ('answer'); if no port is given, connections from the target to the source are left out: requests are what does not come from the lower port, or has a SYN without ACK; where ranges overlap, a record that is both is a request.
        """
    def traffic_between(self, a: str, b: str, dedup: bool = True, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """All traffic between two addresses or ranges, by direction, protocol, service port and action.

        a: an address or a range. Required.
        b: the other address or range. Required.
        dedup: count a flow that several interfaces saw as often as the one that saw most of it. Default: True.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: direction, protocol, port, service, action, flows, packets, bytes, first_seen, last_seen.

        Needs: srcaddr, dstaddr.
        A conversation that both of its interfaces log: counted once: the highest of the interfaces' sums for each pair of addresses and ports, protocol and action; with dedup false, at both.
        Traffic that a NAT gateway logs again: what a NAT gateway logs has its own address, and is other traffic.
        An answer that is refused, a record of its own: an answer is traffic in the other direction, at the same port.
        A connection that is many records: summed.
        Records without traffic: left out.

        Counts: port is the lower one of a flow, the service's; where ranges overlap, a record that goes both ways is from a to b.
        """
    def traffic_of(self, addr: str, by: Literal['addr', 'peer', 'port', 'protocol', 'action'] | str = 'peer', dedup: bool = True, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """What an address or a range received and sent, by peer, service port, protocol, action or its own addresses.

        addr: an address or a range. Required.
        by: what to add up by; peer is the other end, addr the end in the range. One of, or two with a comma between: addr, peer, port, protocol, action. Default: 'peer'.
        dedup: count a flow that several interfaces saw as often as the one that saw most of it. Default: True.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: the key, flows_in, flows_out, packets_in, packets_out, bytes_in, bytes_out, peers, ports, first_seen, last_seen.

        Needs: srcaddr, dstaddr.
        A conversation that both of its interfaces log: counted once: the highest of the interfaces' sums for each pair of addresses and ports, protocol and action; with dedup false, at both.
        Traffic that a NAT gateway logs again: what a NAT gateway logs of the same traffic has its own address at one end, and is another peer's.
        Addresses that are the interface's primary one, not the packet's: srcaddr and dstaddr, so a secondary address has the traffic of the primary one.
        An answer that is refused, a record of its own: in and out are directions of packets, not who began.
        A connection that is many records: summed.
        Records without traffic: left out.

        Counts: records to (in) and from (out) the range, refused ones too, unless told apart by action; port is the lower one of a flow, the service's; traffic from the range to itself is out for its source and in for its destination; peers and ports are distinct.
        """
    def who_is(self, addr: str, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Which interfaces had an address as their own, and with it which instances, subnets, VPCs, zones and accounts, and when.

        addr: an address or a range. Required.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: addr, kind, interface_id, instance_id, subnet_id, vpc_id, az_id, region, account_id, flows, first_seen, last_seen.

        Needs: interface-id, srcaddr, dstaddr.
        A conversation that both of its interfaces log: an address is the interface's own that has it, never its peer's.
        Traffic that a NAT gateway logs again: what passes a NAT gateway is not its own: only an instance's interface has secondary addresses.
        Addresses that are the interface's primary one, not the packet's: both kinds: srcaddr and dstaddr show the primary one, pkt_srcaddr and pkt_dstaddr the secondary one of the packet.
        A connection that is many records: a connection counts once for each of its records.
        Records without traffic: left out.

        Counts: an interface's own address is the source of what goes out and the destination of what comes in, by flow_direction, else the address that is common to most of its records; if two are, it is the private one, else the one that is not another interface's own, else neither is; kind is 'primary', or 'secondary' where pkt_srcaddr or pkt_dstaddr has another private or IPv6 address at that end, such as a container's; flows are the records in which the interface had the address; fields that were not logged are empty.
        """
    def cross_az(self, region: str | None = None, per_gb: float | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 20, *, names: bool = False) -> _Answer:
        """Traffic between availability zones, each byte once, and what it costs.

        region: whose prices; NULL for those of the records' region, us-east-1 where they name none. Default: none.
        per_gb: dollars for a GB, which is paid at each of its two ends; NULL for the price table's. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only what this interface saw; zones of other addresses are then known from next-hop-az-id alone. Default: none.
        top: how many rows; NULL for every row. Default: 20.

        Columns: part, source_zone, destination_zone, srcaddr, dstaddr, flows, bytes, gb, dollars, share.

        Needs: srcaddr, dstaddr, az-id, bytes.
        A conversation that both of its interfaces log: the sender's record counts, the receiver's only where no sender's was logged; the other is in 'logged by the sender too'.
        Traffic that a NAT gateway logs again: the way from a client to a gateway in another zone counts, if the gateway's interface is logged too.
        Addresses that are the interface's primary one, not the packet's: of an instance the packet's address, so that containers are told apart.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: what was refused is a part of its own.
        Records without traffic: left out.

        Counts: an interface's own address is the source of what flow-direction calls egress and the destination of ingress, else the address that most of its records have; where two are equally common there is none; the zone of the other end is next-hop-az-id, else the az-id with which that address is logged as an interface's own; an address that is logged in two zones has none; 'between zones' has a row for each pair, and 'between regions' too; every other part is one row: 'unknown zone', 'same zone', 'public address' (the end without a zone is not private), 'logged by the sender too' and 'refused'; all rows together have the bytes of all records; dollars are for both directions, $0.01 out of one zone and $0.01 into the other; not everything that crosses zones is charged, such as what a load balancer sends on, and what crosses regions has other prices; a GB has 2^30 bytes; share is that of the bytes of all records; dollars come from the view prices, which CREATE OR REPLACE TEMP VIEW prices AS ... replaces for a session.
        """
    def egress(self, region: str | None = None, per_gb: float | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 20, *, names: bool = False) -> _Answer:
        """What leaves, by the way it takes, the AWS service it goes to and the region, and what the Internet's part costs.

        region: whose prices; NULL for those of the records' region, us-east-1 where they name none. Default: none.
        per_gb: dollars for a GB to the Internet; NULL for the price table's. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only what this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 20.

        Columns: path, aws_service, region, flows, bytes, gb, dollars, share.

        Needs: srcaddr, dstaddr, bytes.
        A conversation that both of its interfaces log: only what an interface sends counts, and what it receives is 'inbound'; where the log has neither flow-direction nor traffic-path, only from private to public addresses.
        Traffic that a NAT gateway logs again: what a client sends to a NAT gateway stays in the VPC by its traffic-path, and the gateway's leg to the Internet counts; without traffic-path a client's record gives way to the gateway's, if pkt-srcaddr and pkt-dstaddr tell, and is 'sent on by a NAT gateway'.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: what was refused is a row of its own.
        Records without traffic: left out.

        Counts: path is what traffic_path says, else 'public address' or 'private address' for the destination's kind; 'inbound', 'refused', 'sent on by a NAT gateway' and 'unknown direction' (no direction, and not from a private address) are the rest; all rows together have the bytes of all records; priced are the ways 'internet gateway', 'internet gateway or gateway endpoint' and 'public address', at the first tier and without the 100 GB a month that are free; what goes to an address of an AWS service is not, since that depends on the service and on its region, which no log has; a log without pkt-dst-aws-service has both in one; multicast and broadcast are 'private address'; what IPv6 hosts with addresses of the Internet send is 'unknown direction' where the log has neither flow-direction nor traffic-path; without traffic-path a transit gateway's interface counts again what it sends on to public addresses; a GB has 2^30 bytes; share is that of the bytes of all records; dollars come from the view prices, which CREATE OR REPLACE TEMP VIEW prices AS ... replaces for a session.
        """
    def gateway_endpoint_savings(self, region: str | None = None, per_gb: float | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 20, *, names: bool = False) -> _Answer:
        """Bytes of S3 and DynamoDB through NAT gateways, and the dollars that a gateway endpoint, which is free, would save.

        region: whose prices; NULL for those of the records' region, us-east-1 where they name none. Default: none.
        per_gb: dollars for a GB processed; NULL for the price table's. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only this interface, which is then taken for a NAT gateway's; NULL to find them. Default: none.
        top: how many rows; NULL for every row. Default: 20.

        Columns: part, aws_service, gateway, vpc_id, clients, flows, bytes_up, bytes_down, bytes, gb, dollars, share.

        Needs: pkt-srcaddr, pkt-dstaddr, pkt-dst-aws-service, bytes.
        A conversation that both of its interfaces log: only what the gateway's interface logs is looked at.
        Traffic that a NAT gateway logs again: the leg to the client alone counts.
        Addresses that are the interface's primary one, not the packet's: the service is that of the packets' address.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: what was refused was not processed.
        Records without traffic: left out.

        Counts: gateways are found, and bytes counted, as in nat_traffic; one row for each service, gateway and VPC; a destination is the service's if a packet to or from it says so, so pkt-src-aws-service adds what was only downloaded; 'other service' is what else NAT gateways processed; 'not processed' and 'elsewhere' are those of nat_traffic; with these rows, the last ones, the bytes add up to those of all records; share is that of all bytes processed; a GB has 2^30 bytes; an endpoint serves its own region alone, and no log says in which region an address of S3 is, so this is the most that it could save.
        """
    def nat_traffic(self, region: str | None = None, per_gb: float | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 20, *, names: bool = False) -> _Answer:
        """Who spends NAT gateway money, and on what: bytes that gateways processed by client and destination, in dollars.

        region: whose prices; NULL for those of the records' region, us-east-1 where they name none. Default: none.
        per_gb: dollars for a GB processed; NULL for the price table's. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only this interface, which is then taken for a NAT gateway's; NULL to find them. Default: none.
        top: how many rows; NULL for every row. Default: 20.

        Columns: part, gateway, client, destination, aws_service, flows, bytes_up, bytes_down, bytes, gb, dollars, share.

        Needs: pkt-srcaddr, pkt-dstaddr, bytes.
        A conversation that both of its interfaces log: only what the gateway's interface logs is looked at, so a client's own records are 'elsewhere'.
        Traffic that a NAT gateway logs again: the gateway logs the leg to the client and the leg to the destination; the first alone counts.
        Addresses that are the interface's primary one, not the packet's: clients and destinations are those of the packets.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: what was refused was not processed.
        Records without traffic: left out.

        Counts: a gateway's interface is one whose interface-type or resource-id says so, or one without an instance that takes a client's packets for somebody with whom it then exchanges packets as itself, as transit gateways and endpoints do not; a NAT instance is one too if the log has no instance-id; up is from the client and down is to it, and AWS charges for both; 'not processed' is everything else at these interfaces: the leg to the destination, what was refused, what the Internet sends unasked; 'elsewhere' is all other traffic; with these two, in the last rows, the bytes add up to those of all records; share is that of all bytes processed; a GB has 2^30 bytes; the hours of a gateway are not counted; dollars come from the view prices, which CREATE OR REPLACE TEMP VIEW prices AS ... replaces for a session, in Python and in a shell that opened the store read-only.
        """
    def ephemeral_ports(self, os: Literal['rfc6056', 'iana', 'freebsd', 'linux', 'linux-4.2', 'windows-xp', 'windows-server-2003', 'windows-vista', 'windows-server-2008', 'nat-gateway'] | str = 'linux', bucket: timedelta | str = '1 minute', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Per host, how many ports of the ephemeral range are in use at once, and how close that is to exhausting it.

        os: whose range, see ephemeral_ranges. One of: rfc6056, iana, freebsd, linux, linux-4.2, windows-xp, windows-server-2003, windows-vista, windows-server-2008, nat-gateway. Default: 'linux'.
        bucket: how long a port counts as in use; an aggregation window has 1 or 10 minutes. Default: '1 minute'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: addr, protocol, first_port, last_port, range_ports, ports_seen, ports_at_once, used_share, busiest, peers.

        Needs: srcport, dstport.
        A conversation that both of its interfaces log: a port counts once, however many interfaces and directions log it.
        A connection that is many records: a port counts once in a bucket.
        An answer that is refused, a record of its own: refused records are left out.
        Records without traffic: left out.

        Counts: a port is its host's ephemeral port when it is in the range, the other end has a lower one, and the flow was not refused; the two directions of a connection, and two interfaces that saw it, count once; a flow counts in the bucket in which it starts.
        """
    def ephemeral_to_ephemeral(self, os: Literal['rfc6056', 'iana', 'freebsd', 'linux', 'linux-4.2', 'windows-xp', 'windows-server-2003', 'windows-vista', 'windows-server-2008', 'nat-gateway'] | str = 'linux', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, top: int | None = 20, *, names: bool = False) -> _Answer:
        """Pairs that talk without either port being a service's: RPC, passive FTP, peer-to-peer, or trouble.

        os: whose range, see ephemeral_ranges. One of: rfc6056, iana, freebsd, linux, linux-4.2, windows-xp, windows-server-2003, windows-vista, windows-server-2008, nat-gateway. Default: 'linux'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        addr: only pairs of which an address lies there; NULL for all. Default: none.
        top: how many rows; NULL for every row. Default: 20.

        Columns: addr, peer, protocol, addr_ports, addr_port, peer_ports, peer_port, connections, flows, packets, bytes, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: the two directions are one row; flows, packets and bytes that two interfaces log count at both, unless interface_id names one; ports and connections count once.
        A connection that is many records: a connection is its two ports, however many records it has.
        An answer that is refused, a record of its own: refused records are left out.
        Records without traffic: left out.

        Counts: both ports are in the range; addr is the lower address of the two; addr_ports and peer_ports are how many ports were seen at each, addr_port and peer_port the one that most connections have, the lowest of several; one port at an end with many at the other is a server at a high port, such as one that RPC or passive FTP gave out.
        """
    def guess_os(self, minimum: int = 20, share: float = 0.95, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Which system a host has, by the range from which its own ports are as a client.

        minimum: fewer ports than this are too few to tell. Default: 20.
        share: how many of the ports have to be in a range, as a share. Default: 0.95.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        addr: only hosts of this range; NULL for all. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: addr, connections, ports, lowest_port, highest_port, os, inside_share.

        Needs: srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: a connection counts once, however many interfaces and directions log it.
        Traffic that a NAT gateway logs again: behind a gateway all clients are one, and the range is the gateway's.
        Addresses that are the interface's primary one, not the packet's: addresses are those of the packets where the log has them.
        A connection that is many records: a connection counts once.
        An answer that is refused, a record of its own: refused records count, for their port was taken all the same.
        Records without traffic: left out.

        Counts: a host is a client where its port is the higher one and 1024 or more; connections are distinct protocol, peer and ports, of TCP and UDP; os has the names of the smallest range of ephemeral_ranges in which so many of the distinct ports are, and of ranges that are larger by no more than a hundredth, such as those of two versions of Linux; it is 'unknown' if ports are fewer than minimum or no range fits; inside_share is that of the ports in this range; a guess, as systems can be set to another range.
        """
    def port_exhaustion(self, os: Literal['rfc6056', 'iana', 'freebsd', 'linux', 'linux-4.2', 'windows-xp', 'windows-server-2003', 'windows-vista', 'windows-server-2008', 'nat-gateway'] | str = 'linux', os_limit: int | None = None, nat_limit: int = 55000, threshold: float = 0.8, bucket: timedelta | str = '1 minute', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 20, *, names: bool = False) -> _Answer:
        """Who runs out of ports towards one destination: ports in use at once against those that there are.

        os: whose range, see ephemeral_ranges. One of: rfc6056, iana, freebsd, linux, linux-4.2, windows-xp, windows-server-2003, windows-vista, windows-server-2008, nat-gateway. Default: 'linux'.
        os_limit: how many ports a host has; NULL for those of the range. A whole number, 1 or more. Default: none.
        nat_limit: how many connections a NAT gateway has for each destination. A whole number, 1 or more. Default: 55000.
        threshold: from which share of the ports on. Default: 0.8.
        bucket: how long a port counts as in use; an aggregation window has 1 or 10 minutes. Default: '1 minute'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 20.

        Columns: addr, peer, port, protocol, limited_by, port_limit, ports_at_once, used_share, busiest, buckets, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: a port counts once, however many interfaces and directions log it.
        Traffic that a NAT gateway logs again: a gateway is held to its own limit if interface-type or resource-id names it, and every port from 1024 on counts for it; else it is taken for a host.
        Addresses that are the interface's primary one, not the packet's: addresses are those of the packets where the log has them.
        A connection that is many records: a port counts once in a bucket.
        An answer that is refused, a record of its own: refused records are left out.
        Records without traffic: left out.

        Counts: addr is the client, the end with the higher port, which for a host has to be in the range of os; a destination is peer, port and protocol; a flow counts in the bucket in which it starts; ports_at_once are those of the busiest bucket, the first of several; buckets are those at or above the threshold; limited_by is os, or 'NAT gateway'; ports of connections that were closed shortly before are still taken on a host, which no log shows.
        """
    def service_flows(self, os: Literal['rfc6056', 'iana', 'freebsd', 'linux', 'linux-4.2', 'windows-xp', 'windows-server-2003', 'windows-vista', 'windows-server-2008', 'nat-gateway'] | str = 'linux', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Which services talk: distinct interface, protocol, addresses and ports, with the ephemeral ports left out.

        os: whose range of ephemeral ports, see ephemeral_ranges. One of: rfc6056, iana, freebsd, linux, linux-4.2, windows-xp, windows-server-2003, windows-vista, windows-server-2008, nat-gateway. Default: 'linux'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: interface_id, protocol, srcaddr, srcport, dstaddr, dstport, action, flows, packets, bytes, first_seen, last_seen.

        Needs: srcaddr, dstaddr.
        A conversation that both of its interfaces log: one row for each direction at each interface.
        A connection that is many records: summed.
        Records without traffic: left out.

        Counts: one row for each direction at each interface; a port in the range is NULL.
        """
    def coverage(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, account_id: str | None = None, top: int | None = None, *, names: bool = False) -> _Answer:
        """What every interface logged in every hour: traffic, no traffic, skipped records, or no logs at all.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only this interface. Default: none.
        account_id: only this account. Default: none.
        top: how many rows; NULL for every row. Default: none.

        Columns: account_id, interface_id, hour, hours, state, records, nodata, skipdata, sources, late_sources, bad_lines.
        A conversation that both of its interfaces log: each interface has rows of its own.
        A connection that is many records: records that reach into several hours make all of them hours with logs.
        Records without traffic: counted as such.

        Counts: a row is one hour of an interface; 'no logs' is one row for all the hours (their number is hours) that lie without a record between two with records, so nothing is missing before the first and after the last hour that an interface has in the window; the state is 'traffic' if a record with traffic reaches into the hour, else 'skipped' if SKIPDATA does, else 'no traffic', which is NODATA alone; a record reaches from its start to its end, and one that ends on the full hour is over by then; it is counted once, as one of records, nodata or skipdata, in the hour of its start, or of its end if it has no start or they lie more than a day apart, so these add up to the records in flows, and all are 0 in an hour that records only reach into; a record without a status is NODATA if it has neither bytes nor a source; sources are those whose records reach into the hour, late_sources those of them that were delivered, as their name, else their folder, else their last change tells, more than an hour after it was over; bad_lines are the lines of these sources in quarantine, which may be of any of their hours and interfaces, stand at each, and so do not add up; sources of nothing but bad lines are 'unread', without account and interface, at the hour of their delivery, unless one interface or account is asked for; what was removed from the store is as if it never was logged, and transit gateways are left out; FROM coverage without parentheses is a view, the same over the whole store.
        """
    def duplicate_records(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Records that are in the store more than once, within one source and across sources, and what they count twice.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only this interface. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: part, scope, groups, records, repeated, repeated_bytes, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, start_time, end_time, packets, bytes, action, log_status.
        A conversation that both of its interfaces log: the two records of a conversation name two interfaces, so they are no duplicates.
        Traffic that a NAT gateway logs again: the records of a gateway's two legs differ, so they are no duplicates.
        Addresses that are the interface's primary one, not the packet's: records whose packets have other addresses, as those of two containers, are no duplicates.
        A connection that is many records: records of other windows have other times.
        Records without traffic: counted too, without bytes.

        Counts: records are the same if interface, addresses, ports, protocol, start, end, packets, bytes, action and status are, and none says that a packet's address is another; the first rows are sums, one for each scope, and then come the groups of the same records as examples, the most bytes first; repeated are the records of a group but one, repeated_bytes their bytes, empty where none has any; a group whose records come of several sources is 'across sources', even if one of these has several; two flow logs over one interface do that, if both were brought in.
        """
    def formats_seen(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = None, *, names: bool = False) -> _Answer:
        """The formats of records that were brought in: their fields, how many records have them, and in what they differ.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only this interface. Default: none.
        top: how many rows; NULL for every row. Default: none.

        Columns: fields, version, sources, records, first_seen, last_seen, only_here, missing, format.
        A conversation that both of its interfaces log: each record counts.
        A connection that is many records: each record counts.
        Records without traffic: records without traffic count like all others.

        Counts: a format is the list of a source's fields in their order, with spaces between; fields is their number, version the highest that a record names, and empty if none does; only_here are the fields that no other format here has, missing those that others have and this one has not, in the order of the alphabet; both are empty for a format without a list; sources without a record in the window, and transit gateways, are left out.
        """
    def late_records(self, by: Literal['hour', 'day', 'interface_id'] | str = 'hour', threshold: timedelta | str = '15 minutes', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """How late records came: the time from their end to their delivery.

        by: the hour or the day in which records end, or the interface. One of: hour, day, interface_id. Default: 'hour'.
        threshold: what came later than this is late. Default: '15 minutes'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only this interface. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: the key, records, late, late_share, median_seconds, p95_seconds, max_seconds.

        Needs: end.
        A conversation that both of its interfaces log: both records count, each is its interface's.
        A connection that is many records: each record counts.
        Records without traffic: records without traffic count like all others.

        Counts: the delivery is that of the record's source in the view sources: the time in its name, else its folder's day, else its last change, so the lateness of a source that AWS named is 5 minutes short at the most, and below 0 if a folder's midnight is all there is; a record without an end does not count; the median and the 95th percentile are the least number of seconds within which half of the records, or 95 %, had come.
        """
    def log_status(self, by: Literal['log_status', 'interface_id'] | str = 'log_status', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """How many records have traffic, have none, or stand for records that were skipped.

        by: over all records, or for each interface. One of: log_status, interface_id. Default: 'log_status'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only this interface. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: interface_id, log_status, records, share, packets, bytes, first_seen, last_seen.
        A conversation that both of its interfaces log: each interface has rows of its own, or all are taken together, where interface_id is empty.
        A connection that is many records: each record counts.
        Records without traffic: counted as such.

        Counts: 'absent' is a record whose log does not have the field, or has a hyphen there; share is that of the records of the interface, or of all; one SKIPDATA record can stand for many flows that were not captured.
        """
    def skipped_over_time(self, bucket: timedelta | str = '1 hour', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = None, *, names: bool = False) -> _Answer:
        """Records that were skipped, and those without traffic, over time.

        bucket: how long a row is. Default: '1 hour'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only this interface. Default: none.
        top: how many rows; NULL for every row. Default: none.

        Columns: moment, records, skipdata, nodata, skipdata_share, interfaces, interfaces_skipped.
        A conversation that both of its interfaces log: both records count, each is its interface's.
        A connection that is many records: each record counts.
        Records without traffic: counted as such.

        Counts: a row is a bucket with at least one record, which counts in the bucket of its start, or of its end if it has no start or they lie more than a day apart; records are all of them, skipdata and nodata among them; a record without a status is neither; one SKIPDATA record can stand for many flows that were not captured.
        """
    def accepted_after_reject(self, threshold: int = 10, addr: str | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Sources that a target refused often and later let in.

        threshold: the least number of refused attempts before. A whole number, 1 or more. Default: 10.
        addr: only where source or target is in this range. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: interface_id, srcaddr, dstaddr, dstport, protocol, service, refused_before, ports_before, first_refused, last_refused, first_accepted, flows, bytes.

        Needs: action, srcaddr, dstaddr, dstport.
        A conversation that both of its interfaces log: each interface for itself: what leaves the source's interface and is refused at the target's was not let in.
        An answer that is refused, a record of its own: an answer is neither an attempt nor let in: one that was refused is told by its SYN and ACK, one that was accepted also by its lower port.
        A connection that is many records: attempts are records; a record counts at its start.
        Records without traffic: left out.

        Counts: one row for each port that let the source in; refused_before are the refused records of the same two addresses at the same interface, at whichever port, that began before first_accepted, and ports_before is how many ports they tried; first_accepted is the first record to the port that began after the attempt that made the number reach threshold; flows and bytes are of it and the later ones.
        """
    def diagnose_acl(self, addr: str | None = None, verdict: Literal['any', 'network ACL', 'security group or network ACL', 'after the close'] | str = 'any', pause: timedelta | str = '10 minutes', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Whether a refused conversation was refused by a security group or by a network ACL, as far as its two directions tell.

        addr: only conversations with an end in this range. Default: none.
        verdict: only conversations with this verdict. One of: any, network ACL, security group or network ACL, after the close. Default: 'any'.
        pause: records with a longer pause between are another conversation, even if addresses and ports are the same. Default: '10 minutes'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: verdict, refused, direction, interface_id, protocol, client, client_port, server, server_port, attempts, packets, first_seen, last_seen, request_accepted.

        Needs: action, interface-id, srcaddr, dstaddr, srcport, dstport, start.
        A conversation that both of its interfaces log: each interface for itself, as each has security groups of its own: an answer that another interface refuses says nothing of this one's network ACL.
        An answer that is refused, a record of its own: what this is about: security groups let every answer through, so one that is refused was refused by a network ACL.
        A connection that is many records: all records of a conversation are taken together.
        Records without traffic: left out.

        Counts: one row for each conversation at an interface with a refused record: refused tells whether it was the request or the answer, direction whether that came in or went out (empty where the interface's own address, see who_is, is not known); attempts, packets, first_seen and last_seen are those of its refused records; if both were refused it is the answer where a request was accepted, else the request; request_accepted is when the first accepted request began; 'network ACL': the request was accepted and its answer refused; 'security group or network ACL': the request was refused, or an answer whose request is not there; 'after the close': TCP packets without a SYN that were refused after both directions had been accepted, and none was later; AWS logs as refused what arrives after the connection was closed, and no rule is to blame; the request is the direction of the first SYN without ACK, or against that of SYN and ACK, in tcp_flags; else that from the range of ephemeral ports (32768 and above) to a well-known port or one in services; else that of the earlier start; if they are the same, that from the higher port; if the ports are the same, as in ICMP, that which was accepted; without tcp_flags a new connection from the same ports, refused, looks like what came after the close.
        """
    def port_probes(self, ports: Iterable[int] | Path | None = [22, 3389, 3306, 5432], threshold: int | None = 100, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Sources that were refused often at ports that attackers try, such as those of SSH, RDP and databases.

        ports: destination ports; NULL for every port. Whole numbers from 0 to 65535, such as [1, 6]. Default: (22, 3389, 3306, 5432).
        threshold: the least number of refused attempts; NULL for 1. Default: 100.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: srcaddr, attempts, ports, targets, packets, bytes, first_seen, last_seen.

        Needs: action, srcaddr, dstport.
        A conversation that both of its interfaces log: an attempt that two interfaces refuse counts at both, unless interface_id names one.
        An answer that is refused, a record of its own: an answer of a server (SYN and ACK) that was refused is no attempt, where tcp_flags tell; other refused answers count if they go to one of the ports.
        A connection that is many records: attempts are records, of which a long one is several.
        Records without traffic: left out.

        Counts: attempts are refused records to one of the ports, of all ports and targets together; ports is the list of those that were tried; targets are distinct addresses.
        """
    def rejected_ports(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Destination ports that were refused most often.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: dstport, protocol, service, attempts, sources, targets, packets, bytes, first_seen, last_seen.

        Needs: action, dstport.
        A conversation that both of its interfaces log: an attempt that two interfaces refuse counts at both, unless interface_id names one.
        An answer that is refused, a record of its own: a refused answer counts at the port that it goes to, which is its client's.
        A connection that is many records: attempts are records, of which a long one is several.
        Records without traffic: left out.

        Counts: attempts are records, so a try that lasts longer than a window counts again in the next; sources and targets are distinct addresses; the same port of two protocols is two rows; protocols without ports, such as ICMP, have port 0.
        """
    def rejected_sources(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Sources whose traffic was refused most often.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: srcaddr, attempts, packets, bytes, ports, targets, first_seen, last_seen.

        Needs: action, srcaddr.
        A conversation that both of its interfaces log: an attempt that two interfaces log counts at both, unless interface_id names one.
        An answer that is refused, a record of its own: a refused answer counts for the one who answered.
        A connection that is many records: attempts are records, of which a long one is several.
        Records without traffic: left out.

        Counts: attempts are records, so a try that lasts longer than a window counts again in the next; ports and targets are distinct destinations.
        """
    def rejects(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Refused flows, newest first, with the day of the week.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: start_time, end_time, day_of_week, interface_id, srcaddr, srcport, dstaddr, dstport, protocol, packets, bytes.

        Needs: action.
        A conversation that both of its interfaces log: both rows are shown, each with its interface.
        An answer that is refused, a record of its own: a refused answer is a row of its own, in the other direction.
        A connection that is many records: one row for each record.
        Records without traffic: left out.

        Counts: one row for each record; a refused answer is a row of its own, in the other direction.
        """
    def rejects_by(self, by: Literal['interface_id', 'subnet_id', 'instance_id', 'vpc_id', 'account_id', 'reject_reason', 'srcaddr', 'dstaddr', 'dstport', 'protocol'] | str = 'interface_id', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Refused records by interface, subnet, instance, VPC, account, reason, address, port or protocol, and how much of each one's own was refused.

        by: what to add up by; two keys are two columns, in the order that flows has them. One of, or two with a comma between: interface_id, subnet_id, instance_id, vpc_id, account_id, reject_reason, srcaddr, dstaddr, dstport, protocol. Default: 'interface_id'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: the key, attempts, share, flows, refused_share, packets, bytes, first_seen, last_seen.

        Needs: action.
        A conversation that both of its interfaces log: only the interface that refuses has a refused record; what was accepted at one end and refused at the other is in flows twice, unless interface_id names one.
        An answer that is refused, a record of its own: a refused answer counts for the one who answered.
        A connection that is many records: attempts and flows are records, of which a long one is several.
        Records without traffic: left out.

        Counts: attempts are the refused records of the key, share is theirs of all that were refused; flows are all records of the key, and refused_share is the part of them that was refused; packets, bytes and times are those of the refused records; a key that was not logged is empty.
        """
    def rejects_over_time(self, bucket: timedelta | str = '1 hour', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = None, *, names: bool = False) -> _Answer:
        """How many records were accepted and how many refused, over time.

        bucket: how long a row's time is. Default: '1 hour'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: none.

        Columns: moment, accepted, refused, refused_share.

        Needs: action.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        An answer that is refused, a record of its own: a refused answer is a refused record.
        A connection that is many records: a connection counts once for each of its records, at its start.
        Records without traffic: left out.

        Counts: records that begin in the time; one without a start counts at its end, else at midnight of its date; times without a record between the first and the last have 0, and no share.
        """
    def unanswered(self, threshold: int = 1, with_refused: bool = False, addr: str | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """TCP connections that a client began and no server answered.

        threshold: the least number of connections without an answer. Default: 1.
        with_refused: also count connections that were refused. Default: False.
        addr: only where client or server is in this range. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: srcaddr, dstaddr, dstport, service, unanswered, refused, answered, packets, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport, tcp-flags.
        A conversation that both of its interfaces log: a connection counts once, however many interfaces log it, and is answered if one of them saw it; its packets are those of the interface that saw most.
        An answer that is refused, a record of its own: an answer that was refused on its way is an answer all the same: see diagnose_acl.
        A connection that is many records: a connection of many records counts once.
        Records without traffic: left out.

        Counts: a connection is a pair of addresses and ports with a SYN (flags & 18 = 2) from the client, answered by SYN and ACK (flags & 18 = 18) the other way, whenever in the window of time; so one that begins with the last record, or uses its ports twice and is answered once, is told wrong; unanswered are the connections without an answer, refused those of them with a refused record, which count only with with_refused; answered are the connections of the same client to the same port that had one.
        """
    def admin_ports(self, ports: Iterable[int] | Path | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Who uses ports of administration: remote shells and desktops, control panels, container and cluster managers.

        ports: the ports; NULL for the group 'admin' in port_groups. Whole numbers from 0 to 65535, such as [1, 6]. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: srcaddr, dstaddr, dstport, protocol, service, flows, accepted, rejected, packets, bytes, bytes_back, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        Traffic that a NAT gateway logs again: a connection through a NAT gateway or a load balancer is that of the client with it, and its own with the service.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: an answer is not a row: its bytes are bytes_back of the row of its request, where it was logged.
        Records without traffic: left out.

        Counts: a row is a client, a server and its port, and counts the records from the client to the port, refused ones too; flows is all of them, also those without an action; the client is the end that sent SYN without ACK, else the one whose port is neither asked for nor in services, else the one with the higher port.
        """
    def beacons(self, contacts: int = 20, min_score: float = 0.85, window_seconds: int | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Pairs that are in contact again and again at the same interval, with a score from 0 to 1 and its parts.

        contacts: how many contacts there have to be. A whole number, 3 or more. Default: 20.
        min_score: the lowest score of a beacon. Default: 0.85.
        window_seconds: the longest that a record lasts; NULL for the longest at the pair's interface, from 60 to 600. A whole number from 1 to 86400. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: srcaddr, dstaddr, dstport, protocol, contacts, score, interval_score, size_score, duration_score, coverage_score, period_seconds, window_seconds, remark, bytes, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport, start, end.
        A conversation that both of its interfaces log: of a pair only the interface that logged most of it counts.
        Traffic that a NAT gateway logs again: a pair is the addresses as they were logged: a host and its peer, and a NAT gateway and that peer.
        A connection that is many records: a connection that goes on is a record in each window, at the windows' own interval; a period under three windows may be that, and is not scored.
        An answer that is refused, a record of its own: answers are no contacts.
        Records without traffic: left out.

        Counts: a contact is one second in which records of a source, a destination, its port and its protocol start; what has no ports, such as ICMP, or equal ones counts in both directions; interval_score is the regularity of the seconds from one contact to the next, size_score that of the bytes of the contacts; duration_score is the part of the time between the first and the last record of all that lies between the pair's first and last; coverage_score is the part of the pair's time that contacts at the period account for; score is the mean of the four; period_seconds is the median from one contact to the next; a pair whose period is under three windows has no score, but is a row at the end if it would have reached min_score.
        """
    def database_ports(self, ports: Iterable[int] | Path | None = None, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Who talks with databases and caches, or was refused.

        ports: the ports; NULL for the group 'database' in port_groups. Whole numbers from 0 to 65535, such as [1, 6]. Default: none.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: srcaddr, dstaddr, dstport, protocol, service, flows, accepted, rejected, packets, bytes, bytes_back, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        Traffic that a NAT gateway logs again: a connection through a NAT gateway or a load balancer is that of the client with it, and its own with the service.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: an answer is not a row: its bytes are bytes_back of the row of its request, where it was logged.
        Records without traffic: left out.

        Counts: a row is a client, a server and its port, and counts the records from the client to the port, refused ones too; flows is all of them, also those without an action; the client is the end that sent SYN without ACK, else the one whose port is neither asked for nor in services, else the one with the higher port.
        """
    def exfiltration(self, days: int = 14, factor: float = 3, min_bytes: int = 104857600, min_days: int = 3, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Days on which a host of one's own sent far more to public addresses than on its own days before.

        days: how many days before each day it is compared with. A whole number from 1 to 36500. Default: 14.
        factor: how many times the average of these days is far more. Default: 3.
        min_bytes: how many bytes a day are worth telling. Default: 104857600.
        min_days: on how many of the days before the host has to have been seen. Default: 3.
        since: first day to judge, from its midnight on. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: day, srcaddr, bytes, average_bytes, times_average, days_before, destinations, top_dstaddr, top_bytes, top_share.

        Needs: srcaddr, dstaddr, bytes.
        A conversation that both of its interfaces log: of a host and a day only the interface that logged most counts, so that another one on the way adds nothing.
        Traffic that a NAT gateway logs again: a NAT gateway is a host too, that sends what all behind it send; interface_id of its interface, or leaving out its address, tells them apart.
        Addresses that are the interface's primary one, not the packet's: a host is the primary address of its interface.
        A connection that is many records: summed by day.
        An answer that is refused, a record of its own: what was refused was not sent, and does not count; the answers of a server do, as they take data out as well.
        Records without traffic: left out.

        Counts: days are those of UTC; the average is over the days before on which the host sent anything to anybody, days_before, and one without traffic to public addresses is 0 in it; times_average is NULL where the average is 0; without since every day is judged against the days before it; a host is a private address, or an IPv6 address that is an interface's own (see who_is); all others are public; top_dstaddr is the public address that got most, top_bytes what it got.
        """
    def fan_out(self, destinations: int = 50, ports: int = 20, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Sources that reach unusually many destinations, or unusually many ports.

        destinations: how many destinations are many. A whole number, 1 or more. Default: 50.
        ports: how many ports are many. A whole number, 1 or more. Default: 20.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: srcaddr, destinations, ports, flows, rejected, packets, bytes, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: destinations and ports count once, however many interfaces log them; flows, packets and bytes count at both.
        Traffic that a NAT gateway logs again: what lies behind a NAT gateway is at its own interfaces each source by itself, and beyond it one source.
        A connection that is many records: destinations and ports count once, however many records they have.
        An answer that is refused, a record of its own: the answers of a server do not count.
        Records without traffic: left out.

        Counts: destinations are distinct addresses that the source sent requests to, ports the distinct ports of these requests, of all destinations together, accepted or refused; a source is a row if it has as many of either; a request has SYN without ACK in its flags; without SYN it goes from an ephemeral port to a well-known one, else from a port that is not in services to one that is, else to the lower port; what has no ports, such as ICMP, has equal ones, or has two of the range of ephemeral ports and no SYN in its flags, does not count.
        """
    def first_seen(self, by: Literal['peer', 'port', 'host', 'protocol', 'interface_id'] | str = 'peer', days: int = 14, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Peers, ports, hosts or protocols that were never seen in the days before.

        by: what is new, by itself or as a pair of two. One of, or two with a comma between: peer, port, host, protocol, interface_id. Default: 'peer'.
        days: how many days before it must not have been seen. A whole number from 1 to 36500. Default: 14.
        since: first moment, included; NULL for the newest day of the store. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: the key, flows, packets, bytes, days_before, first_seen, last_seen.

        Needs: srcaddr, dstaddr.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: what was refused does not count, neither as new nor as seen; an answer has the same host, peer and port as its request.
        Records without traffic: left out.

        Counts: of a private and a public address the private one is the host and the public one the peer; of two of the same kind the host is the one that asks, and where that cannot be told, each in turn; port is that of the service, see is_request; what has two ephemeral ports and no SYN in its flags has none, and is left out by port; days_before is how many of the days before have records; if none has, nothing can be new, and there is no row.
        """
    def in_list(self, cidrs: Iterable[str] | Path, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Traffic with addresses of a list, such as one of known attackers: which entry, which address, and who talked with it.

        cidrs: the list: addresses and ranges. Required.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: cidr, addr, peer, flows, accepted, rejected, packets, bytes_sent, bytes_received, first_seen, last_seen.

        Needs: srcaddr, dstaddr.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        Traffic that a NAT gateway logs again: a listed address that a NAT gateway talks with is also a peer of who is behind it.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: both directions are one row; a refused answer is one of its rejected flows.
        Records without traffic: left out.

        Counts: an address is that of the entry with the most bits in which it lies, of equal ones the last as text, so that every flow counts once for it; a flow between two listed addresses is in the rows of both; bytes_sent were sent by the listed address, bytes_received by its peer; an entry is of either family, in any textual form, without a length one address, and NULL is none.
        """
    def outside_hours(self, by: Literal['pair', 'srcaddr', 'dstaddr', 'dstport', 'protocol', 'interface_id'] | str = 'pair', from_hour: int = 8, to_hour: int = 18, weekdays: Iterable[int] | Path = [1, 2, 3, 4, 5], utc_offset: str = '+00:00', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Traffic outside of working hours: at night and at weekends.

        by: what to add up by; two keys are two columns, in the order that flows has them. One of, or two with a comma between: pair, srcaddr, dstaddr, dstport, protocol, interface_id. Default: 'pair'.
        from_hour: the hour at which work begins. A whole number from 0 to 23. Default: 8.
        to_hour: the hour at which it ends; before from_hour, it ends on the next day. A whole number from 0 to 24. Default: 18.
        weekdays: the days of work, 1 for Monday to 7 for Sunday. Whole numbers from 1 to 7, such as [1, 6]. Default: (1, 2, 3, 4, 5).
        utc_offset: hours and minutes from UTC to the clock of work. Default: '+00:00'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: the key, flows, accepted, rejected, packets, bytes, outside_share, first_seen, last_seen.

        Needs: start, srcaddr, dstaddr.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        A connection that is many records: a record counts at its start.
        An answer that is refused, a record of its own: an answer is traffic of its own, in the other direction.
        Records without traffic: left out.

        Counts: flows, packets and bytes are those outside of hours; outside_share is their part of all bytes of the key; a day of work is that of the clock when a record starts, after midnight the new one; utc_offset holds for the whole window, so that where the clock changes in summer a window of each half of the year needs its own.
        """
    def port_scan(self, ports: int = 20, targets: int = 20, share: float = 0.5, bucket: timedelta | str = '1 day', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Sources that scan: many ports of one target, one port of many targets, or either slowly, over days.

        ports: how many ports of one target make a vertical scan. A whole number, 1 or more. Default: 20.
        targets: how many targets of one port make a horizontal scan. A whole number, 1 or more. Default: 20.
        share: which share of what was tried has to be refused, or SYN alone. Default: 0.5.
        bucket: a scan is slow if it lasts longer, and if as many ports or targets never were tried in one. Default: '1 day'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: kind, srcaddr, protocol, dstaddr, dstport, tried, tried_at_once, flows, refused_share, syn_only_share, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport, action.
        A conversation that both of its interfaces log: a port of a target counts once, however many interfaces log it; flows counts at both.
        Traffic that a NAT gateway logs again: sources behind a NAT gateway are one source, the gateway, at what lies beyond it.
        A connection that is many records: a port of a target counts once, however many records it has.
        An answer that is refused, a record of its own: answers, refused ones too, are no tries, and a busy server is no scanner.
        Records without traffic: left out.

        Counts: the kind is 'vertical', 'horizontal', 'slow vertical' or 'slow horizontal'; dstaddr is the target of a vertical scan, dstport the port of a horizontal one, and the other is NULL; tried is how many ports of the target, or targets of the port, the source sent requests to, and tried_at_once the most of them in one bucket; refused_share is the share of tried whose records all were refused; syn_only_share is the share whose records all have SYN without ACK, FIN and RST, that is, never more than the beginning of a connection, and NULL without tcp-flags; one of the two has to reach share; health checks and other connections that are accepted end with FIN or RST, and are neither; without tcp-flags it is the ports that tell what is a request, so a scan from a well-known source port is missed, and of one from an ephemeral port the ports from 32768 on are not counted; ICMP has no ports, counts in both directions, and makes a horizontal scan of port 0.
        """
    def public_exposure(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Hosts of one's own that accepted traffic from public addresses, and at which port.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: dstaddr, dstport, protocol, service, sources, flows, packets, bytes, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport, action.
        A conversation that both of its interfaces log: a public address has no interface that logs; a load balancer's is a private host.
        Traffic that a NAT gateway logs again: the answers that a NAT gateway gets are answers.
        Addresses that are the interface's primary one, not the packet's: a host is the primary address of its interface.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: the answers to a host's own connections do not count.
        Records without traffic: left out.

        Counts: what was accepted by security groups and network ACLs and went from an address that is not private to a port of one that is, or that is an interface's own IPv6 address (see who_is); whether anything listens there the logs do not tell; an answer has SYN and ACK in its flags; without SYN it comes from a well-known port to an ephemeral one, else from a port in services to one that is not, else from the lower port; what has no ports, such as ICMP, has equal ones, or has two of the range of ephemeral ports and no SYN in its flags, may be one and does not count.
        """
    def ssh_rdp(self, ports: Iterable[int] | Path = [22, 3389], since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Who uses SSH and remote desktop, or was refused.

        ports: the ports. Whole numbers from 0 to 65535, such as [1, 6]. Default: (22, 3389).
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: srcaddr, dstaddr, dstport, protocol, service, flows, accepted, rejected, packets, bytes, bytes_back, first_seen, last_seen.

        Needs: srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        Traffic that a NAT gateway logs again: a connection through a NAT gateway or a load balancer is that of the client with it, and its own with the service.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: an answer is not a row: its bytes are bytes_back of the row of its request, where it was logged.
        Records without traffic: left out.

        Counts: a row is a client, a server and its port, and counts the records from the client to the port, refused ones too; flows is all of them, also those without an action; the client is the end that sent SYN without ACK, else the one whose port is neither asked for nor in services, else the one with the higher port.
        """
    def unencrypted(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Traffic that went in clear, by source, destination and port, and its share.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: srcaddr, dstaddr, port, protocol, service, flows, clear_bytes, encrypted_bytes, unknown_bytes, clear_share, first_seen, last_seen.

        Needs: encryption-status, srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        A connection that is many records: summed.
        An answer that is refused, a record of its own: an answer is traffic in the other direction, and a row of its own with the same port.
        Records without traffic: left out.

        Counts: port is service_port, the lower one of the two; a row has records in clear, and flows, first_seen and last_seen are theirs; clear is the status 0; encrypted are 1 (Nitro), 2 (the application) and 3 (both); of what has no status nothing is known, and clear_share is that of the bytes of which something is.
        """
    def unusual_protocols(self, protocols: Iterable[int] | Path = [6, 17, 1, 58], since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Traffic of other protocols than the usual ones, TCP, UDP, ICMP and ICMPv6.

        protocols: the numbers of the usual protocols. Whole numbers from 0 to 255, such as [1, 6]. Default: (6, 17, 1, 58).
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: protocol, name, srcaddr, dstaddr, flows, accepted, rejected, packets, bytes, first_seen, last_seen.

        Needs: protocol, srcaddr, dstaddr.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        A connection that is many records: summed.
        Records without traffic: left out.

        Counts: a row is a protocol and a direction between two addresses; records without a protocol do not count.
        """
    def bursts(self, by: Literal['srcaddr', 'dstaddr', 'pair', 'pkt_srcaddr', 'pkt_dstaddr', 'pkt_pair', 'srcport', 'dstport', 'protocol', 'interface_id', 'instance_id', 'subnet_id', 'vpc_id', 'az_id', 'account_id', 'region', 'pkt_src_aws_service', 'pkt_dst_aws_service', 'action'] | str = 'srcaddr', bucket: timedelta | str = '5 minutes', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """The rate of each key over time: mean, 95th percentile, peak, and when that was.

        by: what to add up by; two keys are two columns, in the order that flows has them. One of, or two with a comma between: srcaddr, dstaddr, pair, pkt_srcaddr, pkt_dstaddr, pkt_pair, srcport, dstport, protocol, interface_id, instance_id, subnet_id, vpc_id, az_id, account_id, region, pkt_src_aws_service, pkt_dst_aws_service, action. Default: 'srcaddr'.
        bucket: over how long a rate is taken. Default: '5 minutes'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        addr: only flows of which an end lies in it. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: the key, bytes, busy_buckets, buckets, mean_bps, p95_bps, peak_bps, peak_at, peak_to_mean.

        Needs: start, bytes.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        A connection that is many records: a record counts in proportion to its time in each bucket.
        Records without traffic: left out; a bucket without traffic counts with a rate of 0.

        Counts: buckets are all those from the first to the last with any traffic in the window; rates are bits per second; the 95th percentile is the rate that 95 of 100 buckets do not exceed, as carriers bill.
        """
    def compare_periods(self, by: Literal['srcaddr', 'dstaddr', 'pair', 'pkt_srcaddr', 'pkt_dstaddr', 'pkt_pair', 'srcport', 'dstport', 'protocol', 'interface_id', 'instance_id', 'subnet_id', 'vpc_id', 'az_id', 'account_id', 'region', 'pkt_src_aws_service', 'pkt_dst_aws_service', 'action'] | str = 'srcaddr', metric: Literal['bytes', 'packets', 'flows'] | str = 'bytes', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """This period beside the one before it, of the same length: what grew, what is new, what is gone.

        by: what to add up by; two keys are two columns, in the order that flows has them. One of, or two with a comma between: srcaddr, dstaddr, pair, pkt_srcaddr, pkt_dstaddr, pkt_pair, srcport, dstport, protocol, interface_id, instance_id, subnet_id, vpc_id, az_id, account_id, region, pkt_src_aws_service, pkt_dst_aws_service, action. Default: 'srcaddr'.
        metric: what to compare. One of: bytes, packets, flows. Default: 'bytes'.
        since: first moment of this period, included; NULL for a day before its end. Default: none.
        until: last moment of this period, excluded; NULL for the end of the newest date. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        addr: only flows of which an end lies in it. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: the key, before, after, change, change_share, state.
        A conversation that both of its interfaces log: counted at both in both periods, unless interface_id names one.
        A connection that is many records: summed; a record counts in the period of its start.
        Records without traffic: left out.

        Counts: before and after are sums of the metric; change_share is the change as a share of before, NULL for what is new; state is 'more', 'less', 'same', 'new' or 'gone'; those that changed most come first.
        """
    def conversations(self, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Every connection as one row: who asked whom, what went each way, where it was seen.

        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only what this interface saw. Default: none.
        addr: only those of which an end lies in it. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: client, client_port, server, server_port, protocol, action, bytes_to_server, bytes_to_client, packets_to_server, packets_to_client, flows, first_seen, last_seen, seconds, interfaces, nat_addr, client_by.

        Needs: srcaddr, dstaddr, srcport, dstport.
        A conversation that both of its interfaces log: one row: of what several interfaces logged of one direction the largest sum counts, so each byte counts once.
        Traffic that a NAT gateway logs again: one row, where logs have pkt_srcaddr and pkt_dstaddr: what a gateway logs between itself and the outside is left out if it logged the same between a client and the outside.
        Addresses that are the interface's primary one, not the packet's: the ends are those of the packets, where logs have them.
        A connection that is many records: summed; a port that is used again for the same server is the same connection.
        An answer that is refused, a record of its own: a refused answer makes the action 'mixed'.
        Records without traffic: left out.

        Counts: nat_addr is an address that stood for the one of the packet at some interface: of a NAT gateway, of the host of a pod; of several the one that sorts last; flows are records, of all interfaces; action is ACCEPT, REJECT or mixed, which is both; interfaces are those that logged it; last_seen is the last end; records without ports are one connection for each pair of addresses and protocol; client_by says how the client was told: 'SYN', as it sent the first packet of a TCP connection or was sent its answer; 'ephemeral port', as one of the ports is in services, well known or not ephemeral, the other not, and it is the client's by is_request; 'first seen', or alone; 'higher port'; 'address', which sorts last; two flow logs that watch one interface count twice.
        """
    def large_transfers(self, threshold: int = 1073741824, since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, top: int | None = 100, *, names: bool = False) -> _Answer:
        """Pairs of hosts between which more than a threshold was carried.

        threshold: bytes in both directions together; 1 GiB. Default: 1073741824.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        addr: only pairs of which an end lies in it. Default: none.
        top: how many rows; NULL for every row. Default: 100.

        Columns: addr_a, addr_b, bytes, bytes_a_to_b, bytes_b_to_a, packets, connections, first_seen, last_seen.

        Needs: srcaddr, dstaddr, bytes.
        A conversation that both of its interfaces log: once: of what several interfaces logged of one direction of a connection the largest sum counts.
        Traffic that a NAT gateway logs again: the private leg is a pair of the packets' own addresses, where logs have them; the gateway's own leg is a pair of its own.
        Addresses that are the interface's primary one, not the packet's: the ends are those of the packets, where logs have them.
        A connection that is many records: summed, so that a transfer counts however many records it is.
        Records without traffic: left out.

        Counts: addr_a is the one of the two that sorts first, as text; last_seen is the last end; connections are distinct protocols and pairs of ports; refused traffic counts too.
        """
    def long_flows(self, minimum: timedelta | str = '1 hour', pause: timedelta | str = '15 minutes', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Connections that lasted longest without a pause.

        minimum: how long a connection lasts at least. Default: '1 hour'.
        pause: after how long without a record it is another one, whose ports are used again. Default: '15 minutes'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        addr: only flows of which an end lies in it. Default: none.
        top: how many rows; NULL for every row. Default: 10.

        Columns: srcaddr, srcport, dstaddr, dstport, protocol, seconds, first_seen, last_seen, packets, bytes, flows.

        Needs: srcaddr, dstaddr, start.
        A conversation that both of its interfaces log: once: of what several interfaces logged the largest sum counts.
        Traffic that a NAT gateway logs again: the private leg is a row of the packets' own addresses, where logs have them; the gateway's own leg is another.
        Addresses that are the interface's primary one, not the packet's: the ends are those of the packets, where logs have them.
        A connection that is many records: records of one direction with no longer pause between them are one connection.
        Records without traffic: left out.

        Counts: one row for each direction; portless protocols are one connection for each pair of hosts; refused traffic counts too; flows are records at all interfaces; seconds are from the first start to the last end, which is last_seen.
        """
    def top_talkers(self, by: Literal['srcaddr', 'dstaddr', 'pair', 'conversation', 'pkt_srcaddr', 'pkt_dstaddr', 'pkt_pair', 'srcport', 'dstport', 'protocol', 'interface_id', 'instance_id', 'subnet_id', 'vpc_id', 'az_id', 'account_id', 'region', 'pkt_src_aws_service', 'pkt_dst_aws_service', 'action', 'ip_family'] | str = 'srcaddr', metric: Literal['bytes', 'packets', 'flows'] | str = 'bytes', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, port: int | None = None, protocol: int | None = None, action: Literal['ACCEPT', 'REJECT'] | str | None = None, dedup: bool = False, others: bool | None = False, top: int | None = 10, *, names: bool = False) -> _Answer:
        """Who sends, receives or carries most, with its share of all traffic.

        by: what to add up by; two keys are two columns, in the order that flows has them. One of, or two with a comma between (conversation alone): srcaddr, dstaddr, pair, conversation, pkt_srcaddr, pkt_dstaddr, pkt_pair, srcport, dstport, protocol, interface_id, instance_id, subnet_id, vpc_id, az_id, account_id, region, pkt_src_aws_service, pkt_dst_aws_service, action, ip_family. Default: 'srcaddr'.
        metric: what to rank and share by. One of: bytes, packets, flows. Default: 'bytes'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        addr: only flows of which an end lies in it. Default: none.
        port: only flows to this destination port. A whole number from 0 to 65535. Default: none.
        protocol: only flows of this protocol: 6 TCP, 17 UDP, 1 ICMP. A whole number from 0 to 255. Default: none.
        action: only flows with this action. One of: ACCEPT, REJECT. Default: none.
        dedup: whether what several interfaces logged of one connection counts once. Default: False.
        others: whether the rest is a last row, whose key is NULL. Default: False.
        top: how many rows; NULL for every row. Default: 10.

        Columns: the key, flows, packets, bytes, share, cumulative_share, first_seen, last_seen, keys.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one or dedup is true: then of the sums of all interfaces for one direction of one connection, which the packets' addresses, ports and protocol make, the largest counts.
        Traffic that a NAT gateway logs again: counted at each interface and under each address; conversations counts it once.
        Addresses that are the interface's primary one, not the packet's: srcaddr and dstaddr are as logged, pkt_srcaddr and pkt_dstaddr those of the packets.
        A connection that is many records: summed.
        Records without traffic: left out.

        Counts: pair is srcaddr and dstaddr, pkt_pair the same of the packets; conversation (protocol, server, server_port, client, client_port) has both directions as one, the server being the end with the lower port, and stands alone; keys is how many keys a row stands for: 1, and in the row of the rest as many as it adds up; a key that belongs to an interface, such as subnet_id, keeps what its own interfaces logged; share is that of the sum of all keys, also with dedup.
        """
    def traffic_over_time(self, bucket: timedelta | str = '1 hour', since: datetime | date | str | None = None, until: datetime | date | str | None = None, interface_id: str | None = None, addr: str | None = None, top: int | None = None, *, names: bool = False) -> _Answer:
        """Packets and bytes in every bucket of time, long flows spread over the time they took.

        bucket: how long a bucket is. Default: '1 hour'.
        since: first moment, included. Default: none.
        until: last moment, excluded. Default: none.
        interface_id: only flows that this interface saw. Default: none.
        addr: only flows of which an end lies in it. Default: none.
        top: how many rows; NULL for every row. Default: none.

        Columns: moment, flows, packets, bytes, accepted_bytes, rejected_bytes, bits_per_second.

        Needs: start, bytes.
        A conversation that both of its interfaces log: counted at both, unless interface_id names one.
        A connection that is many records: a record counts in proportion to its time in each bucket, and as a flow in that of its start.
        Records without traffic: left out; a bucket without traffic between two with it has 0.

        Counts: what a flow that started before until carried after it is in the buckets after it, so that no byte is lost; what a record had carried by the end of a bucket is rounded, so that its buckets add up to it.
        """
