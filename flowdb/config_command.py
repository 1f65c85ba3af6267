"""The command that tells what is set, and where."""

from __future__ import annotations

from pathlib import Path

import click

from flowdb.settings import FILE, Settings, own_file
from flowdb.terminal import look, output_option, store_option

__all__ = ["config"]


@click.command()
@click.option("--path", "is_path", is_flag=True, help="Print where the files are, or would be, instead.")
@store_option
@output_option
def config(store: str, output: str, is_path: bool) -> None:
    """Show every setting, its value, and the file or the variable that it comes from.

    The files are flowdb.toml in the store, and in flowdb/ below $XDG_CONFIG_HOME or ~/.config. An
    option wins over a variable, that over the store's file, and that over your own.
    """
    folder = Path(store).expanduser()
    if is_path:
        for path in (own_file(), (folder / FILE).absolute()):
            if path is not None:
                click.echo(path)
        return
    from flowdb.configuration import shown
    from flowdb.output import write

    write(shown(Settings.read(folder)), output, look=look())
