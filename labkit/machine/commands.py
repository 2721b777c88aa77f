"""``labkit machine …``: the embedded Docker host, from a terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from typing import Any

import click

from labkit.machine import NAME

named = click.option("--name", default=NAME, show_default=True, help="Which machine, where you have several.")


@click.group("machine")
def machine_group() -> None:
    """A Docker host of your own, without Docker and without root: a Linux kernel as one ordinary process.

    `labkit machine build` once, then `labkit machine up`. Nothing of it touches a Docker that is there already.
    """


@machine_group.command()
@click.option("--again", is_flag=True, help="Build also where everything is there, with today's packages.")
@click.option("--mirror", default="", help="Debian mirror to fetch from; by default mmdebstrap's own.")
def build(again: bool, mirror: str) -> None:
    """Fetch the parts and put them together: about 150 MB to download, 330 MB afterwards, half a minute.

    It needs no root, but mmdebstrap: `apt install mmdebstrap`. A build that was broken off goes on where it was.
    """
    from labkit.machine.build import manifest
    from labkit.machine.places import parts_folder
    from labkit.machine.resort import build_parts

    build_parts(lambda said: click.echo(said, err=True), again=again, mirror=mirror)
    folder = parts_folder()
    for package in ("user-mode-linux", "docker.io", "containerd", "crun"):
        click.echo(f"{package:16}  {manifest(folder)['packages'].get(package, '')}")
    click.echo(f"The machine is built: {folder}. Start it: `labkit machine up`.")


@machine_group.command()
@named
@click.option("--memory", default="", metavar="SIZE", help="Of the guest, such as 1G. Default: half of what is free.")
@click.option("--disk", default="", metavar="SIZE", help="Of a new disk, such as 8G; its file grows as it is filled.")
@click.option("--store", type=click.Choice(["overlay2", "containerd"]), help="Which image store. Default: overlay2.")
@click.option("--fresh", is_flag=True, help="Throw the disk away, with everything on it, and begin with an empty one.")
@click.option("--owner", type=int, default=0, metavar="PID", help="End together with this process.")
def up(name: str, memory: str, disk: str, store: str | None, fresh: bool, owner: int) -> None:
    """Start the machine, unless it runs, and say where its daemon is.

    The last line printed can be pasted into a shell; `labkit lab` finds the machine by itself.
    """
    from labkit.machine.control import up as bring_up
    from labkit.machine.places import places

    where, begun = places(name), time.monotonic()
    now = bring_up(where, memory=memory, disk=disk, store=store or "", fresh=fresh, owner=owner)
    took = time.monotonic() - begun
    click.echo(f"Docker {now.engine} with {now.memory >> 20} MB answers after {took:.1f} s.", err=True)
    click.echo(f"export DOCKER_HOST=unix://{where.socket}")


@machine_group.command()
@named
def down(name: str) -> None:
    """Power the machine off. Its disk is kept for the next time."""
    from labkit.machine.control import down as bring_down
    from labkit.machine.places import places

    click.echo("The machine is down." if bring_down(places(name)) else "There was no machine running.")


@machine_group.command()
@named
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@click.pass_context
def status(ctx: click.Context, name: str, as_json: bool) -> None:
    """Say whether the machine runs, and what it is and uses.

    Exit status 0: its daemon answers. 1: it does not.
    """
    from labkit.machine.places import places
    from labkit.machine.status import look

    found = look(places(name))
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        for label, value in found.lines():
            click.echo(f"{label:10}  {value}")
    ctx.exit(0 if found.phase == "up" else 1)


@machine_group.command()
@named
def logs(name: str) -> None:
    """Print what the kernel and the daemon said since the last start."""
    from labkit.errors import MachineError
    from labkit.machine.places import places

    try:
        click.echo(places(name).log.read_text(errors="replace"), nl=False)
    except FileNotFoundError:
        raise MachineError(f"The machine {name} was never started.", "`labkit machine up` starts it.") from None


@machine_group.command(context_settings={"ignore_unknown_options": True})
@named
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(name: str, command: tuple[str, ...]) -> None:
    """Open a root shell on the machine itself, or run COMMAND there: this is where /var/lib/docker lies."""
    from labkit.machine.control import on_the_machine
    from labkit.machine.places import places

    words, environ = on_the_machine(places(name), command, terminal=sys.stdin.isatty())
    _become(words, environ)


def _become(words: list[str], environ: dict[str, Any]) -> None:
    sys.stdout.flush()
    os.execve(words[0], words, environ)
