"""What an image says of its layers: their names, their commands, and where its configuration is found."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pytest

from labkit import errors
from labkit.daemon import Daemon
from labkit.endpoint import Endpoint
from labkit.images import digest
from labkit.inside.config import Config, chain_ids, read_commands, read_config, read_documents

LAYERS = ["sha256:" + letter * 64 for letter in "abc"]
HISTORY = [
    {"created_by": "ADD rootfs /"},
    {"created_by": "ENV x=y", "empty_layer": True},
    {"created_by": "RUN true"},
    {},
    {"created_by": "CMD sh", "empty_layer": True},
]


def test_a_chain_id_is_made_of_the_one_below() -> None:
    """The lowest is its diff-id; the next is the digest of the one below, a blank, and the diff-id."""
    found = chain_ids(LAYERS)
    assert found[0] == LAYERS[0]
    for below, diff_id, chain_id in zip(found, LAYERS[1:], found[1:], strict=False):
        assert chain_id == "sha256:" + hashlib.sha256(f"{below} {diff_id}".encode()).hexdigest()
    assert chain_ids([]) == []


def test_a_line_that_made_no_layer_is_left_out() -> None:
    """Of five lines of a history those that made the three layers are told, a line without words as an empty one."""
    assert read_commands({"history": HISTORY}, 3) == ("ADD rootfs /", "RUN true", "")


@pytest.mark.parametrize("document", [{}, {"history": None}, {"history": []}, {"history": HISTORY[:2]}])
def test_a_history_that_does_not_fit_tells_nothing(document: Any) -> None:
    """Without a history, or with one of fewer lines than there are layers, nobody knows which line made which layer."""
    assert read_commands(document, 3) == ("", "", "")


# --- Where it is found ------------------------------------------------------------------------------------


class Blobs(dict[str, bytes]):
    """A store that is a dictionary."""

    def add(self, document: object) -> dict[str, str]:
        """Keep a document; return what points to it."""
        text = json.dumps(document).encode()
        self[digest(text)] = text
        return {"digest": digest(text)}

    def read(self, name: str) -> bytes:
        """What is kept, or the host's error."""
        if name not in self:
            raise errors.PathMissing(f"{name} does not exist.", "")
        return self[name]


class Refused(Exception):
    """As docker-py tells that the daemon says no."""

    def __init__(self, status_code: int) -> None:
        super().__init__("said the daemon")
        self.status_code = status_code


def daemon(facts: dict[str, Any] | Exception) -> Daemon:
    """A daemon that answers one question about images."""

    def inspect_image(name: str) -> dict[str, Any]:
        if isinstance(facts, Exception):
            raise facts
        return facts

    client: Any = SimpleNamespace(api=SimpleNamespace(inspect_image=inspect_image))
    return Daemon(Endpoint("unix:///run/docker.sock", "the test"), client, (), {})


def configuration(layers: list[str], word: str) -> dict[str, Any]:
    """An image's configuration, with a history in which each line is the word."""
    return {"rootfs": {"diff_ids": layers}, "config": {}, "history": [{"created_by": word}] * len(layers)}


def test_the_configuration_is_found_by_its_own_digest() -> None:
    """In the older store an image's id is the digest of its configuration."""
    blobs = Blobs()
    name = blobs.add(configuration(LAYERS, "RUN"))["digest"]
    found = read_config(daemon({"Id": name, "RootFS": {"Layers": LAYERS}}), "web", blobs.read)
    assert found == Config(name, tuple(LAYERS), ("RUN",) * 3)


def test_the_configuration_is_found_through_an_index() -> None:
    """In containerd's store the id leads to manifests, and that counts whose layers the daemon tells."""
    blobs = Blobs()
    other, ours = ({"config": blobs.add(configuration(ids, ids[0][:9]))} for ids in (LAYERS[1:], LAYERS))
    manifests = [{"digest": "sha256:missing"}, blobs.add(other), blobs.add(ours)]
    name = blobs.add({"manifests": manifests})["digest"]
    found = read_config(daemon({"Id": name, "RootFS": {"Layers": LAYERS}}), "web", blobs.read)
    assert found.commands == ("sha256:aa",) * 3


def test_without_its_configuration_an_image_has_no_commands() -> None:
    """Where the store does not have it, the daemon's word on the layers is all there is."""
    found = read_config(daemon({"Id": "sha256:1", "RootFS": {"Layers": LAYERS}}), "web", Blobs().read)
    assert found == Config("sha256:1", tuple(LAYERS), ("", "", ""))


def test_an_image_may_have_no_layers() -> None:
    """What the daemon tells of an image without layers is nothing, or null."""
    for facts in ({"Id": "sha256:1"}, {"Id": "sha256:1", "RootFS": {"Type": "layers", "Layers": None}}):
        assert read_config(daemon(facts), "web", Blobs().read) == Config("sha256:1")


def test_documents_do_not_lead_round_in_circles() -> None:
    """A store in which an index leads to itself is left after three documents."""
    assert len(list(read_documents("x", lambda _: b'{"manifests": [{"digest": "x"}]}'))) == 3


@pytest.mark.parametrize("status", [400, 404])
def test_an_image_that_is_missing_is_an_error(status: int) -> None:
    """If the daemon has no image of that name, or takes it for none, the error says the name."""
    with pytest.raises(errors.ImageError, match="no image 'web'"):
        read_config(daemon(Refused(status)), "web", Blobs().read)


def test_other_errors_are_not_taken_for_a_missing_image() -> None:
    """What the daemon says beside that is passed on."""
    with pytest.raises(Refused):
        read_config(daemon(Refused(500)), "web", Blobs().read)
