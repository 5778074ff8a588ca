"""What is known of scenes beside their annotations (weather, time of day, city), and picking scenes by it."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from bench.data.base import DataSet, Scene
from bench.errors import BadConfig, BadData, some

AnySet = TypeVar("AnySet", bound=DataSet)

#: Tags that say what the weather is: BDD100K's, ACDC's, and those of one's own files.
_WEATHER = ("weather", "condition")
#: Words of such tags for weather that takes something from an image, and for weather that does not.
_WET = {"rain", "rainy", "snow", "snowy", "fog", "foggy", "haze", "hazy", "mist", "sleet", "hail", "storm"}
_FINE = {"clear", "sunny", "overcast", "partly cloudy", "cloudy"}


def parse_where(text: str) -> dict[str, tuple[str, ...]]:
    """Read what a user wrote after ``--where``.

    Args:
        text: ``KEY=VALUE``, separated by commas; a key given several times takes any of its values.

    Returns:
        Key to the values that are asked for.

    Raises:
        BadConfig: If a part is no ``KEY=VALUE``.
    """
    wanted: dict[str, list[str]] = defaultdict(list)
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (word.strip() for word in part.partition("="))
        if not (key and equals and value):
            raise BadConfig(f"--where {part}: write KEY=VALUE, such as weather=rainy")
        wanted[key].append(value)
    return {key: tuple(dict.fromkeys(values)) for key, values in wanted.items()}


def pick(data: AnySet, where: str) -> AnySet:
    """Return a data set with those of its scenes that have some tags, named after them.

    Raises:
        BadConfig: If ``where`` cannot be read.
        BadData: If no scene has such a tag, or none has all of them at once.
    """
    wanted = parse_where(where)
    if not wanted:
        return data
    for key, values in wanted.items():
        _check_known(data, key, values)
    scenes = [s for s in data.scenes if all(s.tags.get(key) in values for key, values in wanted.items())]
    said = ",".join(f"{key}={value}" for key, values in wanted.items() for value in values)
    if not scenes:
        raise BadData(
            f"--where {where}: each of them is a tag of {data.name}, but no scene has all: drop one"
        )
    return replace(data.only(scenes), name=f"{data.name}[{said}]")


def _check_known(data: DataSet, key: str, values: Sequence[str]) -> None:
    known = Counter(scene.tags[key] for scene in data.scenes if key in scene.tags)
    if not known:
        keys = list(dict.fromkeys(key for scene in data.scenes for key in scene.tags))
        there = f"its tags are {some(keys)}" if keys else "its scenes have no tags"
        raise BadData(f"--where {key}={values[0]}: no scene of {data.name} has a tag {key}: {there}")
    for value in values:
        if value not in known:
            close = difflib.get_close_matches(value, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "there are"
            counts = some(f"{name} ({count})" for name, count in known.most_common())
            raise BadData(f"--where {key}={value}: no scene of {data.name} is tagged so: {hint} {counts}")


def weather_of(scenes: Sequence[Scene], *, wet: bool) -> dict[str, int]:
    """Return how many scenes are tagged as in weather that takes something from an image, or as in none.

    Args:
        scenes: The scenes.
        wet: Which of the two is asked for.

    Returns:
        ``KEY=VALUE`` to a count; of words that are known for neither there is nothing.
    """
    words = _WET if wet else _FINE
    return dict(
        Counter(
            f"{key}={scene.tags[key]}"
            for scene in scenes
            for key in _WEATHER
            if scene.tags.get(key, "").lower() in words
        )
    )
