"""What maintainers found of a board's entries: re-scored from their evidence, or run again; kept beside them.

An entry that has changed since is another entry: what is kept holds for the bytes that were looked at.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bench.errors import BadRecord, said
from bench.files import write_atomic
from bench.hashing import sha256_file
from bench.keep.entry import VERIFIED

Status = Literal["re-run", "re-scored", "unverified"]


@dataclass(frozen=True)
class Checked:
    """What was found of one entry.

    Attributes:
        sha256: Of the bytes that were looked at.
        images: How many images were run again with the same evidence; 0 where it was scored again only.
    """

    sha256: str
    images: int


@dataclass(frozen=True)
class Filed:
    """Where a board has a record.

    Attributes:
        address: Of its file, or of the entry that brought it, relative to the site.
        status: What was found of it. A record by itself lies apart from its evidence: it is unverified.
    """

    address: str
    status: Status = "unverified"


def keep(board: Path, name: str, sha256: str, *, images: int) -> None:
    """Write down that an entry was verified.

    Args:
        board: The board's folder of records.
        name: The entry's file name there.
        sha256: Of its bytes.
        images: How many images were run again.

    Raises:
        BadRecord: If what is kept already cannot be read.
        OutputError: If it cannot be written.
    """
    known = _read(board)
    before = known.get(name)
    if before is not None and before.sha256 == sha256:
        images = max(images, before.images)
    known[name] = Checked(sha256, images)
    values = {name: asdict(known[name]) for name in sorted(known)}
    write_atomic(board / VERIFIED, (json.dumps(values, indent=1) + "\n").encode())


def statuses(board: Path) -> dict[str, Status]:
    """Return what is known of each entry of a board, by its file name.

    Raises:
        BadRecord: If what is kept cannot be read.
    """
    known = _read(board)
    found: dict[str, Status] = {}
    for path in sorted(board.glob("*.zip")):
        checked = known.get(path.name)
        if checked is None or checked.sha256 != sha256_file(path):
            found[path.name] = "unverified"
        else:
            found[path.name] = "re-run" if checked.images else "re-scored"
    return found


def _read(board: Path) -> dict[str, Checked]:
    path = board / VERIFIED
    try:
        values = json.loads(path.read_bytes())
        return {name: Checked(str(value["sha256"]), int(value["images"])) for name, value in values.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadRecord(f"{path} cannot be read: {said(error)}; remove it and verify again") from None
