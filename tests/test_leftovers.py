"""What carries the label is found and removed, whatever it is doing; what does not is not touched."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, NotFound

from labkit import images, parts, sandbox
from labkit.daemon import Daemon
from labkit.leftovers import Thing, clean, remove, remove_one, things
from tests.oracles import inspect

SLEEP = ["/bin/sleep", "1000"]


def names(found: list[Thing], kind: str) -> list[str]:
    """The names of one kind among the things that were found."""
    return sorted(thing.name for thing in found if thing.kind == kind)


def reason(found: list[Thing], name: str) -> str:
    """Why the thing of that name was left."""
    return next(thing.left for thing in found if thing.name == name)


class Stranger:
    """Somebody else on the same daemon: what they make has no label, and names that begin like ours."""

    def __init__(self, daemon: Daemon, world: str) -> None:
        self.client, self.world = daemon.client, world
        self.image = f"{world}-theirs:1"
        layer = images.write_layer(images.busybox_files(parts.find(daemon.architecture)))
        self.client.api.import_image_from_data(layer, repository=f"{world}-theirs", tag="1")
        self.made: list[Any] = []

    def create(self, what: str, **options: Any) -> Any:
        """A container that has not been started."""
        made = self.client.containers.create(self.image, SLEEP, name=f"{self.world}-{what}", **options)
        self.made.append(made)
        return made

    def run(self, what: str, **options: Any) -> Any:
        """A running container."""
        made = self.create(what, **options)
        made.start()
        return made

    def close(self) -> None:
        """Take everything along."""
        for made in reversed(self.made):
            made.remove(force=True)
        self.client.images.remove(self.image)


@pytest.fixture
def stranger(daemon: Daemon, world: str) -> Iterator[Stranger]:
    """Somebody else on the same daemon."""
    stranger = Stranger(daemon, world)
    yield stranger
    stranger.close()


# --- pure ---------------------------------------------------------------------------------------------


def fake(**answers: Any) -> Any:
    """A daemon whose API answers each question with a fixed value, and raises it if it is an error."""

    def answer(value: Any) -> Callable[..., Any]:
        def ask(*_: Any, **__: Any) -> Any:
            if isinstance(value, Exception):
                raise value
            return value

        return ask

    empty: dict[str, Any] = {"containers": [], "networks": [], "volumes": {"Volumes": None}, "images": []}
    api = SimpleNamespace(**{name: answer(value) for name, value in (empty | answers).items()})
    return SimpleNamespace(client=SimpleNamespace(api=api))


@pytest.mark.parametrize(
    ("answered", "name"), [(["/other/alias", "/db"], "db"), ([], "0123456789ab"), (None, "0123456789ab")]
)
def test_a_container_has_its_own_name(answered: list[str] | None, name: str) -> None:
    """A container is listed by its own name, not by a link's, and by its id while it has none."""
    container = {"Id": "0123456789abcdef", "Names": answered, "Labels": {"labkit": "demo"}}
    assert [thing.name for thing in things(fake(containers=[container]))] == [name]


def test_an_empty_daemon_has_no_things() -> None:
    """Where the daemon answers null instead of an empty list, nothing is listed."""
    assert things(fake()) == []


def test_an_image_has_each_of_its_tags() -> None:
    """An image is listed once for each tag, and by its id if it has none."""
    listed = [{"Id": "sha256:1", "RepoTags": ["a:1", "b:1"]}, {"Id": "sha256:2", "RepoTags": ["<none>:<none>"]}]
    assert names(things(fake(images=listed)), "image") == ["a:1", "b:1", "sha256:2"]


def test_a_daemon_that_goes_away_is_a_reason() -> None:
    """A connection that breaks in the middle is said beside the thing, and the list goes on."""
    broken = fake(remove_volume=requests.ConnectionError("gone"), remove_network=requests.ReadTimeout("slow"))
    broken.client.api.inspect_network = lambda key: {"Name": key}
    left = remove(broken, [Thing("network", "n", "n"), Thing("volume", "v", "v")])
    assert [thing.left for thing in left] == ["slow", "gone"]


BUSY = APIError("409", explanation="removal of container ab12 is already in progress")


@pytest.mark.parametrize(
    ("answers", "left", "waits"),
    [
        ([BUSY, NotFound("gone")], "", 1),
        ([BUSY, requests.ReadTimeout("slow")], "slow", 1),
        ([BUSY, BUSY, None], "", 2),
        ([BUSY, BUSY, BUSY], BUSY.explanation, 2),
    ],
    ids=["it ends", "the daemon is slow", "it is given up", "it never ends"],
)
def test_a_removal_under_way_is_waited_for(answers: list[Exception | None], left: str, waits: int) -> None:
    """Where a container's removal has begun labkit waits for its end, and sees whether there was one."""
    asked, told = list[Any](), iter(answers)

    def remove_container(key: str, **options: object) -> None:
        if error := next(told):
            raise error

    busy = fake()
    busy.client.api.remove_container = remove_container
    busy.client.api.wait = lambda key, **options: asked.append((key, options["condition"]))
    assert remove_one(busy, "container", "ab12") == left
    assert asked == [("ab12", "removed")] * waits
    assert list(told) == []


