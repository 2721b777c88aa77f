"""The image for hubs, built and run as a hub does: an ordinary user without any privilege, one processor, 2 GB."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.daemon import Daemon
from labkit.sandbox import wait_until
from tests import chapters, hub
from tests.hub import Pod, Say

TOKEN = "needle"
LAB = ["jupyter-lab", "--ip=0.0.0.0", "--port=8888", "--no-browser", f"--IdentityProvider.token={TOKEN}"]
STATUS = "http://127.0.0.1:8888/user/ada/api/status"

pytestmark = [pytest.mark.machine, pytest.mark.daemon]


@pytest.fixture(scope="module")
def pod(daemon: Daemon, hub_image: str) -> Iterator[Pod]:
    """A visitor's container, a moment after its start."""
    with hub.pod(daemon, hub_image, *LAB, "--ServerApp.base_url=/user/ada/") as visitor:
        yield visitor


def answer(pod: Pod, address: str, token: str) -> int:
    """Return the HTTP status that a server in the pod answers with; 0 if it does not answer."""
    asks = (
        f"import requests; print(requests.get({address!r}, headers={{'Authorization': 'token {token}'}}).status_code)"
    )
    status, said = pod.tell("python3", "-c", asks)
    return int(said) if status == 0 else 0


def test_a_visitor_finds_server_and_machine(pod: Pod, say: Say) -> None:
    """JupyterLab answers whom it knows, and the machine comes up beside it, confined, and ends with it."""
    began = time.monotonic()
    wait_until(lambda: answer(pod, STATUS, TOKEN) == 200, "JupyterLab answers", deadline=120)
    say(f"JupyterLab answers {time.monotonic() - began:.1f} s after the start")
    wait_until(lambda: pod.status()["phase"] not in ("starting", "down"), "the machine is up", deadline=120)
    found = pod.status()
    say(pod.run("cat", "/home/jovyan/.machine.log").splitlines()[0])
    assert answer(pod, STATUS, "guess") == 403
    assert (found["phase"], found["owner"] > 0, "Landlock" in found["confined"]) == ("up", True, True)


KERNEL = """
import json, sys, time, requests
from jupyter_client import BlockingKernelClient
from jupyter_core.paths import jupyter_runtime_dir
lab = requests.Session()
lab.headers["Authorization"] = "token {token}"
kernel = lab.post("{server}/api/kernels", json={{}}).json()["id"]
client = BlockingKernelClient(connection_file=f"{{jupyter_runtime_dir()}}/kernel-{{kernel}}.json")
client.load_connection_file()
client.start_channels()
client.wait_for_ready(60)
reply = client.execute_interactive("import matplotlib.pyplot, labkit; print(labkit.connect(quiet=True).report())")
assert reply["content"]["status"] == "ok"
"""


def test_it_all_fits_into_450_mb(pod: Pod, say: Say) -> None:
    """Server, machine and one kernel that asked the daemon hold at most 450 MB, with the guest's memory counted."""
    wait_until(lambda: pod.status()["phase"] == "up", "the machine is up", deadline=120)
    report = pod.run("python3", "-c", KERNEL.format(token=TOKEN, server=STATUS.removesuffix("/api/status")))
    assert "the course's own machine" in report
    found = pod.memory()
    say(f"memory in MB: {found}")
    assert found["everything"] <= 450


@pytest.mark.parametrize("number", chapters.FILES)
def test_the_chapters_run_there(number: str, pod: Pod, say: Say) -> None:
    """With the reference answers every check passes and every other cell prints what is stored, on one processor."""
    name, rules = chapters.FILES[number].name, "sanitize.cfg"
    solved = nbformat.writes(chapters.solved(number)).encode()
    pod.put({name: solved, rules: (chapters.ROOT / "tests" / rules).read_bytes()})
    words = "python3 -m pytest -q -p no:cacheprovider -c /opt/labkit/course/pyproject.toml --nbval --nbval-current-env"
    more = f"--nbval-cell-timeout=120 --nbval-sanitize-with /tmp/{rules} /tmp/{name}"
    last = pod.run(*words.split(), *more.split()).splitlines()[-1]
    say(f"chapter {number}: {last}; memory in MB: {pod.memory()}")
    assert re.fullmatch(rf"{len(chapters.code_cells(chapters.chapter(number)))} passed in .*", last)


HUB = """
import http.server, json, os, subprocess, threading, time, requests

class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        user = {"name": "ada", "kind": "user", "admin": False, "groups": [], "scopes": ["access:servers"]}
        self.wfile.write(json.dumps({"version": "5"} | user).encode())
    do_POST = do_GET

hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
threading.Thread(target=hub.serve_forever, daemon=True).start()
said = {
    "API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api", "API_TOKEN": "t", "BASE_URL": "/", "HOST": "",
    "CLIENT_ID": "jupyterhub-user-ada", "USER": "ada", "SERVICE_PREFIX": "/user/ada/",
    "SERVICE_URL": "http://127.0.0.1:8889/user/ada/", "OAUTH_ACCESS_SCOPES": '["access:servers"]',
}
environ = os.environ | {f"JUPYTERHUB_{name}": value for name, value in said.items()}
server = subprocess.Popen(["jupyterhub-singleuser"], env=environ)
while server.poll() is None:
    try:
        header = {"Authorization": "token of a learner"}
        print(requests.get(said["SERVICE_URL"] + "api/status", headers=header).status_code)
        server.terminate()
        server.wait()
    except requests.ConnectionError:
        time.sleep(0.2)
"""


def test_a_hubs_server_starts(pod: Pod) -> None:
    """`jupyterhub-singleuser` asks its hub who comes, and lets them in: here a hub of ten lines says that it is ada."""
    assert pod.run("timeout", "60", "python3", "-c", HUB).splitlines()[-1] == "200"


def test_nothing_is_left_of_a_pod_that_was_stopped(pod: Pod, say: Say) -> None:
    """`docker stop` ends the server at once, and with it kernel, network and supervisor of the machine."""
    pids = [int(row[1]) for row in pod.container.top(ps_args="-eo user,pid,args")["Processes"]]
    assert any(b"uml" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)
    began = time.monotonic()
    pod.container.stop(timeout=60)
    say(f"stopped after {time.monotonic() - began:.1f} s")
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


OTHERWISE = [
    pytest.param({"environment": {"LABKIT_MACHINE_PARTS": "/nowhere"}}, id="no machine"),
    pytest.param({"user": "4321"}, id="another user"),
    pytest.param({"tmpfs": {"/home/jovyan": "uid=1000,mode=0700"}}, id="an empty home"),
]


@pytest.mark.parametrize("other", OTHERWISE)
def test_the_server_starts_whatever_the_hub_does(other: dict[str, Any], daemon: Daemon, hub_image: str) -> None:
    """Without a machine, as another user, and with an empty volume as home, the server starts and has the chapters."""
    settings = {**hub.POD, **other, "detach": False, "remove": True}
    said = daemon.client.containers.run(hub_image, ["sh", "-c", "ls ~/notebooks && touch ~/notebooks/mine"], **settings)
    assert said.decode().split() == sorted(path.name for path in chapters.FILES.values())
