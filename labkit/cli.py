"""The command ``labkit``: look at what is there, clean up, make images, open the first chapter.

What a command needs is imported when it runs, so that ``labkit --help`` is there at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit import __version__
from labkit.errors import LabError
from labkit.grade.commands import grade_command
from labkit.grade.composing import compose_command
from labkit.machine.commands import machine_group

if TYPE_CHECKING:
    from labkit.doctor import Finding


class Course(click.Group):
    """Show an error as what happened and what to do, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            self._fail(ctx, error.problem, error.remedy)
        except OSError as error:
            if error.errno is not None:  # from the kernel; the errors of docker-py and requests have no number
                raise
            self._fail(ctx, f"The daemon did not do it: {error}", "`labkit doctor` looks at the daemon.")

    def _fail(self, ctx: click.Context, problem: str, remedy: str) -> None:
        for text in filter(None, (problem, remedy)):
            click.echo(text, err=True)
        ctx.exit(1)


@click.group(cls=Course, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="labkit")
def main() -> None:
    """A course on how Docker really works, on your own daemon.

    Begin with `labkit doctor`, then `labkit lab`.
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal or pipe that lacks a letter gets "?" instead of a traceback
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


# --- doctor ---------------------------------------------------------------------------------------


@main.command()
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say what was found, and what would keep a chapter from working.

    Exit status 0: you can start. 1: not yet; each line marked FIX says what to do.
    """
    import json

    from labkit import doctor

    findings = doctor.examine()
    if as_json:
        click.echo(json.dumps(doctor.as_object(findings), indent=2))
    else:
        for finding in findings:
            if finding.state != "unknown":
                _print(finding)
        if unknown := [finding.name for finding in findings if finding.state == "unknown"]:
            click.echo(f"{'-':4}  not looked at: {', '.join(unknown)}")
        click.echo("You can start: `labkit lab`." if doctor.ready(findings) else "Not yet: see the lines marked FIX.")
    ctx.exit(0 if doctor.ready(findings) else 1)


_MARKS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "bad": ("FIX", "red")}


def _print(finding: Finding) -> None:
    mark, color = _MARKS[finding.state]
    click.echo(f"{click.style(f'{mark:4}', fg=color)}  {finding.name.replace('_', ' '):12}  {finding.fact}")
    for line in finding.remedy.splitlines():
        click.echo(f"{'':20}{line}")


# --- clean ----------------------------------------------------------------------------------------


@main.command()
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@click.option("--all-owners", is_flag=True, help="Also what other learners on the same daemon made.")
@click.pass_context
def clean(ctx: click.Context, dry_run: bool, all_owners: bool) -> None:
    """Remove what carries the course's label, and nothing else.

    Containers, networks, volumes and images: those that are yours, and those without an owner, such as a
    container that you started by hand from the course's image. What somebody else still uses is left.

    Exit status 1: something was left; the reason stands beside it.
    """
    from labkit import leftovers, sandbox
    from labkit.daemon import connect

    daemon = connect(quiet=True)
    found = leftovers.things(daemon, whose=None if all_owners else sandbox.owner())
    left = False
    for thing in found:
        done = thing if dry_run else leftovers.remove(daemon, [thing])[0]
        word = "left" if done.left else "would go" if dry_run else "removed"
        click.echo(f"{word:8}  {thing.kind:9}  {thing.name}" + (f": {done.left}" if done.left else ""))
        left = left or bool(done.left)
    if not found:
        click.echo("nothing to remove")
    ctx.exit(1 if left else 0)


# --- images ---------------------------------------------------------------------------------------


@main.group("images")
def images_group() -> None:
    """Make the course's images, or carry them into a room without a network."""


@images_group.command()
@click.option("--pull", is_flag=True, help="Where no local busybox is, download one (1 MB) from the registry.")
def build(pull: bool) -> None:
    """Make the course's image from the busybox on this computer.

    Nothing is downloaded unless you say --pull.
    """
    from labkit import images
    from labkit.daemon import connect

    click.echo(f"{images.build(connect(quiet=True), pull=pull)}  {images.BUSYBOX}")


@images_group.command("list")
def list_images() -> None:
    """Print the course's images on the daemon: id, size, name."""
    from labkit import images
    from labkit.daemon import connect

    found = images.listing(connect(quiet=True))
    for tag, key, size in found:
        click.echo(f"{key.removeprefix('sha256:')[:12]}  {size / 1e6:6.1f} MB  {tag}")
    if not found:
        click.echo("no images yet: `labkit images build`")


@images_group.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def pack(file: Path) -> None:
    """Write the course's images into FILE, for computers without a network.

    `labkit images load FILE` reads it there, on a daemon with the same processor; `docker load -i FILE` does too.
    """
    from labkit import kit
    from labkit.daemon import connect

    for tag in kit.pack(connect(quiet=True), file):
        click.echo(f"packed  {tag}")
    click.echo(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


@images_group.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def load(file: Path) -> None:
    """Give the daemon the images that `labkit images pack` wrote into FILE."""
    from labkit import kit
    from labkit.daemon import connect

    for tag in kit.load(connect(quiet=True), file):
        click.echo(f"loaded  {tag}")


# --- grade ----------------------------------------------------------------------------------------

main.add_command(grade_command)
main.add_command(compose_command)


# --- machine --------------------------------------------------------------------------------------

main.add_command(machine_group)


# --- lab ------------------------------------------------------------------------------------------


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("jupyter_args", nargs=-1, type=click.UNPROCESSED)
def lab(jupyter_args: tuple[str, ...]) -> None:
    """Find the daemon, and open JupyterLab on the first chapter.

    JUPYTER_ARGS go to JupyterLab as they are, such as --no-browser or --port 9999.
    """
    from labkit.daemon import connect

    connect()
    notebook = _first_chapter()
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    # Not the file as an argument: the address that JupyterLab prints would then lead past the chapter.
    opens = [f"--ServerApp.root_dir={notebook.parent}", f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    _become([sys.executable, "-m", "jupyterlab", *opens, *as_root, *jupyter_args])


def _first_chapter() -> Path:
    folders = [Path(__file__).resolve().parents[1], Path.cwd()]
    for folder in folders:
        if (notebook := folder / "notebooks" / "00_start.ipynb").is_file():
            return notebook
    places = " nor in ".join(str(folder) for folder in dict.fromkeys(folders))
    raise LabError(
        f"notebooks/00_start.ipynb is not in {places}.",
        "The chapters are in the course's repository, not in the package: go to its folder and try again.",
    )


def _become(command: list[str]) -> None:
    """Let this process become JupyterLab, where `labkit` and `python` are those of this installation."""
    import importlib.util

    from labkit.machine import resort

    if not importlib.util.find_spec("jupyterlab"):
        raise LabError("JupyterLab is not installed here.", "`make lab` in the course's folder installs it.")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.environ |= resort.with_docker(os.environ)
    sys.stdout.flush()
    if os.name == "nt":  # execv would hand the terminal back while JupyterLab still writes to it
        import subprocess

        sys.exit(subprocess.call(command))
    os.execv(command[0], command)
