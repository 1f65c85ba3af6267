"""Compiles flowdb's C into a wheel where there is a compiler; a wheel without it works too, slower.

`CC` names the compiler, `FLOWDB_TARGET` the platform of the wheel's name if it is another than this
one, and `FLOWDB_NATIVE=0` leaves the compiled part out.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
import zlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NAME = "native.lib"
_SOURCES = ("native.c", "sums.c", "words.h", "ends.h")
_FLAGS = ("-O3", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror")


class NativeHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the compiled part to a wheel, or to the checkout that is installed as editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the wheel by the platform that it is for."""
        package = Path(self.root, "flowdb")
        if version == "editable":
            _compile(package, package / _NAME)
            return
        self._folder = tempfile.TemporaryDirectory()
        built = Path(self._folder.name, _NAME)
        if _compile(package, built):
            platform = os.environ.get("FLOWDB_TARGET") or sysconfig.get_platform()
            build_data["force_include"][str(built)] = f"flowdb/{_NAME}"
            build_data["pure_python"] = False
            build_data["tag"] = "py3-none-" + platform.replace("-", "_").replace(".", "_")


def _compile(package: Path, built: Path) -> bool:
    """Compile the sources, and tell whether that worked; a compiler that was named must work."""
    named = os.environ.get("CC")
    command = shlex.split(named or "cc")
    if os.environ.get("FLOWDB_NATIVE") == "0" or not (named or shutil.which(command[0])):
        built.unlink(missing_ok=True)
        return False
    sources = [package / name for name in _SOURCES]
    define = f"-DSOURCE={zlib.crc32(b''.join(source.read_bytes() for source in sources))}u"
    compiled = [str(source) for source in sources if source.suffix == ".c"]
    partial = built.with_suffix(".partial")
    try:
        subprocess.run([*command, *_FLAGS, define, "-o", str(partial), *compiled], check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        if named:
            raise
        return False
    os.replace(partial, built)
    return True
