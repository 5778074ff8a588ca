"""Whether a derainer passes: what a continuous integration job asks of records before it lets a change in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.errors import BadConfig, BadData, unknown
from bench.keep.records import Record
from downstream.tasks.base import Metric
from reports.metrics import written
from reports.results import read_results
from reports.tables.compare import Difference, sentence

#: A fraction that is asked for beyond this is a percentage that was meant otherwise.
_LARGEST_SHARE = 2.0


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """Read ``METRIC=VALUE``, several separated by commas.

    Raises:
        BadConfig: If one is of another form.

    Example:
        >>> parse_limits(["ap_recovery=0.6,miou=0.5"])
        {'ap_recovery': 0.6, 'miou': 0.5}
    """
    limits = {}
    for part in (part.strip() for text in texts for part in text.split(",")):
        name, _, value = part.partition("=")
        try:
            limits[name.strip()] = float(value)
        except ValueError:
            raise BadConfig(f"--fail-below {part!r}: write METRIC=VALUE, as in ap_recovery=0.6") from None
    return limits


def below(records: Sequence[Record], label: str, limits: Mapping[str, float]) -> list[str]:
    """Return a line for each cell in which a derainer is worse than a limit, or has no score because it failed.

    A score that cannot be told (recovery where rain took no more than noise) passes, unless no cell can tell it.

    Args:
        records: In any order.
        label: The derainer's.
        limits: Metric to the least value, as records store it: AP, mIoU, recovery and harm are fractions. Of a metric
            whose lower values are better it is the greatest.

    Raises:
        UnknownName: If no cell of the derainer's has such a metric.
        BadConfig: If a limit is not in the metric's unit.
        BadRecord: If the records must not be compared.
    """
    results = read_results(records)
    if label not in results.labels:
        raise unknown("derainer", label, results.labels)
    lines = []
    for name, limit in limits.items():
        judged, untold = 0, []
        known: set[str] = set()
        for group in results:
            record = group.records.get(label)
            metric = group.about.metric(name)
            if record is None:
                continue
            known.update(score.metric for score in record.scores)
            if metric is None:
                continue
            _check_unit(metric, limit)
            cell = f"{label} on {group.variant}" + (f", {group.model}" if group.model else "")
            score = record.score(name)
            if record.status != "ok":
                lines.append(f"{cell}: {name} counts as failed: {record.reason}")
                judged += 1
            elif score is not None and score.value is not None:
                judged += 1
                if (score.value < limit) if metric.higher_is_better else (score.value > limit):
                    unit = f" {metric.unit}" if metric.unit else ""
                    side = "below" if metric.higher_is_better else "above"
                    value, least = (written(v, metric.digits + 1, metric.scale) for v in (score.value, limit))
                    lines.append(f"{cell}: {metric.title} is {value}{unit}, {side} {least}{unit}")
            elif score is not None:
                untold.append(f"{cell}: {name} cannot be told: {score.note}")
        if not judged and not untold:
            raise unknown("metric", name, known)
        if not judged:
            lines += untold
    return lines


def worse(found: Sequence[Difference]) -> list[str]:
    """Return a sentence for each cell in which the first is worse than the second beyond noise, or has no scores.

    Raises:
        BadData: If no cell has an interval: the two were not scored on the same scenes, and nothing can be said.
    """
    told = [d for d in found if d.gap is not None and not d.reason]
    if not told:
        raise BadData(
            f"--fail-if-worse: no cell of {found[0].first} and {found[0].second} has an interval of the difference: "
            f"score both on the same scenes"
        )
    return [sentence(difference) for difference in found if difference.lost or _is_worse(difference)]


def _is_worse(difference: Difference) -> bool:
    gap = difference.gap
    return gap is not None and gap.excludes_zero and (gap.value > 0) != difference.metric.higher_is_better


def _check_unit(metric: Metric, limit: float) -> None:
    if metric.unit in ("%", "points") and abs(limit) > _LARGEST_SHARE:
        raise BadConfig(
            f"--fail-below {metric.name}={limit:g}: fractions are asked for, as records have them: {limit / 100:g}"
        )
