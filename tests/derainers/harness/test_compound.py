from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.errors import BadConfig, BadData, BadWeights, UnknownName
from bench.images import write_image
from bench.seeds import rng_from
from derainers import DerainerSpec, check_derainer, load_derainer, parse_derainers


@pytest.fixture
def image() -> np.ndarray:
    return rng_from("compound").integers(0, 256, (24, 31, 3), dtype=np.uint8)


def single(name: str, arg: str | None = None) -> DerainerSpec:
    return DerainerSpec(name, name, arg)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("median+guided", DerainerSpec("median+guided", "chain", parts=(single("median"), single("guided")))),
        ("x=flip(rdmc)", DerainerSpec("x", "flip", parts=(single("rdmc"),))),
        (
            "flip(median)+prenet:w.pth",
            DerainerSpec(
                "flip(median)+prenet",
                "chain",
                parts=(
                    DerainerSpec("flip(median)", "flip", parts=(single("median"),)),
                    single("prenet", "w.pth"),
                ),
            ),
        ),
        (
            "flip(median+a.py:Net)",
            DerainerSpec(
                "flip(median+Net)",
                "flip",
                parts=(
                    DerainerSpec(
                        "median+Net", "chain", parts=(single("median"), DerainerSpec("Net", "a.py:Net"))
                    ),
                ),
            ),
        ),
        ("prenet:runs/a+b.pth", DerainerSpec("prenet", "prenet", "runs/a+b.pth")),
    ],
)
def test_compounds_are_read(text: str, spec: DerainerSpec) -> None:
    assert parse_derainers(text) == (spec,)
    assert parse_derainers(str(spec)) == (spec,)


def test_a_file_that_exists_is_not_taken_apart(tmp_path: Path) -> None:
    folder = tmp_path / "x+median"
    folder.mkdir()
    assert parse_derainers(f"folder:{folder}")[0].parts == ()
    assert parse_derainers(f"folder:{tmp_path}+median")[0].name == "chain"


def test_a_chain_is_one_after_the_other(image: np.ndarray) -> None:
    chain = load_derainer("median+guided")
    expected = load_derainer("guided")(load_derainer("median")(image))
    assert (chain(image) == expected).all()
    assert (chain.restore([image, image[:8]])[0] == expected).all()
    assert chain.key != load_derainer("guided+median").key
    assert chain.card.params == 0
    assert chain.card.title.count("then") == 1


def test_a_flip_is_as_good_on_the_mirror_image(image: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "shift.py").write_text(
        "import numpy as np\n\ndef right(image):\n    return np.roll(image, 1, 1)\n"
    )
    flipped = load_derainer(f"flip({tmp_path / 'shift.py'}:right)")
    right, left = (np.roll(image, by, 1).astype(int) for by in (1, -1))
    assert (np.abs(flipped(image) - (right + left) / 2) <= 0.5).all()
    mirror = np.ascontiguousarray(image[:, ::-1])
    assert (flipped(mirror) == flipped(image)[:, ::-1]).all()


def test_the_cost_of_a_compound_is_that_of_its_parts() -> None:
    rdmc, small = load_derainer("rdmc").card, load_derainer("rdmc-s").card
    assert rdmc.macs_256 is not None
    assert small.macs_256 is not None
    assert load_derainer("flip(rdmc)").card.macs_256 == 2 * rdmc.macs_256
    assert load_derainer("flip(rdmc)").card.params == rdmc.params
    both = load_derainer("rdmc-s+rdmc").card
    assert both.macs_256 == rdmc.macs_256 + small.macs_256
    assert rdmc.training_data in both.training_data


def test_a_folder_can_begin_a_chain_but_has_no_mirror_image(image: np.ndarray, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", image)
    chain = load_derainer(f"folder:{tmp_path}+median")
    assert chain.missing(["a", "b"]) == ["b"]  # type: ignore[attr-defined]
    restored = chain.restore_scenes(["a"], [np.zeros_like(image)])  # type: ignore[attr-defined]
    assert (restored[0] == load_derainer("median")(image)).all()
    with pytest.raises(BadConfig, match="no mirror image"):
        load_derainer(f"flip(folder:{tmp_path})")


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("median+prenet", BadWeights, "'prenet' has no weights"),
        ("flip(medain)", UnknownName, "median"),
        ("median+folder:nowhere", BadData, "no folder nowhere"),
    ],
)
def test_a_fault_of_a_part_is_found_before_anything_runs(
    text: str, error: type[Exception], words: str
) -> None:
    (spec,) = parse_derainers(text)
    with pytest.raises(error, match=words):
        check_derainer(spec)
