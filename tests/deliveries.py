"""The same records as every service delivers them: each shape, each compression, each archive."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

Lines = Sequence[str]
_EXTRACTED = {"srcaddr": "1", "dstaddr": "2", "bytes": "3"}
START = datetime(2024, 1, 15, 10, tzinfo=UTC)


def _stamps(lines: Lines, form: str) -> list[str]:
    moments = (START + timedelta(milliseconds=137 * n) for n in range(len(lines)))
    return [form.format(iso=moment.isoformat(timespec="milliseconds")[:-6], ms=int(moment.timestamp() * 1000))
            for moment in moments]  # fmt: skip


def _stamped(lines: Lines, form: str) -> bytes:
    return "".join(
        f"{stamp} {line}\n" for stamp, line in zip(_stamps(lines, form), lines, strict=True)
    ).encode()


def _events(lines: Lines) -> list[dict[str, object]]:
    return [
        {
            "logStreamName": "eni-1-all",
            "timestamp": 1_705_312_800_000 + n,
            "message": line,
            "ingestionTime": 1_705_312_900_000,
            "eventId": f"{n:056}",
        }
        for n, line in enumerate(lines)
    ]


def _subscription(lines: Lines, kind: str = "DATA_MESSAGE") -> dict[str, object]:
    return {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": "/vpc/flow-logs",
        "logStream": "eni-1-all",
        "subscriptionFilters": ["all"],
        "logEvents": [
            {"id": str(n), "timestamp": 1, "message": line, "extractedFields": _EXTRACTED}
            for n, line in enumerate(lines)
        ],
    }


def _control() -> dict[str, object]:
    return _subscription(["CWL CONTROL MESSAGE: Checking health of destination Firehose."], "CONTROL_MESSAGE")


def _halves(lines: Lines) -> tuple[Lines, Lines]:
    return lines[: len(lines) // 2], lines[len(lines) // 2 :]


def _csv(lines: Lines, columns: Callable[[int, str], Sequence[str]], header: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(columns(n, line) for n, line in enumerate(lines))
    return text.getvalue().encode()


def _insights(lines: Lines) -> bytes:
    fields = (("@timestamp", "2024-01-15 10:00:00.000"), ("@message", ""), ("@ptr", "abc"))
    rows = [[{"field": name, "value": value or line} for name, value in fields] for line in lines]
    return json.dumps({"results": rows, "statistics": {"recordsMatched": 2.0}, "status": "Complete"}).encode()


def _merged(documents: Sequence[object], between: str = "") -> bytes:
    return between.join(map(json.dumps, documents)).encode()


def _output_text(lines: Lines) -> bytes:
    rows = [
        f"EVENTS\t{n:056}\t1705312900000\teni-1-all\t{line}\t1705312800000" for n, line in enumerate(lines)
    ]
    return "\n".join([*rows, "SEARCHEDLOGSTREAMS\teni-1-all\tTrue", "NEXTTOKEN\tabc", ""]).encode()


SHAPES: dict[str, Callable[[Lines], bytes]] = {
    "text": lambda lines: "".join(f"{line}\n" for line in lines).encode(),
    "export task": lambda lines: _stamped(lines, "{iso}Z"),
    "export task, epoch": lambda lines: _stamped(lines, "{ms}"),
    "tail": lambda lines: _stamped(lines, "{iso}000+00:00 eni-1-all"),
    "tail short": lambda lines: _stamped(lines, "{iso}"),
    "filter-log-events": lambda lines: json.dumps(
        {"events": _events(lines), "searchedLogStreams": [{"logStreamName": "a"}], "nextToken": "x"}, indent=4
    ).encode(),
    "get-log-events": lambda lines: json.dumps(
        {"events": [{"timestamp": 1, "message": line + "\n"} for line in lines], "nextForwardToken": "f/1"}
    ).encode(),
    "output text": _output_text,
    "array of events": lambda lines: json.dumps(_events(lines)).encode(),
    "NDJSON": lambda lines: _merged(_events(lines), "\n"),
    "Insights": _insights,
    "Insights export": lambda lines: _merged([[{"@message": line} for line in lines]]),
    "console CSV": lambda lines: _csv(lines, lambda n, line: (str(n), line), ("timestamp", "message")),
    "Insights CSV": lambda lines: _csv(
        lines, lambda n, line: (f"10:00:{n}", f"{line}\n", "p,q"), ("@timestamp", "@message", "@ptr")
    ),
    "Firehose": lambda lines: _merged([{"message": line} for line in lines]),
    "Firehose with newlines": lambda lines: _merged([{"message": line} for line in lines], "\n"),
    "subscription": lambda lines: _merged([_control(), *map(_subscription, _halves(lines)), _control()]),
    "subscription in Firehose": lambda lines: b"".join(
        gzip.compress(json.dumps(one).encode()) for one in (_control(), *map(_subscription, _halves(lines)))
    ),
}


def _by_arrow(compression: str) -> Callable[[bytes], bytes]:
    def compressed(data: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, compression) as stream:
            stream.write(data)
        return bytes(sink.getvalue())

    return compressed


def _zip(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("logs/", b"")
        archive.writestr("logs/one.log", data)
        archive.writestr("__MACOSX/logs/._one.log", b"\0\5\x16\7")
    return file.getvalue()


def _tar(data: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("logs/one.log")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
        folder = tarfile.TarInfo("logs/more")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    return file.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip of two members": lambda data: gzip.compress(data[:99]) + gzip.compress(data[99:]),
    "gzip in gzip": lambda data: gzip.compress(gzip.compress(data)),
    "zstd": _by_arrow("zstd"),
    "lz4": _by_arrow("lz4"),
    "bz2": bz2.compress,
    "bz2 of two members": lambda data: bz2.compress(data[:100]) + bz2.compress(data[100:]),
    "xz": lzma.compress,
    "xz of two members": lambda data: (
        lzma.compress(data[:99]) + bytes(8) + lzma.compress(data[99:]) + bytes(4)
    ),
    "zip": _zip,
    "zip of gzip": lambda data: _zip(gzip.compress(data)),
    "tar": _tar,
    "tar.gz": lambda data: gzip.compress(_tar(data)),
    "tar.xz of zstd": lambda data: lzma.compress(_tar(_by_arrow("zstd")(data))),
    "zip in tar": lambda data: _tar(_zip(data)),
}