# --- containers ---------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("state", ["created", "running", "paused", "exited", "restarting"])
def test_a_container_goes_whatever_it_does(daemon: Daemon, world: str, state: str) -> None:
    """A container is found and removed when created, running, paused, ended, or in a restart loop."""
    policy = {"Name": "always"} if state == "restarting" else None
    command = "exit 1" if state in ("restarting", "exited") else SLEEP
    make = sandbox.create if state == "created" else sandbox.run
    box = make(images.ensure(daemon), command, daemon=daemon, restart_policy=policy)
    if state == "paused":
        daemon.client.api.pause(box.id)
    sandbox.wait_until(lambda: box.status == state, f"{box.name} is {state}")
    assert box.name in names(clean(daemon), "container")
    assert inspect("container", box.id) == {}


@pytest.mark.daemon
def test_a_container_that_removes_itself_goes_once(daemon: Daemon, world: str) -> None:
    """A container with ``--rm`` is gone when removal returns, also when eight ask for it at the same time."""
    box = sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon, auto_remove=True)
    with ThreadPoolExecutor(8) as pool:
        reasons = list(pool.map(lambda _: remove_one(daemon, "container", box.id), range(8)))
    assert set(reasons) == {""}
    assert inspect("container", box.id) == {}


@pytest.mark.daemon
def test_anonymous_volumes_go_with_their_container(daemon: Daemon, world: str) -> None:
    """A volume that only its container knows is removed with it."""
    box = sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon, volumes=["/data"])
    (mount,) = box.inspect()["Mounts"]
    volume = PurePosixPath(mount["Source"]).parts[-2]  # newer engines have no "Name" there
    assert inspect("volume", volume)
    clean(daemon)
    assert inspect("volume", volume) == {}


@pytest.mark.daemon
def test_a_container_cannot_shed_the_label(daemon: Daemon, world: str) -> None:
    """A container of the course's image carries the label however it was made, even with an empty value."""
    made = daemon.client.containers.create(images.ensure(daemon), SLEEP, labels={world: ""})
    assert made.labels == {world: ""}
    clean(daemon)
    assert inspect("container", str(made.id)) == {}


# --- networks and volumes -----------------------------------------------------------------------------


@pytest.mark.daemon
def test_a_network_goes_after_its_containers(daemon: Daemon, world: str) -> None:
    """A network of the course goes in the same round as the course's containers that are attached to it."""
    net = daemon.client.networks.create(f"{world}-net", labels=sandbox.labels("demo"))
    sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon, network=net.name)
    assert not [thing for thing in clean(daemon) if thing.left]
    assert inspect("network", str(net.id)) == {}


@pytest.mark.daemon
@pytest.mark.parametrize("state", ["created", "running", "exited"])
def test_a_network_in_foreign_use_stays(daemon: Daemon, world: str, stranger: Stranger, state: str) -> None:
    """A network with somebody else's container on it stays, even a stopped one, which could not start again."""
    net = daemon.client.networks.create(f"{world}-net", labels=sandbox.labels("demo"))
    theirs = (stranger.create if state == "created" else stranger.run)("guest", network=net.name)
    if state == "exited":
        theirs.kill()
        theirs.wait()
    assert reason(clean(daemon), str(net.name)) == f"used by the container {theirs.name}"
    theirs.start()
    theirs.remove(force=True)
    stranger.made.remove(theirs)


@pytest.mark.daemon
def test_a_volume_goes(daemon: Daemon, world: str) -> None:
    """A labelled volume is removed with what is in it."""
    made = daemon.client.volumes.create(f"{world}-data", labels=sandbox.labels("demo"))
    sandbox.run(images.ensure(daemon), "echo 1 >/data/file", daemon=daemon, volumes=[f"{made.name}:/data"]).wait()
    assert names(clean(daemon), "volume") == [f"{world}-data"]
    assert inspect("volume", f"{world}-data") == {}


@pytest.mark.daemon
def test_a_volume_in_foreign_use_stays(daemon: Daemon, world: str, stranger: Stranger) -> None:
    """A volume that somebody else's container has mounted stays, and the daemon's reason is given."""
    made = daemon.client.volumes.create(f"{world}-data", labels=sandbox.labels("demo"))
    theirs = stranger.create("guest", volumes=[f"{made.name}:/data"])
    assert "in use" in reason(clean(daemon), f"{world}-data")
    theirs.remove()
    stranger.made.remove(theirs)


# --- images -------------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_what_grows_out_of_an_image_has_the_label(daemon: Daemon, world: str) -> None:
    """Images made by commit and by build from the course's image inherit the label, and go too."""
    base = images.ensure(daemon)
    with sandbox.run(base, "echo 1 >/new", daemon=daemon) as box:
        box.wait()
        committed = daemon.client.containers.get(box.id).commit(f"{world}/committed")
    recipe = io.BytesIO(f"FROM {base}\nCMD echo\n".encode())
    daemon.client.images.build(fileobj=recipe, tag=f"{world}/built", rm=True)
    assert world in inspect("image", f"{world}/built")["Config"]["Labels"]
    assert inspect("image", str(committed.id))["Config"]["Labels"][f"{world}.owner"] == "ada"
    expected = [f"{world}/built:latest", images.BUSYBOX, f"{world}/committed:latest"]
    assert names(clean(daemon), "image") == expected
    assert things(daemon) == []


