"""A few scenes as pictures: clean, rainy and restored, with what a model sees in each.

For looking, not for scoring: photos of real rain have no ground truth, and a table hides what a network does to a face.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.data import open_data
from bench.data.base import DataSet, Scene
from bench.deadline import unit
from bench.engine.suite import ModelChoice
from bench.engine.versions import read_variant, restore, setting_of
from bench.errors import BadConfig, BadData, unknown
from bench.keep.records import read_records, variant_name
from bench.rain import BroughtRain, Rain, parse_rain
from bench.vocabulary import CLEAN, CLEAN_IMAGES, NONE, OWN
from downstream.tasks.base import Drawing, Metric

if TYPE_CHECKING:
    from reports.figures.panels import Crop, Panel


@dataclass(frozen=True)
class View:
    """What to show.

    Attributes:
        data: ``street`` or ``KIND:DIR``.
        split: The data set's split; None takes the kind's default.
        rain: The rain; of no effect where the data brings its own.
        seed: Seeds the rain.
        derainers: ``[LABEL=]NAME[:ARG]``, separated by commas; may be empty.
        model: The network whose boxes or classes are drawn; None draws none.
        device: ``auto``, ``cpu`` or ``cuda``.
        trust: SHA-256 of checkpoints that may be unpickled, commas between several.
    """

    data: str = "street"
    split: str | None = None
    rain: str = "streaks:medium"
    seed: int = 0
    derainers: str = ""
    model: ModelChoice | None = None
    device: str = "auto"
    trust: str | None = None


def make_panels(
    view: View, scenes: Sequence[str] = (), count: int = 3, run: Path | None = None
) -> list[list[Panel]]:
    """Restore some scenes and let the model look at every version.

    Args and errors are those of :func:`restore_scenes`.

    Returns:
        Each scene's panels: clean (where known), none, each derainer.
    """
    see = _seer(view)
    return [
        [see(scene, label, image, versions.get(CLEAN)) for label, image in versions.items()]
        for scene, versions in restore_scenes(view, scenes, count, run).items()
    ]


def restore_scenes(
    view: View, scenes: Sequence[str] = (), count: int = 3, run: Path | None = None
) -> dict[str, dict[str, np.ndarray]]:
    """Restore some scenes.

    Args:
        view: What to show.
        scenes: Ids of the scenes; empty chooses ``count`` of them.
        count: How many to choose: by the records of ``run`` (largest gain, largest loss and median change from the
            rainy to the last derainer, in the score of the task that looks, else in PSNR on Y), else the first ones.
        run: The --out folder of a run over the same variant.

    Returns:
        Scene id to its versions: clean (where known), none, each derainer.

    Raises:
        BenchError: If a choice is wrong.
    """
    from derainers import load_derainer, parse_derainers
    from derainers.harness.compound import of_variant

    data = open_data(view.data, view.split)
    rain = _rain(view, data)
    specs = parse_derainers(view.derainers) if view.derainers else ()
    variant = (data.name, rain.name, view.seed)
    names = scenes or (
        _choose(run, [spec.label for spec in specs], count, variant, _headline(view))
        if run is not None
        else [scene.id for scene in data.scenes[:count]]
    )
    chosen = _scenes(data, names)
    there = rain.of(replace(data, scenes=tuple(chosen))) if isinstance(rain, BroughtRain) else rain
    setting = setting_of(data, rain)
    derainers = [
        (s.label, of_variant(load_derainer(s, device=view.device, trust=view.trust), setting)) for s in specs
    ]
    result = {}
    for scene in chosen:
        clean, rainy = read_variant(data, there, view.seed, scene)
        versions = {CLEAN: clean} if clean is not None else {}
        versions[NONE] = rainy
        versions |= {label: restore(derainer, [scene.id], [rainy])[0] for label, derainer in derainers}
        result[scene.id] = versions
    return result


def keep_samples(view: View, versions: Mapping[str, Mapping[str, np.ndarray]], folder: Path) -> None:
    """Keep restored scenes for the leaderboard's before/after slider.

    Args:
        view: What the scenes were restored with.
        versions: From :func:`restore_scenes`.
        folder: The board's folder of samples.

    Raises:
        OutputError: If the folder cannot be written to.
    """
    from bench.keep.records import variant_name
    from reports.board.samples import write_sample

    data = open_data(view.data, view.split)
    for scene, images in versions.items():
        write_sample(folder, variant_name(data.name, _rain(view, data).name, view.seed), scene, images)


def draw(
    panels: Sequence[Sequence[Panel]], path: Path, *, crops: bool = False, crop: Crop | None = None
) -> None:
    """Write panels as one picture, a PNG, SVG or PDF by the file's ending.

    Args:
        panels: From :func:`make_panels`.
        path: The file.
        crops: Show under each scene the window that the last derainer changed most.
        crop: Show this window of each scene instead.

    Raises:
        BadConfig: If no format has this ending, or the window is not inside a scene.
        OutputError: If the file cannot be written.
    """
    import io

    from bench.files import ensure_folder, write_atomic
    from reports.figures.panels import draw_panels, largest_change
    from reports.figures.style import METADATA, drawing, picture_format

    form = picture_format(path)
    windows: list[Crop] = []
    for row in panels if crops or crop else ():
        height, width = row[0].image.shape[:2]
        if crop is None:
            rainy = next(panel for panel in row if panel.label == NONE)
            windows.append(largest_change(rainy.image, row[-1].image, width // 3, height // 3))
        elif crop.left + crop.width > width or crop.top + crop.height > height:
            where = f"{crop.left},{crop.top},{crop.width},{crop.height}"
            raise BadConfig(f"--crop {where} is not inside scene {row[0].scene}, which is {width}x{height}")
        else:
            windows.append(crop)
    with drawing():
        buffer = io.BytesIO()
        draw_panels(panels, windows).savefig(buffer, format=form, dpi=130, metadata=METADATA[form])
    ensure_folder(path.parent)
    write_atomic(path, buffer.getvalue())


def _seer(view: View) -> Callable[[str, str, np.ndarray, np.ndarray | None], Panel]:
    """Return what makes a panel of a scene's version: what the model sees, right and wrong, and what it scores."""
    from bench.engine.judged import drawing, score
    from downstream.models import load_model
    from downstream.tasks import all_tasks, find_task
    from reports.figures.panels import Panel

    data = open_data(view.data, view.split)
    scenes = {scene.id: scene for scene in data.scenes}
    measured: list[tuple[Any, Any]] = [(task, None) for task in all_tasks() if task.always]
    looking = None
    if view.model is not None:
        choice, task = view.model, find_task(view.model.task)
        looking = (
            task,
            load_model(
                task.about.name, choice.name, choice.checkpoint, view.device, view.trust, choice.classes
            ),
        )
        measured.append(looking)

    def see(scene: str, label: str, image: np.ndarray, clean: np.ndarray | None) -> Panel:
        with unit(f"scene {scene}", "look at"):
            found = Drawing() if looking is None else drawing(*looking, data, scenes[scene], image)
        scored = [
            score(task, model, data, scenes[scene], image, clean)
            for task, model in measured
            if clean is not None or CLEAN_IMAGES not in task.needs
        ]
        return Panel(
            label,
            image,
            boxes=found.boxes,
            names=found.names,
            mask=found.mask,
            verdicts=found.verdicts,
            wrong=found.wrong,
            scene=scene,
            note=", ".join(filter(None, scored)),
        )

    return see


