"""The supervisor's own steps, apart from a real guest."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from labkit.machine.places import Places
from labkit.machine.supervisor import _boots


def test_the_memorys_folder_stays_until_the_guest_uses_its_network(tmp_path: Path) -> None:
    """The kernel makes files beside its memory long after its console is there; the folder waits for the network."""
    where = Places("machine", tmp_path / "state", tmp_path / "run")
    (where.run / "guest" / "kernel").mkdir(parents=True)
    (where.run / "guest" / "kernel" / "mconsole").touch()
    memory = tempfile.TemporaryDirectory[str](dir=tmp_path)

    async def boot() -> bool:
        waiting = asyncio.create_task(_boots(where, memory))
        await asyncio.wait([waiting], timeout=0.05)
        there = not waiting.done() and Path(memory.name).is_dir()
        (where.run / "network").touch()
        await waiting
        return there

    assert asyncio.run(boot())
    assert not Path(memory.name).exists()
