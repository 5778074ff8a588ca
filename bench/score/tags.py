"""Which scenes have which tag, so that a score can be told of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def members(tags: Mapping[str, Mapping[str, str]], scenes: Sequence[str]) -> dict[str, list[bool]]:
    """Return which scenes have which tag, for tags that part the scenes.

    Args:
        tags: Scene id to its tags.
        scenes: Ids of the scenes that count.

    Returns:
        ``KEY=VALUE`` to one truth value per scene, keys and values in their own order; nothing of a key that all
        scenes have the same value of.
    """
    found: dict[str, dict[str, list[bool]]] = {}
    for key in sorted({key for scene in scenes for key in tags.get(scene, ())}):
        values = [tags.get(scene, {}).get(key) for scene in scenes]
        if len(set(values)) > 1:
            found[key] = {v: [v == other for other in values] for v in sorted(set(filter(None, values)))}
    return {f"{key}={value}": mask for key, by_value in found.items() for value, mask in by_value.items()}
