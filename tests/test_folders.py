"""Many folders in one question: both hosts tell the same, and what is told of one is never taken for another's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors
from labkit.daemon import Daemon
from labkit.folders import read_names
from labkit.helper import HelperHost
from labkit.host import Host, Names
from labkit.inside.layers import read_layers
from tests.hostfiles import HostFiles, word
from tests.inside.layerings import FOLDER, OPAQUE, WHITEOUT, Node
from tests.inside.test_union import loaded
from tests.test_host import NAMES

NOTHING = Names([], [], [])

# --- Answers --------------------------------------------------------------------------------------------------

names = st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=5).filter(
    lambda name: name not in (".", "..")
)
folders = st.dictionaries(names, st.dictionaries(names, st.sampled_from([1, 2, 3]), max_size=4), max_size=5)


@given(folders, st.booleans(), st.sets(names, max_size=3))
def test_types_are_told_by_repetition(listed: dict[str, dict[str, int]], whole: bool, missing: set[str]) -> None:
    """Whether find prints names or whole paths, each name comes back under its folder, by how often it was printed."""
    answer = ""
    for folder, times in listed.items():
        answer += f"./{folder}/.\0"
        answer += "".join((f"./{folder}/./{name}\0" if whole else f"{name}\0") * count for name, count in times.items())
    paths = [*listed, *(missing - listed.keys())]
    expected = [Names(*([n for n, c in listed[p].items() if c == want] for want in (2, 3, 1))) for p in listed]
    assert list(read_names(answer, paths)) == expected + [NOTHING] * (len(paths) - len(listed))


# --- Both hosts -----------------------------------------------------------------------------------------------


@pytest.fixture(params=["GNU find", "busybox"])
def finding(request: pytest.FixtureRequest, host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Each host, and the helper also where the daemon's host has no find that prints types."""
    if request.param == "busybox":
        if not isinstance(host, HelperHost):
            pytest.skip("only the helper asks find")
        host.close()
        monkeypatch.setattr("labkit.folders._FIND", "export find=find print=-print0; ")
    yield host
    host.close()


def sorted_out(found: Names) -> Names:
    """The same names in order."""
    return Names(*map(sorted, found))


@pytest.mark.daemon
def test_names_come_with_their_types(finding: Host, files: HostFiles) -> None:
    """Directories, whiteouts and everything else are told apart, with any bytes in the names, and the empty folder."""
    odd = [word(name) for name in NAMES.values()]
    files.do(f"mkdir -p all empty {' '.join(f'all/{name}' for name in odd)}; cd all; mknod w c 0 0; mknod c c 0 1")
    files.do("cd all; mknod b b 0 0; mkfifo p; ln -s empty l; touch f; mkdir deep; touch deep/er")
    found = list(finding.names(files.path, ["all", "empty", "none", "all/f", "all/deep"]))
    inner = sorted([name.decode(errors="surrogateescape") for name in NAMES.values()] + ["deep"])
    expected = Names(inner, ["w"], sorted(["c", "b", "p", "l", "f"]))
    assert list(map(sorted_out, found)) == [expected, NOTHING, NOTHING, NOTHING, Names([], [], ["er"])]


@pytest.mark.daemon
def test_entries_are_those_of_stat(host: Host, files: HostFiles) -> None:
    """Each file in each folder is described as `stat()` describes it, under its path on the host."""
    odd = " ".join(f"two/{word(name)}" for name in NAMES.values())
    files.do(f"mkdir -p one two empty; mkfifo one/p; ln -s none two/l; mkdir {odd}")
    found = list(host.entries(files.path, ["two", "empty", "none", "one"]))
    assert [len(entries) for entries in found] == [1 + len(NAMES), 0, 0, 1]
    assert all(entry == host.stat(entry.path) for entries in found for entry in entries)


@pytest.mark.daemon
def test_many_folders_are_one_question(host: Host, files: HostFiles) -> None:
    """The names in more folders than fit into one command's words are told completely."""
    count = 6000
    files.do(f"for n in $(seq {count}); do echo d$n/e$n; done | xargs mkdir -p")
    found = host.names(files.path, [f"d{n}" for n in range(1, count + 1)])
    assert [names.folders for names in found] == [[f"e{n}"] for n in range(1, count + 1)]


@pytest.mark.daemon
def test_the_kernel_tells_which_folders_are_opaque(daemon: Daemon, host: Host) -> None:
    """Those folders of a layer are opaque that its tar says so of, and neither those around nor those beside them."""
    closed = Node(OPAQUE, 0o700, 7)
    layer = {
        "a": FOLDER,
        "a/open": FOLDER,
        "a/ \n'": closed,
        "f": FOLDER,
        "f/\udcff": closed,
        "-n": closed,
        "w": Node(WHITEOUT),
    }
    with loaded(daemon, [{}, layer]) as box:
        directory = read_layers(host, box).layers[1].directory
        paths = [path for path in layer if path != "w"]
        found = host.opaque(directory, paths)
        assert found == {path for path in paths if layer[path].kind == OPAQUE}


@pytest.mark.daemon
def test_of_no_folder_nothing_is_asked(host: Host) -> None:
    """Of no folders there is nothing to tell, and nothing is opaque."""
    assert list(host.names("/", [])) == []
    assert list(host.entries("/", [])) == []
    assert host.opaque("/", []) == set()


@pytest.mark.daemon
def test_a_base_that_is_missing_is_an_error(host: Host) -> None:
    """Where the folder above all others is gone, the error says so, instead of calling everything open."""
    with pytest.raises(errors.PathMissing):
        host.opaque("/none", ["a"])
