"""A learner without Docker, in JupyterLab: chapter 00 starts the machine, which outlives the kernel and the page."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from labkit.sandbox import wait_until
from tests import chapters
from tests.machine.conftest import PARTS
from tests.machine.machines import Machine, wait_until_nobody
from tests.seats import copy_project
from tests.test_lab import end
from tests.test_lab import page as page

pytestmark = [pytest.mark.machine, pytest.mark.browser]

NO_OTHER_DAEMON = "from labkit import endpoint\nendpoint.DEFAULT_SOCKET = 'unix:///nowhere/docker.sock'\n"
"""What each kernel runs first: this computer may have a Docker of its own, which must not be found."""

REPORT = "answers at unix:///"


@pytest.fixture
def lab(off: Machine, homes: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """JupyterLab in a copy of the checkout, where no daemon is found and no machine runs."""
    off.down()
    checkout, log = tmp_path / "checkout", tmp_path / "log"
    copy_project(checkout)
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00_first.py").write_text(NO_OTHER_DAEMON)
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    own = {"PYTHONPATH": str(checkout), "HOME": str(tmp_path), "LABKIT_MACHINE_PARTS": str(PARTS)}
    environ = chapters.environment("learner", tmp_path, **folders, **homes, **own)
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
        environ.pop(name, None)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", f"--port={port}", "--IdentityProvider.token=t"]
    command = [sys.executable, "-m", "jupyterlab", *options, f"--ServerApp.root_dir={checkout / 'notebooks'}"]
    with log.open("w") as out, subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=out, stderr=out) as started:
        try:
            wait_until(lambda: f"127.0.0.1:{port}/" in log.read_text(), "JupyterLab runs", deadline=60)
            (tmp_path / "address").write_text(f"http://127.0.0.1:{port}/lab/tree/00_start.ipynb?token=t")
            yield started
        finally:
            end(started)


def open_chapter(page: Page, address: str) -> None:
    """Open chapter 00; on a busy computer JupyterLab may show its launcher instead, once."""
    for patience in (30000, 30000, 60000):
        page.goto(address)
        with contextlib.suppress(TimeoutError):
            page.wait_for_selector(".jp-Notebook h1:has-text('Start here')", timeout=patience)
            page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=patience)
            return  # a cell that is run before its kernel is there stays as it is
    raise AssertionError(f"JupyterLab does not open {address}")


def cell(page: Page, text: str) -> str:
    """Run the cell in which this stands, and return the name of what it printed."""
    page.click(f".jp-CodeCell .cm-content:has-text({text!r})")
    page.keyboard.press("Shift+Enter")
    return f".jp-CodeCell:has-text({text!r}) .jp-OutputArea-output"


def restart(page: Page) -> None:
    """Restart the kernel from the menu, and clear the outputs, so that what is shown afterwards is new."""
    page.click(".lm-MenuBar-item:has-text('Kernel')")
    page.click(".lm-Menu-item:has-text('Restart Kernel and Clear Outputs of All Cells')")
    page.click(".jp-Dialog button:has-text('Restart')")
    expect(page.locator(".jp-OutputArea-output")).to_have_count(0, timeout=60000)


def test_the_machine_outlives_kernel_and_page(
    lab: subprocess.Popen[bytes], page: Page, off: Machine, tmp_path: Path
) -> None:
    """Started from chapter 00, it outlives a restart and a reload with its containers, and ends with JupyterLab."""
    open_chapter(page, (tmp_path / "address").read_text())
    shown = page.locator(cell(page, "daemon = connect()"))
    expect(shown.first).to_contain_text("the course brings its own", timeout=60000)
    expect(page.locator("progress").first).to_be_visible(timeout=60000)
    expect(shown.last).to_contain_text(REPORT, timeout=120000)
    expect(page.locator("progress")).to_have_count(0)
    supervisor = off.state.supervisor
    assert off.state.owner == lab.pid
    cell(page, "ensure(daemon)")
    expect(page.locator(cell(page, "box = run(")).last).to_contain_text("'running'", timeout=60000)
    made = off.docker("ps", "--quiet").stdout

    restart(page)
    shown = page.locator(cell(page, "daemon = connect()"))
    expect(shown.last).to_contain_text("(the course's own machine)", timeout=60000)
    assert (off.state.supervisor, off.docker("ps", "--quiet").stdout) == (supervisor, made)

    open_chapter(page, (tmp_path / "address").read_text())  # the page is loaded anew
    expect(page.locator(cell(page, "for fact in")).last).to_contain_text("overlay2", timeout=60000)
    assert (off.state.supervisor, off.docker("ps", "--quiet").stdout) == (supervisor, made)
    assert len(made.split()) == 1

    end(lab)
    wait_until_nobody(supervisor)
    assert off.status.why == f"It ended with process {lab.pid}, to which it belonged."
