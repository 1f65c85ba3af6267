"""The settings of a person and of a store: two small files in TOML, and a variable for each of them.

An option wins over a variable, that over the store's `flowdb.toml`, and that over the person's. A
store may come from somebody else: its file sets what is shown, and names nothing outside of it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowdb.errors import ConfigError, UsageError, shortened
from flowdb.ids import kind_of
from flowdb.look import COLORS
from flowdb.nearest import nearest
from flowdb.quantities import age
from flowdb.ranges import is_range
from flowdb.urls import is_url

__all__ = ["FILE", "FORMATS", "SETTINGS", "Found", "Layer", "Setting", "Settings", "own_file"]

FILE = "flowdb.toml"
"""The name of the file of settings, in a store and in the folder of a person's configuration."""
FORMATS = ("table", "csv", "tsv", "json", "jsonl", "markdown", "parquet")
"""How results are written."""
_DEFAULTS = "the default"
_LARGEST = 1 << 20
# What reads TOML takes memory by the square of the parts of a key.
_DEEPEST = 100
_TEXTS = re.compile(
    r'''"""(?:\\.|[^\\])*?"""|\'{3}.*?\'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*''', re.DOTALL
)
_KEYS = re.compile(r"[\n=,\[\]{}]")
_RESERVED = ("all", "null", "none")

_Check = Callable[[Any], str | None]
_CheckEntry = Callable[[str, Any], str | None]


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its key in TOML, what is taken for it, what it is without one, and what it means.

    `check` returns what is expected in place of a value, or nothing. One that is not `in_store`
    says what flowdb does for a person, and no store can say it. What is expected of an entry of a
    table `check_entry` says.
    """

    key: str
    check: _Check
    default: object
    meaning: str
    in_store: bool = True
    check_entry: _CheckEntry | None = None

    @property
    def is_table(self) -> bool:
        """Whether it has entries by name."""
        return self.check_entry is not None

    def wrong(self, value: Any) -> tuple[str, Any, str] | None:
        """Return the key, the value and what is expected in its place, of the first that is no good."""
        if (expected := self.check(value)) is not None:
            return self.key, value, expected
        if self.check_entry is None:
            return None
        for name, entry in value.items():
            if (expected := self.check_entry(name, entry)) is not None:
                return f"{self.key}.{name}", entry, expected
        return None

    @property
    def variable(self) -> str:
        """The variable of the environment that sets it."""
        return f"FLOWDB_{self.key.replace('.', '_').upper()}"


@dataclass(frozen=True, slots=True)
class Layer:
    """Where values come from: all `values` of one file, or the one of a variable, and whose they are.

    `folder` is what paths in it are relative to; those of a store lead nowhere else.
    """

    place: str
    values: Mapping[str, Any]
    folder: Path
    is_store: bool = False
    is_file: bool = True

    def says(self, key: str) -> str:
        """Return where it says something: the file and the section, or the variable."""
        section = key.rpartition(".")[0] or (key if isinstance(self.values.get(key), Mapping) else "")
        return f"{self.place} [{section}]" if self.is_file and section else self.place


@dataclass(frozen=True, slots=True)
class Found:
    """The value of a setting, and where it comes from."""

    value: Any
    origin: str


class Settings:
    """What the files and variables say; the layers are in the order in which they win."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers

    @classmethod
    def read(cls, store: Path | None = None) -> Settings:
        """Return all settings, with those of a store if one is given; raises `ConfigError`."""
        layers = [*_variables(), *_of_store(store), *_of_file(own_file(), is_store=False)]
        return cls(tuple(layers))

    @classmethod
    def of_store(cls, store: Path) -> Settings:
        """Return those that a store itself has; raises `ConfigError`."""
        return cls(tuple(_of_store(store)))

    def found(self, key: str) -> Found:
        """Return the value of a setting, and where it comes from."""
        for layer in self.layers:
            if key in layer.values:
                return Found(layer.values[key], layer.says(key))
        return Found(_BY_KEY[key].default, _DEFAULTS)

    def value(self, key: str) -> Any:
        """Return the value of a setting."""
        return self.found(key).value

    @property
    def store(self) -> str:
        """The store where no option names one; a path in a file is relative to that."""
        for layer in self.layers:
            if found := layer.values.get("store"):
                is_path = layer.is_file and not is_url(found)
                return str(layer.folder / os.path.expanduser(found)) if is_path else str(found)
        return str(_BY_KEY["store"].default)

    def entries(self, key: str) -> dict[str, tuple[Any, Layer]]:
        """Return the entries of a table, each from the first layer that has it."""
        found: dict[str, tuple[Any, Layer]] = {}
        for layer in self.layers:
            for name, value in layer.values.get(key, {}).items():
                found.setdefault(name, (value, layer))
        return found


def own_file() -> Path | None:
    """Return where the file of a person's own settings is, or would be."""
    try:
        folder = Path(os.environ.get("XDG_CONFIG_HOME", ""))
        return (folder if folder.is_absolute() else Path("~/.config").expanduser()) / "flowdb" / FILE
    except RuntimeError:  # nobody who has a home
        return None


def _of_store(store: Path | None) -> Iterator[Layer]:
    if store is not None:
        yield from _of_file(store / FILE, is_store=True)


