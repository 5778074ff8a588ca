"""Objects that a script hands over instead of a name, and how other processes get them.

An object is named ``object:DIGEST`` within the process that handed it over, and in the workers that it starts; what it
depends on is said in :mod:`bench.object_key`.
"""

from __future__ import annotations

import contextlib
import pickle
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import ANYTHING, BadConfig, said
from bench.hashing import content_key
from bench.object_key import fingerprint, is_own
from bench.vocabulary import OBJECT


@dataclass(frozen=True)
class Given:
    """An object that a script handed over.

    Attributes:
        digest: Of all that it depends on.
        file: What other processes read it from; None where it cannot be sent to any.
    """

    digest: str
    file: Path | None = None


#: The objects of this process that are being worked with.
_objects: dict[str, Any] = {}
_given: dict[str, Given] = {}


@contextlib.contextmanager
def handed_over(objects: Mapping[str, Any], folder: Path) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Make objects known to this process and to those that it starts, for as long as they are worked with.

    Args:
        objects: By the names that they are to have.
        folder: Where they are kept for other processes meanwhile.

    Yields:
        By name, how each is written; and of those that cannot be sent to other processes, why.
    """
    digests: dict[str, str] = {}
    stuck: dict[str, str] = {}
    for name, found in objects.items():
        digest = digests[name] = content_key(fingerprint(found))[:16]
        file = folder / f"{digest}.pickle"
        try:
            file.write_bytes(_pickled(found))
        except ANYTHING as error:  # anyone's object
            stuck[name] = said(error)
        _objects[digest], _given[digest] = found, Given(digest, None if name in stuck else file)
    try:
        yield {name: f"{OBJECT}:{digest}" for name, digest in digests.items()}, stuck
    finally:
        for digest in digests.values():
            _objects.pop(digest, None)
            _given.pop(digest, None)


def given_of(digest: str) -> Given:
    """Return what stands for an object.

    Raises:
        BadConfig: If no such object is being worked with in this process.
    """
    if digest not in _given:
        raise BadConfig(
            f"{OBJECT}:{digest} was an object that a script handed to bench.run, which is not here any more: "
            f"hand it over again, or put it into a file and write my.py:NAME"
        )
    return _given[digest]


def receive(given: Given) -> None:
    """Make an object known in this process that the process which started it was handed."""
    _given.setdefault(given.digest, given)


def open_given(given: Given) -> Any:
    """Return an object of one's own to work with; the script's stays as it is.

    Raises:
        BadConfig: If this process cannot make it of what the script's process wrote.
    """
    import copy

    if given.digest in _objects:
        # Unpickled where it was pickled, it would give its class methods that see the script's names no more.
        found = _objects[given.digest]
        with contextlib.suppress(Exception):  # what cannot be copied is worked with itself
            return copy.deepcopy(found)
        return found
    assert given.file is not None  # where it has none, the work stays in the process that has the object
    try:
        return pickle.loads(given.file.read_bytes())  # written by the process that started this one
    except ANYTHING as error:
        raise BadConfig(f"{OBJECT}:{given.digest} cannot be read here: {said(error)}") from error


def _pickled(found: Any) -> bytes:
    """Pickle an object together with the modules of the user's own that it comes from: a worker may not find them."""
    import cloudpickle

    own = [module for name, module in list(sys.modules.items()) if name != "__main__" and is_own(name)]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(found))
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)