def _rain(view: View, data: DataSet) -> Rain:
    return parse_rain(OWN if data.own_rain else view.rain)


def _scenes(data: DataSet, names: Sequence[str]) -> list[Scene]:
    by_id = {scene.id: scene for scene in data.scenes}
    for name in names:
        if name not in by_id:
            raise unknown(f"scene of {data.name}", name, by_id)
    return [by_id[name] for name in names]


def _headline(view: View) -> Metric:
    """The score that scenes are chosen by: that of the task that looks, else of what is always measured."""
    from downstream.tasks import all_tasks, find_task

    if view.model is not None:
        return find_task(view.model.task).about.headline
    return next(task.about.headline for task in all_tasks() if task.always)


def _choose(
    run: Path, labels: Sequence[str], count: int, variant: tuple[str, str, int], metric: Metric
) -> list[str]:
    """Scenes by the change of a score from the rainy image to the last label's.

    Args:
        run: The --out folder of a run.
        labels: Of the derainers shown.
        count: How many scenes.
        variant: Data set, rain and seed; a run over the data set's first scenes counts too.
        metric: The score.
    """
    from reports.figures.panels import choose_scenes

    if not labels:
        raise BadConfig("--run chooses scenes by what a derainer changed: name one with --derainer")
    data, rain, seed = variant
    records = {
        r.derainer.label: r
        for r in read_records(run)
        if metric.name in r.breakdown.get("images", {})
        and (r.rain.name, r.rain.seed) == (rain, seed)
        and (r.data.name == data or r.data.name.startswith(f"{data}[:"))
    }
    for label in (NONE, labels[-1]):
        if label not in records or not records[label].breakdown:
            raise BadData(
                f"{run} has no {metric.title} of each image of {label} on {variant_name(*variant)}: run it first, "
                "or name --scene"
            )
    before, after = (
        dict(zip(record.breakdown["scenes"], record.breakdown["images"][metric.name], strict=True))
        for record in (records[NONE], records[labels[-1]])
    )
    names = [name for name in before if before[name] is not None and after.get(name) is not None]
    sign = 1 if metric.higher_is_better else -1
    picked = choose_scenes([sign * before[n] for n in names], [sign * after[n] for n in names], count)
    return [names[index] for index in picked]