@pytest.mark.daemon
def test_an_image_without_a_name_goes(daemon: Daemon, world: str) -> None:
    """An image whose tag went to a newer one is found by its id and removed, where the engine still has it."""
    older = images.build(daemon)
    newer = images.write(images.BUSYBOX, {"file": images.Item(b"1")}, architecture=daemon.architecture)
    images.load(daemon, newer, "newer")
    assert (older in names(things(daemon), "image")) is (inspect("image", older) != {})
    clean(daemon)
    assert inspect("image", older) == {}


@pytest.mark.daemon
def test_each_tag_of_an_image_goes(daemon: Daemon, world: str) -> None:
    """An image with two tags loses both, and is gone then."""
    image = daemon.client.images.get(images.ensure(daemon))
    image.tag(f"{world}/second", "1")
    clean(daemon)
    assert inspect("image", str(image.id)) == {}


@pytest.mark.daemon
@pytest.mark.parametrize("running", [True, False])
def test_an_image_in_foreign_use_stays(daemon: Daemon, world: str, running: bool) -> None:
    """An image that another owner's container uses is never forced away: it stays with the container's reason."""
    make = sandbox.run if running else sandbox.create
    with make(images.ensure(daemon), SLEEP, daemon=daemon, labels={f"{world}.owner": "bob"}) as bobs:
        before = inspect("container", bobs.id)
        left = clean(daemon, whose="ada")
        assert names(left, "container") == []
        assert f"container {bobs.id[:12]} is using" in reason(left, images.BUSYBOX)
        assert inspect("container", bobs.id) == before
    assert not reason(clean(daemon, whose="ada"), images.BUSYBOX)


# --- what is not ours ---------------------------------------------------------------------------------


@pytest.mark.daemon
def test_nothing_of_a_stranger_is_touched(daemon: Daemon, world: str, stranger: Stranger) -> None:
    """Containers, images, networks and volumes without the label are the same afterwards, whatever their names."""
    net = daemon.client.networks.create(f"{world}-theirs")
    volume = daemon.client.volumes.create(f"{world}-theirs")
    stranger.made += [volume, SimpleNamespace(remove=lambda force: net.remove())]
    stopped, ours = stranger.run("stopped"), sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon)
    stopped.kill()
    stopped.wait()
    running, created = stranger.run("running", labels={f"{world}er": "1", "what": world}), stranger.create("created")
    theirs = [("image", stranger.image), ("network", net.id), ("volume", volume.name)]
    theirs += [("container", made.id) for made in (stopped, running, created)]
    before = [inspect(kind, str(name)) for kind, name in theirs]
    assert {thing.name for thing in clean(daemon)} == {ours.name, images.BUSYBOX}
    assert [inspect(kind, str(name)) for kind, name in theirs] == before


@pytest.mark.daemon
def test_a_dry_run_removes_nothing(daemon: Daemon, world: str) -> None:
    """With ``dry_run`` the list is the same, and everything is still there."""
    box = sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon)
    started = box.inspect()["State"]["StartedAt"]
    assert names(clean(daemon, dry_run=True), "container") == [box.name]
    assert inspect("container", box.id)["State"]["StartedAt"] == started
    assert inspect("image", images.BUSYBOX)


@pytest.mark.daemon
def test_what_another_owner_made_stays(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``whose`` only this owner's things and those without an owner are listed."""
    mine = sandbox.create(images.ensure(daemon), SLEEP, daemon=daemon)
    by_hand = daemon.client.containers.create(images.BUSYBOX, SLEEP, name=f"{world}-by-hand")
    monkeypatch.setenv("LABKIT_LEARNER", "bob")
    sandbox.create(images.BUSYBOX, SLEEP, daemon=daemon)
    assert names(things(daemon, whose="ada"), "container") == sorted([mine.name, str(by_hand.name)])
    assert len(names(things(daemon), "container")) == 3


@pytest.mark.daemon
def test_only_what_is_named_so(daemon: Daemon, world: str) -> None:
    """With ``named`` only the things whose name begins so are removed."""
    one, other = (sandbox.create(images.ensure(daemon), SLEEP, daemon=daemon, what=what) for what in ("one", "other"))
    assert [thing.name for thing in clean(daemon, named=f"{world}-one")] == [one.name]
    assert inspect("container", other.id)


@pytest.mark.daemon
def test_what_is_gone_is_no_failure(daemon: Daemon) -> None:
    """Removing what somebody else removed meanwhile succeeds, for each kind."""
    kinds = ("container", "network", "volume", "image")
    assert [remove_one(daemon, kind, "labkit-test-never-there") for kind in kinds] == ["", "", "", ""]
