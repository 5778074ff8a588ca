"""Records of a made-up run: numbers with known relations, no network, no image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from bench.hashing import content_key
from bench.keep.records import Bootstrap, Record, Score, encode_replicates, variant_name
from bench.score.stats import Estimate, Sampled, difference, estimate, harm, recovery
from downstream.tasks import all_tasks
from reports.tables.table import Cell, Column, Row, Table

RESAMPLES, LEVEL = 200, 0.95
RAINS = ("none", "streaks:light", "streaks:medium", "streaks:heavy")
MODELS = {"detection": "tiny_detector", "segmentation": "tiny_segmenter"}
CLASSES = ("road", "car", "person")

TAGS = {
    "tags": {
        "weather=clear": {"scenes": 150, "value": 0.5},
        "weather=rainy": {"scenes": 50, "value": 0.25},
    }
}

#: What each derainer wins back of what the rain took, and what it costs on a dry day.
SKILL = {"median": (0.1, 0.04), "guided": (0.3, 0.02), "rdmc": (0.8, 0.01), "twin": (0.8, 0.01)}
_CLEAN = {"ap": 0.42, "miou": 0.7}
_LOSS = {"none": 0.0, "streaks:light": 0.05, "streaks:medium": 0.12, "streaks:heavy": 0.25}
_RAINY = {"none": 60.0, "streaks:light": 27.0, "streaks:medium": 20.0, "streaks:heavy": 13.5}
_METRICS = {
    "detection": ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large"),
    "segmentation": ("miou", "macc", "aacc"),
    "restoration": ("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb"),
}


def make_record(
    label: str = "rdmc",
    rain: str = "streaks:medium",
    task: str = "detection",
    *,
    data: str = "street/test",
    images: int = 200,
    skill: tuple[float, float] | None = None,
    **changes: Any,
) -> Record:
    """One record.

    Args:
        label: Of the derainer.
        rain: Of the variant.
        task: The task.
        data: Name of the data set.
        images: Scenes.
        skill: (share won back, damage on a dry day); by default that of the label.
        changes: Fields of the record to override.
    """
    won, damage = skill or SKILL.get(label, (0.5, 0.02))
    model = MODELS.get(task)
    classes = len(CLASSES)
    sampled = {m: _sampled(task, m, label, rain, won, damage) for m in _METRICS[task]}
    if label == "clean" and task == "restoration":
        sampled = {}
    scores = [_score(m, s, classes, images) for m, s in sampled.items()]
    if model and label not in ("clean", "none"):
        scores.append(_against(task, rain, won, damage, label, classes, images))
    if task == "segmentation":
        road = sampled["miou"].value
        scores += [
            Score(metric=f"iou/{name}", protocol=f"miou@{classes}", value=road - 0.05 * i, images=images)
            for i, name in enumerate(CLASSES)
        ]
    fields: dict[str, Any] = {
        "cell": content_key([data, label, rain, task]),
        "evidence": content_key(["evidence", data, label, rain, task]),
        "references": {},
        "derainer": {
            "label": label,
            "name": label,
            "card": {}
            if label in ("clean", "none")
            else {"params": 100_000 * len(label), "macs_256": 10**9 * len(label)},
            "key": {"name": label},
        },
        "data": {
            "name": data,
            "kind": "street",
            "split": "test",
            "scenes": images,
            "fingerprint": content_key(data),
        },
        "rain": {"name": rain, "version": "1", "seed": 0},
        "variant": variant_name(data, rain, 0),
        "task": task,
        "model": {"name": model, "classes": classes, "key": {"name": model}} if model else None,
        "status": "ok",
        "images": images,
        "coverage": 1.0,
        "scores": tuple(scores),
        "bootstrap": Bootstrap(resamples=RESAMPLES, level=LEVEL, seed=7),
        "replicates": {m: encode_replicates(s.replicates) for m, s in sampled.items()},
        "breakdown": _per_image(task, label, won) | _breakdown(task, label, sampled) | TAGS,
        "run": {
            "versions": {"derain-bench": "0.1.0", "numpy": "2.0"},
            "processor": "Example CPU",
            "device": "cpu",
            "date": "2026-01-02T03:04:05Z",
            "seconds_per_image": 0.05 if model else 0.01 * len(label),
        },
    }
    return Record(**(fields | changes))


def make_failed(
    label: str = "broken", rain: str = "streaks:medium", task: str = "detection", **changes: Any
) -> Record:
    """A record of a cell that could not be run."""
    fields: dict[str, Any] = {
        "status": "failed",
        "reason": "200 of 200 scenes failed; out of memory",
        "images": 0,
        "coverage": 0.0,
        "scores": (),
        "bootstrap": None,
        "replicates": {},
        "breakdown": {},
    }
    return make_record(label, rain, task, **(fields | changes))


def make_run(
    labels: Sequence[str] = ("clean", "none", "median", "guided", "rdmc", "twin"),
    rains: Sequence[str] = RAINS,
    tasks: Sequence[str] = ("detection", "segmentation", "restoration"),
    **changes: Any,
) -> list[Record]:
    """Every cell of a small suite."""
    return [make_record(label, rain, task, **changes) for rain in rains for task in tasks for label in labels]


def _value(task: str, metric: str, label: str, rain: str, won: float, damage: float) -> float:
    if task == "restoration":
        gain = 0.0 if label == "none" else 12 * won - 100 * damage
        psnr = _RAINY[rain] + (gain if rain != "none" else -15 * (label != "none"))
        return psnr - 1.5 * metric.endswith("rgb") if metric.startswith("psnr") else 1 - 1.5 / psnr
    name = "ap" if task == "detection" else "miou"
    clean, loss = _CLEAN[name], _LOSS.get(rain, 0.1)
    value = (
        clean if label == "clean" else clean - loss if label == "none" else clean - loss * (1 - won) - damage
    )
    offset = {"ap50": 0.2, "ap75": 0.02, "ap_small": -0.2, "ap_large": 0.15, "macc": 0.08, "aacc": 0.2}
    return float(np.clip(value + offset.get(metric, 0.0), 0.02, 0.99))


def _sampled(task: str, metric: str, label: str, rain: str, won: float, damage: float) -> Sampled:
    """Scene noise that all derainers share, and a little of their own."""
    value = _value(task, metric, label, rain, won, damage)
    scale = 0.3 if metric.startswith("psnr") else 0.01
    shared = np.random.default_rng(5).normal(0, scale, RESAMPLES)
    own = np.random.default_rng([sum(map(ord, label)), len(rain)]).normal(0, scale / 10, RESAMPLES)
    replicates = np.float32(value + shared + (own if label not in ("clean", "none") else 0)).astype(
        np.float64
    )
    return Sampled(value, replicates)


def _score(metric: str, sampled: Sampled, classes: int, images: int) -> Score:
    bounds = (-np.inf, np.inf) if metric.startswith("psnr") else (0.0, 1.0)
    return _stated(metric, estimate(sampled, LEVEL, bounds), classes, images)


def _against(task: str, rain: str, won: float, damage: float, label: str, classes: int, images: int) -> Score:
    metric = "ap" if task == "detection" else "miou"
    own, clean, rainy = (_sampled(task, metric, name, rain, won, damage) for name in (label, "clean", "none"))
    if rain == "own":
        return _stated(f"{metric}_gain", difference(own, rainy, LEVEL), classes, images)
    if rain == "none":
        return _stated(f"{metric}_harm", harm(own, clean, LEVEL), classes, images)
    return _stated(f"{metric}_recovery", recovery(own, rainy, clean, LEVEL), classes, images)


def protocol_of(metric: str, classes: int) -> str:
    found = [m for task in all_tasks() if (m := task.about.metric(metric))]
    return found[0].protocol.format(classes=classes)


def _stated(metric: str, found: Estimate, classes: int, images: int) -> Score:
    numbers = [float(v) if np.isfinite(v) else None for v in (found.value, found.low, found.high)]
    note = None if numbers[0] is not None else "rain takes no more than noise"
    return Score(
        metric=metric,
        protocol=protocol_of(metric, classes),
        value=numbers[0],
        low=numbers[1],
        high=numbers[2],
        images=images,
        note=note,
    )


def _per_image(task: str, label: str, won: float) -> dict[str, Any]:
    """Values of 40 scenes: what a derainer gains on a scene is about the same in every score."""
    gain = np.linspace(0, 1, 40) * won * (label not in ("clean", "none"))
    noise = np.random.default_rng([sum(map(ord, label)), len(task)]).normal(0, 0.1, 40)
    columns = {"detection": ("ap",), "segmentation": ("miou",), "restoration": ("psnr_y", "ssim_y")}[task]
    images = {metric: [round(float(v), 4) for v in 0.3 + gain + noise * 0.3] for metric in columns}
    return {"scenes": [f"{i:03d}" for i in range(40)], "images": images}


def _breakdown(task: str, label: str, sampled: dict[str, Sampled]) -> dict[str, Any]:
    if task == "detection":
        ap = sampled["ap"].value
        found: dict[str, Any] = {
            "classes": {name: ap - 0.1 * i for i, name in enumerate(CLASSES)},
            "errors": {"missed": 40, "background": 11},
        }
        if label not in ("clean", "none"):
            kinds = ("missed", "localisation", "class", "duplicate", "background")
            found["changes"] = {
                kind: {"rainy": 40 - 5 * i, "derained": 30 - 3 * i, "cured": 14 - 2 * i, "caused": 4}
                for i, kind in enumerate(kinds)
            }
        return found
    return {}


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    return make_record


@pytest.fixture(scope="session")
def failed() -> Callable[..., Record]:
    return make_failed


@pytest.fixture(scope="session")
def run_records() -> Callable[..., list[Record]]:
    return make_run


@pytest.fixture(scope="session")
def small_table() -> Table:
    """A table with everything a renderer must get right: ties, gaps, footnotes, signs, groups, hostile names."""
    columns = (
        Column("light/ap", "AP", "%", "ap@coco", 1, 100.0, True, "streaks:light"),
        Column("light/ap_harm", "AP harm", "points", "ap@coco", 1, 100.0, True, "streaks:light"),
        Column("psnr_y", "PSNR Y", "dB", "psnr@y", 2, 1.0, True, "image"),
    )
    gap = Cell(None, note="not run | yet")
    return Table(
        name="a small table",
        caption="Detection & restoration: 50 % of <everything>.",
        columns=columns,
        rows=(
            Row(
                "clean", (Cell(0.42125, 0.41, 0.43), Cell(None, note="stated for derainers only"), gap), True
            ),
            Row(
                "rdmc",
                (Cell(0.4, 0.39, 0.41, "best"), Cell(-0.01, -0.02, 0.001, "best"), Cell(31.25, 31, 31.5)),
            ),
            Row(
                "twin",
                (
                    Cell(0.3999, 0.39, 0.41, tied=True),
                    Cell(-0.112, -0.12, -0.1),
                    Cell(29.5, None, None, "best"),
                ),
                section="Networks & more",
                cite="ren2019",
                seen=True,
            ),
            Row(
                "<script>alert(1)</script>",
                (Cell(0.095, 0.09, 0.1, "second"), gap, Cell(9.125, 9, 9.2, "second", seen=True)),
                section="Networks & more",
            ),
            Row(r"\input{x}|$a_b$", (gap, Cell(0.0, -0.01, 0.01, "second", "partial"), Cell(12.0))),
            Row("=1+1\x1b[31m", (gap, gap, gap)),
            Row("PReNet†", (gap, gap, Cell(29.46)), quoted=True, note="from a <paper>"),
        ),
        notes=("timed on a machine_with_underscores",),
    )
