"""From evidence to records. Needs the store and nothing else: no data set, network, torch or GPU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from bench.engine.plan import CLEAN, NONE
from bench.hashing import content_key
from bench.keep.evidence import DetectionRow, RestorationRow, Row, SegmentationRow
from bench.keep.records import Bootstrap, Record, Score, encode_replicates, protocol_of
from bench.keep.store import Store
from bench.score.stats import Estimate, Sampled
from bench.seeds import seed_from

#: Changes whenever the same evidence would give another record.
SCORING_VERSION = 4
RESAMPLES = 1000
LEVEL = 0.95

#: Of each task, the metric that recovery and harm are stated for, under the name's stem.
HEADLINE = {"detection": "ap", "segmentation": "miou"}


class Scorer:
    """Scores the cells of one manifest, sharing what several cells need (the reference rows' scores).

    Args:
        store: Where the evidence lies.
        manifest: Fingerprint of the data set's manifest.
    """

    def __init__(self, store: Store, manifest: str) -> None:
        self._store = store
        self._fingerprint = manifest
        self._manifest = store.read_manifest(manifest)
        self._scenes = [(name, digest) for name, digest in self._manifest["scenes"]]
        self._seed = seed_from("bootstrap", self._manifest["name"])
        self._rows: dict[str, dict[str, Row]] = {}
        self._sampled: dict[tuple[str, tuple[str, ...]], dict[str, Sampled]] = {}
        self._matched: tuple[tuple[str, tuple[str, ...]], Any] | None = None

    def record(self, head: dict[str, Any], failures: dict[str, str] | None = None) -> Record:
        """Score one cell.

        Args:
            head: The fields of a record that are known before scoring: derainer, data, rain, variant, task,
                model, evidence, references, run.
            failures: Scene id to reason, for scenes that have no evidence; the key ``""`` is for all of them.

        Returns:
            The record; its status says whether evidence is complete, partial or absent.
        """
        task, key = head["task"], head["evidence"]
        rows = self._evidence(key, task)
        ids = tuple(rows)
        missing = len(self._scenes) - len(ids)
        fields: dict[str, Any] = {
            **head,
            "cell": cell_key(head),
            "images": len(ids),
            "coverage": len(ids) / len(self._scenes),
            "status": "ok" if not missing else "partial" if ids else "failed",
            "reason": self._why(rows, failures or {}) if missing else None,
        }
        if not ids:
            return Record(**fields)
        sampled = self._scores(key, task, ids, head)
        breakdown = self._breakdown(head, rows)  # before other cells' evidence is looked at
        scores = [self._score(metric, value, ids, head) for metric, value in sampled.items()]
        scores += self._against_references(head, ids)
        replicates = {
            metric: encode_replicates(value.replicates)
            for metric, value in sampled.items()
            if not metric.startswith("iou/")
        }
        return Record(
            **fields,
            scores=tuple(scores),
            bootstrap=Bootstrap(resamples=RESAMPLES, level=LEVEL, seed=self._seed),
            replicates=replicates,
            breakdown=breakdown,
        )

    def _why(self, rows: Mapping[str, Row], failures: Mapping[str, str]) -> str:
        """Say how many scenes lack evidence, and what became of the first of them."""
        absent = [name for name, _ in self._scenes if name not in rows]
        count = f"{len(absent)} of {len(self._scenes)} scenes"
        for name in ("", *absent):
            if name in failures:
                where = f"scene {name}: " if name else ""
                return f"{count} failed; {where}{failures[name]}"
        return f"{count} have no evidence"

    def seconds(self, key: str, task: str) -> float | None:
        """Return the median wall time per image of the network behind a cell's evidence, in seconds."""
        rows = self._evidence(key, task)
        return float(np.median([row.seconds for row in rows.values()])) if rows else None

    def _evidence(self, key: str, task: str) -> dict[str, Row]:
        """Rows of the manifest's scenes, in its order; evidence of other scenes or of changed files is left out."""
        if key not in self._rows:
            rows = self._store.read(key, task)
            self._rows[key] = {
                name: rows[name, digest] for name, digest in self._scenes if (name, digest) in rows
            }
        return self._rows[key]

    def complete(self, record: Record) -> bool:
        """Return whether a record has all it could have: every scene, and a reference for each of them."""
        against = [score for score in record.scores if score.metric.endswith(("_recovery", "_harm"))]
        return (
            record.status == "ok"
            and record.images == len(self._scenes)
            and all(score.images == record.images for score in against)
            and bool(against) == _is_compared(record.task, record.derainer.label, record.references)
        )

    def _scores(self, key: str, task: str, ids: tuple[str, ...], head: dict[str, Any]) -> dict[str, Sampled]:
        from bench.score import stats

        if (key, ids) not in self._sampled:
            rows = [self._evidence(key, task)[name] for name in ids]
            counts = stats.resample_counts(len(ids), RESAMPLES, self._seed)
            if task == "detection":
                table = self._matches(key, ids)
                values = stats.detection_scores(table)
                replicates = stats.detection_replicates(table, counts)
            elif task == "segmentation":
                matrices = np.stack([cast(SegmentationRow, row).matrix for row in rows])
                values = self._segmentation(matrices.sum(axis=0))
                replicates = stats.confusion_replicates(matrices, counts)
                nothing = np.full(RESAMPLES, np.nan)
                replicates |= {metric: nothing for metric in values if metric not in replicates}
            else:
                columns = {m: np.array([getattr(row, m) for row in rows]) for m in RestorationRow.METRICS}
                values = {metric: stats.finite_mean(column)[0] for metric, column in columns.items()}
                replicates = {
                    metric: stats.mean_replicates(column, counts) for metric, column in columns.items()
                }
            if len(ids) == 1:  # every resample is that scene again: no spread, which is not certainty
                replicates = dict.fromkeys(values, np.full(RESAMPLES, np.nan))
            self._sampled[key, ids] = {m: Sampled(values[m], replicates[m]) for m in values}
        return self._sampled[key, ids]

    def _matches(self, key: str, ids: tuple[str, ...]) -> Any:
        """Detections matched with boxes: half the time of scoring, and wanted twice for every cell."""
        from bench.score import stats

        if self._matched is None or self._matched[0] != (key, ids):
            results = self._results([self._evidence(key, "detection")[name] for name in ids])
            order = [row["image_id"] for row in results]
            self._matched = (key, ids), stats.match_detections(self._manifest["coco"], results, order)
        return self._matched[1]

    def _results(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [
            {
                "image_id": self._manifest["image_ids"][row.scene],
                "boxes": row.boxes,
                "scores": row.scores,
                "categories": row.categories,
            }
            for row in cast(Sequence[DetectionRow], rows)
        ]

    def _segmentation(self, total: np.ndarray) -> dict[str, float]:
        from bench.score import stats

        values = {name: float(value) for name, value in stats.confusion_scores(total).items()}
        classes = self._manifest["classes"]
        return values | {
            f"iou/{name}": float(iou) for name, iou in zip(classes, stats.class_iou(total), strict=True)
        }

    def _score(self, metric: str, sampled: Sampled, ids: Sequence[str], head: dict[str, Any]) -> Score:
        from bench.score import stats

        note = None
        images = len(ids)
        if head["task"] == "restoration":
            column = [getattr(self._evidence(head["evidence"], "restoration")[name], metric) for name in ids]
            images = int(np.isfinite(column).sum())
            if images < len(ids):
                what = (
                    "too small for SSIM's window"
                    if metric.startswith("ssim")
                    else "identical to the clean one"
                )
                left_out = len(ids) - images
                note = f"{left_out} image{'s' * (left_out > 1)} {what} left out"
        elif math.isnan(sampled.value):
            note = "no object or pixel of this kind in the scenes"
        bounds = (-math.inf, math.inf) if metric.startswith("psnr") else (0.0, 1.0)
        found = stats.estimate(sampled, LEVEL, bounds)
        if note is None and math.isnan(found.low) and (head["task"] == "detection" or images == 1):
            note = _too_few(ids)
        return _stated(metric, found, images, note, head)

    def _against_references(self, head: dict[str, Any], ids: tuple[str, ...]) -> list[Score]:
        """Recovery (in rain) or harm (on a dry day) of a derainer, on the scenes that all three rows have."""
        from bench.score import stats

        metric = HEADLINE.get(head["task"])
        references: dict[str, str] = head["references"]
        if metric is None or not _is_compared(head["task"], head["derainer"]["label"], references):
            return []
        dry = references[CLEAN] == references[NONE]
        shared = [set(ids), *(set(self._evidence(key, head["task"])) for key in references.values())]
        common = tuple(name for name in ids if all(name in names for names in shared))
        if not common:
            return []
        own, clean, rainy = (
            self._scores(key, head["task"], common, head)[metric]
            for key in (head["evidence"], references[CLEAN], references[NONE])
        )
        if dry:
            harm = stats.difference(own, clean, LEVEL)
            note = _too_few(common) if math.isnan(harm.low) else None
            return [_stated(f"{metric}_harm", harm, len(common), note, head)]
        result = stats.recovery(own, rainy, clean, LEVEL)
        note = None
        if not result.defined:
            told = math.isfinite(stats.difference(clean, rainy, LEVEL).low)
            note = "rain takes no more than noise" if told else _too_few(common)
        return [_stated(f"{metric}_recovery", result, len(common), note, head)]

    def _breakdown(self, head: dict[str, Any], rows: dict[str, Row]) -> dict[str, Any]:
        """Tables beside the scores that reports draw on, each JSON.

        Every task: ``images``, metric to one value per scene in the order of the ids under ``scenes``; None where it
        is infinite or undefined. Detection: ``classes`` (class to AP), ``errors`` (kind to count) and, against the
        row ``none``, ``changes`` (kind to how many were cured, caused and kept).
        """
        from bench.score import stats

        if head["task"] == "restoration":
            columns = {
                metric: [_number(getattr(row, metric)) for row in rows.values()]
                for metric in RestorationRow.METRICS
            }
            return {"scenes": list(rows), "images": columns}
        if head["task"] == "segmentation":
            matrices = np.stack([cast(SegmentationRow, row).matrix for row in rows.values()])
            return {
                "scenes": list(rows),
                "images": {"miou": _short(stats.confusion_scores(matrices)["miou"])},
            }
        table = self._matches(head["evidence"], tuple(rows))
        once = np.ones((1, len(rows)), np.uint16)
        by_class = stats.precision_grid(table, once)[0, 0]
        errors = self._errors(head["evidence"], tuple(rows))
        counts: dict[str, int] = {}
        for error in errors:
            counts[error.kind] = counts.get(error.kind, 0) + 1
        breakdown: dict[str, Any] = {
            "scenes": list(rows),
            "images": {"ap": _short(stats.image_precision(table))},
            "classes": {name: _number(ap) for name, ap in zip(table.categories, by_class, strict=True)},
            "errors": counts,
        }
        rainy = head["references"].get(NONE)
        if rainy and head["derainer"]["label"] not in (CLEAN, NONE):
            common = tuple(name for name in rows if name in self._evidence(rainy, "detection"))
            changes = stats.cured_and_caused(
                self._errors(rainy, common), self._errors(head["evidence"], common)
            )
            breakdown["changes"] = {kind: asdict(change) for kind, change in changes.items()}
        return breakdown

    def _errors(self, key: str, ids: tuple[str, ...]) -> list[Any]:
        from bench.score import stats

        images = {self._manifest["image_ids"][name] for name in ids}
        coco = self._manifest["coco"]
        truth = coco | {
            "images": [image for image in coco["images"] if image["id"] in images],
            "annotations": [box for box in coco["annotations"] if box["image_id"] in images],
        }
        return stats.find_errors(
            truth, self._results([self._evidence(key, "detection")[name] for name in ids])
        )


def cell_key(head: dict[str, Any]) -> str:
    """Return the content key of a cell: its evidence, its references, the manifest and the way of scoring."""
    return content_key(
        {
            "scoring": SCORING_VERSION,
            "evidence": head["evidence"],
            "references": head["references"],
            "manifest": head["data"]["fingerprint"],
            "label": head["derainer"]["label"],
            "rain": head["rain"],
        }
    )


def _stated(metric: str, estimate: Estimate, images: int, note: str | None, head: dict[str, Any]) -> Score:
    model = head["model"]
    return Score(
        metric=metric,
        protocol=protocol_of(metric, model["classes"] if model else 0),
        value=_number(estimate.value),
        low=_number(estimate.low),
        high=_number(estimate.high),
        images=images,
        note=note,
    )


def _too_few(ids: Sequence[str]) -> str:
    return "one scene has no interval" if len(ids) == 1 else "objects in too few scenes for an interval"


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _short(values: np.ndarray) -> list[float | None]:
    """Values of single images; four decimals are more than one image can tell."""
    return [round(float(value), 4) if math.isfinite(value) else None for value in values]


def _is_compared(task: str, label: str, references: Mapping[str, str]) -> bool:
    return task in HEADLINE and label not in (CLEAN, NONE) and CLEAN in references
