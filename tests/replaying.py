"""Replaying a stack's journal into a scratch stack, and comparing what comes out."""

from __future__ import annotations

import tempfile
from pathlib import Path

import projections
from journal.replay import compare
from journal.stacks import Stacks


def differences(data: Path, name: str) -> list[str]:
    """Return in words where a stack's tables differ from what its journal says they must be."""
    with tempfile.TemporaryDirectory(prefix="cairn-replay-") as scratch:
        live = Stacks(data, projections.find, readonly=True)
        try:
            return [str(difference) for difference in compare(live.get(name), Path(scratch), live.blobs)]
        finally:
            live.close()
