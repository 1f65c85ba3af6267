"""The samples of the Amazon Athena user guide, on its tables over real logs, beside hand-written SQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import flowdb
from flowdb import FlowDB
from flowdb.own_tables import TABLES
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data"
ENGINES = Path(__file__).parent / "engines"
FIELDS = (
    "version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes,"
    " epoch(start_time)::BIGINT, epoch(end_time)::BIGINT, action, log_status, vpc_id, subnet_id,"
    " instance_id, tcp_flags, type, pkt_srcaddr, pkt_dstaddr, region, az_id, sublocation_type,"
    " sublocation_id, pkt_src_aws_service, pkt_dst_aws_service, flow_direction, traffic_path"
)


def samples() -> dict[str, tuple[str, str]]:
    """Return the queries of the guide and those written by hand, by what they ask for."""
    text = (ENGINES / "athena-samples.sql").read_text(encoding="utf-8")
    found = {}
    for block in text.split("-- sample: ")[1:]:
        name, _, queries = block.partition("\n")
        athena, _, plain = queries.partition("-- by hand\n")
        plain = plain.replace("{FIELDS}", FIELDS).replace("{SHORT}", FIELDS.replace("region, ", ""))
        found[name] = (athena, plain)
    return found


SAMPLES = samples()


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowDB]:
    """A store of real logs and AWS's own examples, with the tables of the guide."""
    with flowdb.open(tmp_path_factory.mktemp("guide") / "store") as opened:
        opened.ingest(DATA / "official", DATA / "real")
        opened.athena_table((ENGINES / "athena-guide.sql").read_text(encoding="utf-8"))
        yield opened


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_of_the_guide_gives_what_hand_written_sql_gives(name: str, guide: FlowDB) -> None:
    athena, plain = SAMPLES[name]
    expected = guide.sql(plain).fetchall()
    assert guide.sql(athena, dialect="athena").fetchall() == expected
    assert expected


def test_the_tables_of_the_guide_declared_again_are_as_they_were(guide: FlowDB) -> None:
    before = (guide.path / TABLES).read_bytes()
    text = (ENGINES / "athena-guide.sql").read_text(encoding="utf-8")
    answers = [one.fetchall() for one in guide.results(text)]
    assert all(sentence.startswith("nothing needs doing") for ((sentence,),) in answers)
    assert len(answers) == 5
    assert (guide.path / TABLES).read_bytes() == before