def _of_file(path: Path | None, *, is_store: bool) -> Iterator[Layer]:
    """Read a file, if there is one."""
    import tomllib

    if path is None or not os.path.lexists(path):
        return
    try:
        if is_store and path.resolve().parent != path.parent.resolve():
            raise ConfigError(str(path), "", "is a link that leads out of the store")
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(str(path), "", "is not a file")
        if facts.st_size > _LARGEST:
            raise ConfigError(str(path), "", f"has more than {_LARGEST >> 20} MiB; put names into files")
        text = path.read_text("utf-8-sig")
        if any(piece.count(".") > _DEEPEST for piece in _KEYS.split(_TEXTS.sub("", text))):
            raise ConfigError(str(path), "", f"is not TOML (a key of more than {_DEEPEST} parts)")
        given = tomllib.loads(text)
    except UnicodeError:
        raise ConfigError(str(path), "", "is not a text in UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(str(path), "", f"is not TOML ({error})") from None
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read ({error.strerror or error})") from None
    values = dict(_flat(given))
    for key, value in values.items():
        _check(str(path), key, value, is_store)
    yield Layer(str(path), values, path.parent, is_store)


def _flat(given: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the keys of settings, with the names of tables before them, and their values."""
    for key, value in given.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and name in _TABLES:
            inner = {f"{name}.{entry}" for entry in value} & _BY_KEY.keys()
            yield from ((one, value[one.rpartition(".")[2]]) for one in sorted(inner))
            yield name, {entry: one for entry, one in value.items() if f"{name}.{entry}" not in inner}
        elif isinstance(value, dict) and name in _SECTIONS:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def _variables() -> Iterator[Layer]:
    """Read the variables of the environment that are set, and not empty."""
    for one in SETTINGS:
        text = os.environ.get(one.variable, "")
        if text:
            value = _of_text(one, text)
            if wrong := one.wrong(value):
                key = one.variable + wrong[0].removeprefix(one.key)
                raise ConfigError("", key, f"is {shortened(wrong[1])}; expected {wrong[2]}")
            yield Layer(one.variable, {one.key: value}, Path.cwd(), is_file=False)


def _of_text(one: Setting, text: str) -> Any:
    """Return the value that a variable gives: a table is one of TOML, in braces."""
    import tomllib

    if one.is_table:
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError):
            return text
    if isinstance(one.default, list):
        return [path for path in text.split(os.pathsep) if path]
    if one.check is _is_flag:
        return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(
            text.lower(), text
        )
    return text


def _check(place: str, key: str, value: Any, is_store: bool) -> None:
    one = _BY_KEY.get(key)
    if one is None:
        if key in _SECTIONS:
            raise ConfigError(place, key, f"is {shortened(value)}; expected a table: [{key}]")
        close = nearest(key, [*_BY_KEY, *_SECTIONS])
        known = f"did you mean {close}?" if close else f"there are: {', '.join(_BY_KEY)}"
        raise ConfigError(place, key, f"is no setting; {known}")
    if is_store and not one.in_store:
        raise ConfigError(place, key, "is no setting of a store; it belongs into a file of your own")
    if wrong := one.wrong(value):
        raise ConfigError(place, wrong[0], f"is {shortened(wrong[1])}; expected {wrong[2]}")


def _is_text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.isprintable() and value else "a text"


def _is_flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _is_format(value: Any) -> str | None:
    return None if value in FORMATS else f"one of: {', '.join(FORMATS)}"


def _is_color(value: Any) -> str | None:
    return None if value in COLORS else f"one of: {', '.join(COLORS)}"


def _is_age(value: Any) -> str | None:
    try:
        age(value if isinstance(value, str) else "")
    except UsageError:
        return "an age such as 90s, 15m, 2h, 90d or 4w"
    return None


def _are_files(value: Any) -> str | None:
    is_list = isinstance(value, list) and all(
        isinstance(one, str) and one and "\0" not in one for one in value
    )
    return None if is_list else 'a list of files, such as ["names.csv"]'


def _is_table(value: Any) -> str | None:
    return None if isinstance(value, dict) else "a table of entries"


def _is_name(one: str, name: Any) -> str | None:
    if kind_of(one) is None:
        hint = "did you mean files?" if nearest(one, ["files"]) else "a range is named in [groups]"
        return f"an address, an account or a resource; {hint}"
    return None if isinstance(name, str) and name.strip() else "a text"


def _is_group(name: str, ranges: Any) -> str | None:
    is_plain = name.isprintable() and name == name.strip() and not set(name) & set(",/:@")
    if not is_plain or not name or name.lower() in _RESERVED or kind_of(name) == "address":
        return "a name that is no address and no list"
    if not isinstance(ranges, list) or not ranges:
        return 'a list of ranges such as ["198.51.100.0/24"]'
    for one in ranges:
        if not isinstance(one, str) or not is_range(one):
            return f"ranges such as 198.51.100.0/24, not {shortened(one)}"
    return None


SETTINGS = (
    Setting("store", _is_text, "flows", "the store, where no option names one", in_store=False),
    Setting("grace", _is_age, "1d", "how long files that are taken out stay for those who still read them"),
    Setting("webhook", _is_text, None, "where flowdb alert posts what it tells", in_store=False),
    Setting("output.format", _is_format, "table", "how results are written"),
    Setting("output.color", _is_color, "auto", "whether tables have colours"),
    Setting("output.raw", _is_flag, False, "whether numbers of tables are as they are, without units"),
    Setting("output.names", _is_flag, None, "whether names are shown beside ids; without it, in tables"),
    Setting("names", _is_table, {}, "names of accounts, interfaces and addresses", check_entry=_is_name),
    Setting("names.files", _are_files, [], "files of names: CSV, or JSON of describe-network-interfaces"),
    Setting("groups", _is_table, {}, "groups of ranges of addresses", check_entry=_is_group),
)
"""Every setting."""
_BY_KEY = {one.key: one for one in SETTINGS}
_TABLES = {one.key for one in SETTINGS if one.is_table}
_SECTIONS = {one.key.rpartition(".")[0] for one in SETTINGS} - {""} | _TABLES
