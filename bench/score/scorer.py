"""From evidence to records. Needs the store and nothing else: no data set, network, torch or GPU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.hashing import content_key
from bench.keep.records import Bootstrap, Head, Record, Score, encode_replicates
from bench.keep.store import Store
from bench.score import stats
from bench.score.stats import Estimate, Sampled
from bench.score.tags import members
from bench.seeds import seed_from
from bench.situations import comparison_of
from bench.vocabulary import CLEAN, NONE, RECOVERY, REFERENCES
from downstream.tasks import find_task
from downstream.tasks.base import Metric, Row, Scoring, Task

#: Changes whenever the same evidence would give another record.
SCORING_VERSION = 5
RESAMPLES = 1000
LEVEL = 0.95

Rows = Sequence[Row]


class Scorer:
    """Scores the cells of one manifest, sharing what several cells need (the reference rows' scores).

    Args:
        store: Where the evidence lies.
        manifest: Fingerprint of the data set's manifest.
    """

    def __init__(self, store: Store, manifest: str) -> None:
        self._store = store
        self._manifest = store.read_manifest(manifest)
        self._scenes = [(name, digest) for name, digest in self._manifest["scenes"]]
        self._seed = seed_from("bootstrap", self._manifest["name"])
        self._rows: dict[str, dict[str, Row]] = {}
        self._chosen: dict[tuple[str, tuple[str, ...]], Rows] = {}
        self._sampled: dict[tuple[str, tuple[str, ...]], tuple[dict[str, Sampled], frozenset[str]]] = {}
        self._scorings: dict[str, Scoring] = {}

    def record(self, head: Head, run: Mapping[str, Any], failures: Mapping[str, str] | None = None) -> Record:
        """Score one cell.

        Args:
            head: What is known of the record before scoring.
            run: When, where and how fast.
            failures: Scene id to reason, for scenes that have no evidence; the key ``""`` is for all of them.

        Returns:
            The record; its status says whether evidence is complete, partial or absent.
        """
        task, key = find_task(head.task), head.evidence
        rows = self._evidence(key, task)
        ids = tuple(rows)
        missing = len(self._scenes) - len(ids)
        fields: dict[str, Any] = {
            **{name: getattr(head, name) for name in Head.__dataclass_fields__},
            "run": dict(run),
            "cell": cell_key(head),
            "images": len(ids),
            "coverage": len(ids) / len(self._scenes),
            "status": "ok" if not missing else "partial" if ids else "failed",
            "reason": self._why(rows, failures or {}) if missing else None,
        }
        if not ids:
            return Record(**fields)
        scoring = self._scoring(task)
        sampled, _ = self._scores(key, task, ids)
        # Before other cells' evidence is looked at: what the task keeps of these rows serves both.
        breakdown = {"scenes": list(ids), **scoring.breakdown(self._choice(key, task, ids))}
        if by_tag := self._by_tag(scoring, key, task, ids):
            breakdown["tags"] = by_tag
        scores = [self._score(metric, key, task, ids, head) for metric in sampled]
        scores += self._against_references(head, task, ids)
        if NONE in head.references and head.derainer.label not in REFERENCES:
            rainy = head.references[NONE]
            common = tuple(name for name in ids if name in self._evidence(rainy, task))
            if changes := scoring.changes(self._choice(rainy, task, common), self._choice(key, task, common)):
                breakdown["changes"] = changes
        named = {metric.name for metric in task.about.metrics}
        replicates = {
            metric: encode_replicates(value.replicates)
            for metric, value in sampled.items()
            if metric in named
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

    def seconds(self, head: Head) -> float | None:
        """Return the median wall time per image of the network behind a cell's evidence, in seconds."""
        rows = self._evidence(head.evidence, find_task(head.task))
        return float(np.median([row.seconds for row in rows.values()])) if rows else None

    def complete(self, record: Record) -> bool:
        """Return whether a record has all it could have: every scene, and a reference for each of them."""
        names = find_task(record.task).about.comparisons
        against = [score for score in record.scores if score.metric in names]
        return (
            record.status == "ok"
            and record.images == len(self._scenes)
            and all(score.images == record.images for score in against)
            and bool(against) == _is_compared(Head.of(record), find_task(record.task))
        )

    def _evidence(self, key: str, task: Task) -> dict[str, Row]:
        """Rows of the manifest's scenes, in its order; evidence of other scenes or of changed files is left out."""
        if key not in self._rows:
            rows = self._store.read(key, task)
            self._rows[key] = {
                name: rows[name, digest] for name, digest in self._scenes if (name, digest) in rows
            }
        return self._rows[key]

    def _choice(self, key: str, task: Task, ids: tuple[str, ...]) -> Rows:
        """Rows of some scenes; the same object for the same question, see :class:`downstream.tasks.base.Scoring`."""
        if (key, ids) not in self._chosen:
            self._chosen[key, ids] = [self._evidence(key, task)[name] for name in ids]
        return self._chosen[key, ids]

    def _scoring(self, task: Task) -> Scoring:
        name = task.about.name
        if name not in self._scorings:
            self._scorings[name] = task.scoring(self._manifest)
        return self._scorings[name]

    def _scores(
        self, key: str, task: Task, ids: tuple[str, ...]
    ) -> tuple[dict[str, Sampled], frozenset[str]]:
        """Return every metric's score, and the names of those that were resampled."""
        if (key, ids) not in self._sampled:
            counts = stats.resample_counts(len(ids), RESAMPLES, self._seed)
            values, replicates = self._scoring(task).sample(self._choice(key, task, ids), counts)
            nothing = np.full(RESAMPLES, np.nan)
            # Of one scene every resample is that scene again: no spread, which is not certainty.
            known = {} if len(ids) == 1 else replicates
            self._sampled[key, ids] = (
                {metric: Sampled(value, known.get(metric, nothing)) for metric, value in values.items()},
                frozenset(replicates),
            )
        return self._sampled[key, ids]

    def _by_tag(self, scoring: Scoring, key: str, task: Task, ids: tuple[str, ...]) -> dict[str, Any]:
        """Return the headline score over the scenes of each tag, and how many they are."""
        tags = members(self._manifest.get("tags", {}), ids)
        if not tags:
            return {}
        # Scenes that are drawn once or not at all: a tag's scenes are a resample like any other.
        masks = np.array(list(tags.values()), np.uint16)
        _, drawn = scoring.sample(self._choice(key, task, ids), masks)
        values = drawn.get(task.about.headline.name, np.full(len(tags), np.nan))
        return {
            tag: {"scenes": int(mask.sum()), "value": _number(value)}
            for tag, mask, value in zip(tags, masks, values, strict=True)
        }

    def _score(self, metric: str, key: str, task: Task, ids: tuple[str, ...], head: Head) -> Score:
        scores, resampled = self._scores(key, task, ids)
        shown = _metric(task, metric)
        images, note = self._scoring(task).counted(metric, scores[metric].value, self._choice(key, task, ids))
        found = stats.estimate(scores[metric], LEVEL, shown.limits)
        if note is None and math.isnan(found.low) and (metric in resampled or images == 1):
            note = _too_few(ids)
        return _stated(shown, found, images, note, head)

    def _against_references(self, head: Head, task: Task, ids: tuple[str, ...]) -> list[Score]:
        """Recovery, harm or gain of a derainer, on the scenes that it and the reference rows have."""
        kind = comparison_of(head.references)
        if kind is None or not _is_compared(head, task):
            return []
        metric, references = task.about.headline.name, head.references
        shared = [set(ids), *(set(self._evidence(key, task)) for key in references.values())]
        common = tuple(name for name in ids if all(name in names for names in shared))
        if not common:
            return []
        rows = {
            label: self._scores(key, task, common)[0][metric]
            for label, key in {**references, "": head.evidence}.items()
        }
        clean, rainy = rows.get(CLEAN), rows[NONE]
        result = stats.compared(kind, rows[""], rainy, clean, LEVEL)
        note = _too_few(common) if math.isnan(result.low) else None
        if clean is not None and not result.defined and kind == RECOVERY:
            told = math.isfinite(stats.difference(clean, rainy, LEVEL).low)
            note = "rain takes no more than noise" if told else _too_few(common)
        return [_stated(_metric(task, f"{metric}_{kind}"), result, len(common), note, head)]


def cell_key(head: Head) -> str:
    """Return the content key of a cell: its evidence, its references, the manifest and the way of scoring."""
    return content_key(
        {
            "scoring": SCORING_VERSION,
            "evidence": head.evidence,
            "references": head.references,
            "manifest": head.data.fingerprint,
            "label": head.derainer.label,
            "rain": head.rain.model_dump(),
        }
    )


def _metric(task: Task, name: str) -> Metric:
    found = task.about.metric(name)
    if found is None:
        raise ValueError(f"task {task.about.name} scores {name}, which it does not describe")
    return found


def _stated(metric: Metric, estimate: Estimate, images: int, note: str | None, head: Head) -> Score:
    return Score(
        metric=metric.name,
        protocol=metric.protocol.format(classes=head.model.classes if head.model else 0),
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


def _is_compared(head: Head, task: Task) -> bool:
    return task.about.compared and head.derainer.label not in REFERENCES and NONE in head.references
