"""What a learner sees: the README's command opens JupyterLab on chapter 00, and its cells run there."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from labkit.daemon import Daemon
from labkit.sandbox import wait_until
from tests import chapters
from tests.seats import copy_project

pytestmark = [pytest.mark.daemon, pytest.mark.browser]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

LOST = "dialog:has-text('Server Connection Error')"
"""What JupyterLab shows of a server that did not answer at once; it tries again, and a learner clicks it away."""


@pytest.fixture
def lab(daemon: Daemon, tmp_path: Path) -> Iterator[str]:
    """`labkit lab` in a copy of the checkout, which it may write to; the address that it prints."""
    checkout = tmp_path / "checkout"
    copy_project(checkout)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from labkit.cli import main; main()", "lab", "--no-browser", f"--port={port}"]
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    environ = chapters.environment("looker", tmp_path, PYTHONPATH=str(checkout), **folders)
    log = tmp_path / "log"
    with log.open("w") as out:
        started = subprocess.Popen(
            [*command, "--IdentityProvider.token=t"], cwd=tmp_path, env=environ, stdout=out, stderr=out
        )
    try:
        wait_until(lambda: "127.0.0.1" in log.read_text() or started.poll() is not None, "JupyterLab runs", deadline=60)
        assert started.poll() is None, log.read_text()
        address = next(word for word in log.read_text().split() if word.startswith("http://127.0.0.1"))
        yield address.replace("token=...", "token=t")
    finally:
        end(started)
        subprocess.run([sys.executable, "-c", "from labkit import tidy; tidy()"], env=environ, check=True)


def end(server: subprocess.Popen[bytes]) -> None:
    """Stop JupyterLab as Ctrl-C twice does; a busy one may wait for its kernel for ever, and ends all the same."""
    server.terminate()
    try:
        server.wait(60)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture
def page() -> Iterator[Page]:
    """A tab of the system's Chromium."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this computer")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1180, "height": 1000})
        page.add_locator_handler(page.locator(LOST), lambda dialog: dialog.locator("button").last.click())
        yield page
        browser.close()


def test_the_first_chapter_opens_and_its_first_cells_run(lab: str, page: Page) -> None:
    """JupyterLab opens on chapter 00; run there, a cell shows what the daemon answers and the verdict of a check."""
    page.goto(lab)
    page.wait_for_selector(".jp-Notebook h1:has-text('Start here')", timeout=60000)
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells")
    page.wait_for_selector("text=00.trace leave without a trace", timeout=120000)
    assert page.locator("text=share one kernel").count() + page.locator("text=run on two kernels").count() >= 1
    assert page.locator("text=not answered yet").count() >= 1
