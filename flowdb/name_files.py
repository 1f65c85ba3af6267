"""Files of names: CSV, and what `aws ec2 describe-network-interfaces` answers."""

from __future__ import annotations

import csv
import json
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flowdb.errors import ConfigError, shortened
from flowdb.settings import Layer

__all__ = ["COLUMNS", "Row", "columns_of", "opened", "read_json"]

COLUMNS = ("id", "name", "first_seen", "last_seen")
"""What a file of names tells of each."""
Row = tuple[str, str, str | None, str | None]
"""One name, as these columns."""
_LARGEST = 256 << 20
_LONGEST = 1 << 16
_INTERFACES = "NetworkInterfaces"


def opened(layer: Layer, name: str) -> Path:
    """Return the path of a file that a layer names; what a store names lies in it, and is a file."""
    path = layer.folder / (name if layer.is_store else os.path.expanduser(name))
    key = "names.files"
    try:
        if layer.is_store and not path.resolve().is_relative_to(layer.folder.resolve()):
            raise ConfigError(layer.place, key, f"has {shortened(name)}, which is not in the store")
        facts = path.stat()
    except OSError as error:
        reason = f"has {shortened(name)}, which cannot be read ({error.strerror or error})"
        raise ConfigError(layer.place, key, reason) from None
    if not stat.S_ISREG(facts.st_mode):
        raise ConfigError(layer.place, key, f"has {shortened(name)}, which is not a file")
    if facts.st_size > _LARGEST:
        raise ConfigError(str(path), "", f"has more than {_LARGEST >> 20} MiB")
    return path


def columns_of(path: Path) -> list[str]:
    """Return the names of a CSV's columns; raises `ConfigError` where it has none for an id or its name."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        header = [cell.strip() for cell in next(csv.reader([file.readline(_LONGEST)]), [])]
    for needed in COLUMNS[:2]:
        if needed not in header:
            raise ConfigError(str(path), "", f"has no column {needed}; expected {', '.join(COLUMNS)}")
    for twice in (one for one in header if header.count(one) > 1):
        raise ConfigError(str(path), "", f"has two columns {shortened(twice)}")
    return header


def read_json(path: Path) -> list[Row]:
    """Return what the answer of `aws ec2 describe-network-interfaces` names, or a list of interfaces."""
    try:
        found = json.loads(path.read_text("utf-8-sig"))
        interfaces = found[_INTERFACES] if isinstance(found, dict) else found
        rows = [row for one in interfaces for row in _of_interface(one)]
    except (ValueError, RecursionError):
        raise ConfigError(str(path), "", "is not JSON in UTF-8") from None
    except (KeyError, TypeError, AttributeError):
        reason = "is not what aws ec2 describe-network-interfaces answers"
        raise ConfigError(str(path), "", reason) from None
    return rows


def _of_interface(one: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the names of an interface and of its addresses; a name holds from the attachment on."""
    attachment = one.get("Attachment") or {}
    tags = {tag.get("Key"): tag.get("Value") for tag in one.get("TagSet") or one.get("Tags") or ()}
    since = attachment.get("AttachTime")
    described = tags.get("Name") or one.get("Description") or attachment.get("InstanceId")
    number = one["NetworkInterfaceId"]
    if described:
        yield number, described, since, None
    addresses = [one.get("PrivateIpAddress"), (one.get("Association") or {}).get("PublicIp")]
    for private in one.get("PrivateIpAddresses") or ():
        addresses += [private.get("PrivateIpAddress"), (private.get("Association") or {}).get("PublicIp")]
    addresses += [address.get("Ipv6Address") for address in one.get("Ipv6Addresses") or ()]
    for address in dict.fromkeys(addresses):
        if address:
            yield address, described or number, since, None
