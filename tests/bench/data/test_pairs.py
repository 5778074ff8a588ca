from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.data import open_data
from bench.data.pairs import SideBySideSet, open_pairs
from bench.errors import BadData
from bench.images import read_image

WriteImage = Callable[..., Path]


def pair_names(root: Path, split: str | None = None) -> list[tuple[str, str, str]]:
    """(scene id, rainy file, clean file) of a folder."""
    rows = []
    for scene in open_pairs(root, split).scenes:
        assert scene.rainy is not None
        assert scene.image is not None
        rows.append((scene.id, scene.rainy.name, scene.image.name))
    return rows


def fill(root: Path, write: WriteImage, *names: str) -> Path:
    for number, name in enumerate(names):
        write(root / name, seed=number)
    return root


def fault(root: Path, split: str | None = None) -> str:
    with pytest.raises(BadData) as error:
        open_pairs(root, split)
    text = str(error.value)
    assert "\n" not in text
    return text


def test_rain_and_norain_of_equal_names(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, *(f"{side}/{n}.png" for side in ("rain", "norain") for n in (10, 1, 2)))
    data = open_data(f"pairs:{tmp_path}")
    assert data.name == f"pairs/{tmp_path.name}"
    assert data.own_rain
    assert [scene.id for scene in data.scenes] == ["1", "2", "10"]
    scene = data.scenes[2]
    rainy, clean = data.rainy(scene), data.clean(scene)
    assert rainy is not None
    assert clean is not None
    assert (rainy == read_image(tmp_path / "rain" / "10.png")).all()
    assert (clean == read_image(tmp_path / "norain" / "10.png")).all()
    assert pickle.loads(pickle.dumps(data)) == data


@pytest.mark.parametrize(
    ("rainy", "clean", "scene"),
    [
        ("rain/rain-001.png", "norain/norain-001.png", "rain-001"),  # Rain100L, Rain100H, Rain12
        ("rain-001.png", "norain-001.png", "rain-001"),  # the same in one folder
        ("001_in.png", "001_GT.png", "001_in"),  # Rain12 as some copies have it
        ("rain/X2/norain-1x2.png", "norain/norain-1.png", "norain-1x2"),  # Rain200L/H and the first Rain100
        ("input/1.png", "target/1.png", "1"),  # Rain13K's test sets
        ("Input/1.PNG", "Target/1.jpg", "1"),
        ("input/1.jpeg", "target/1.bmp", "1"),
        ("rain/000.png", "gt/000gt.png", "000"),  # SPA-Data's test set
        ("rainy_image/901_1.jpg", "ground_truth/901.jpg", "901_1"),  # Rain1400
        ("rainy/A.png", "clean/a.png", "A"),
    ],
)
def test_published_layouts(
    tmp_path: Path, write_image: WriteImage, rainy: str, clean: str, scene: str
) -> None:
    fill(tmp_path, write_image, rainy, clean)
    assert pair_names(tmp_path) == [(scene, Path(rainy).name, Path(clean).name)]


def test_fourteen_rainy_to_one_clean(tmp_path: Path, write_image: WriteImage) -> None:
    names = [f"rainy_image/{image}_{version}.jpg" for image in (901, 902) for version in range(1, 15)]
    fill(tmp_path, write_image, *names, "ground_truth/901.jpg", "ground_truth/902.jpg")
    rows = pair_names(tmp_path)
    assert len(rows) == 28
    assert rows[:2] == [("901_1", "901_1.jpg", "901.jpg"), ("901_2", "901_2.jpg", "901.jpg")]
    assert rows[9][0] == "901_10"
    assert {clean for scene, _, clean in rows if scene.startswith("902_")} == {"902.jpg"}
    (tmp_path / "rainy_image" / "902_7.jpg").unlink()
    assert "902.jpg has 13 of 14 rainy versions, 902_7 is missing" in fault(tmp_path)


def test_numbered_pairs_are_not_taken_for_versions(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, *(f"{side}/901_{n}.jpg" for side in ("input", "target") for n in (1, 2)))
    assert pair_names(tmp_path) == [("901_1", "901_1.jpg", "901_1.jpg"), ("901_2", "901_2.jpg", "901_2.jpg")]


def test_splits(tmp_path: Path, write_image: WriteImage) -> None:
    root = tmp_path / "Rain200L"
    fill(
        root,
        write_image,
        *(f"{split}/{side}/1.png" for split in ("train", "test") for side in ("input", "target")),
    )
    assert open_pairs(root, "train").name == "pairs/Rain200L/train"
    assert open_pairs(root).name == "pairs/Rain200L/test"
    assert open_pairs(root / "test").name == "pairs/Rain200L/test"
    assert "no split 'val': give --split with one of test, train" in fault(root, "val")


def test_missing_pair_is_named(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, "rain/1.png", "rain/2.png", "norain/1.png")
    text = fault(tmp_path)
    assert text.startswith(f"unmatched pair: {tmp_path / 'rain' / '2.png'} has no clean image")
    assert "1 rainy and 0 clean" in text
    (tmp_path / "rain" / "2.png").unlink()
    write_image(tmp_path / "norain" / "3.png")
    assert f"{tmp_path / 'norain' / '3.png'} has no rainy image" in fault(tmp_path)


@pytest.mark.parametrize("copy", ["926_10(1).jpg", "926_10 (1).jpg", "926_10 - Copy.jpg"])
def test_stray_copies_are_named(tmp_path: Path, write_image: WriteImage, copy: str) -> None:
    fill(tmp_path, write_image, "input/926_10.jpg", "target/926_10.jpg", f"input/{copy}")
    assert f"{tmp_path / 'input' / copy} looks like a second copy of 926_10.jpg" in fault(tmp_path)
    # A copy on both sides matches by name and would count twice.
    write_image(tmp_path / "target" / copy)
    assert "stray file" in fault(tmp_path)


def test_equal_counts_do_not_hide_a_shift(tmp_path: Path, write_image: WriteImage) -> None:
    fill(
        tmp_path, write_image, *(f"rain/{n}.png" for n in (1, 2, 3)), *(f"norain/{n}.png" for n in (1, 3, 4))
    )
    text = fault(tmp_path)
    assert "rain/2.png" in text.replace("\\", "/")
    assert "1 rainy and 1 clean" in text


def test_two_files_of_one_name(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, "rain/1.png", "rain/1.jpg", "norain/1.png")
    assert "two files of one name" in fault(tmp_path)


def test_stray_file_in_one_folder(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, "rain-1.png", "norain-1.png", "readme.png")
    assert "readme.png is by its name neither a rainy nor a clean image" in fault(tmp_path)


def test_sizes_must_agree(tmp_path: Path, write_image: WriteImage) -> None:
    write_image(tmp_path / "rain" / "1.jpg", size=(6, 8))
    write_image(tmp_path / "norain" / "1.png", size=(8, 6))
    text = fault(tmp_path)
    assert "1.jpg is 8x6 but its clean image" in text
    assert "is 6x8" in text


def test_one_side_missing(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, "rain/1.png")
    assert "has no folder of clean images (norain/" in fault(tmp_path)
    (tmp_path / "norain").mkdir()
    assert "norain holds no images" in fault(tmp_path)


def test_several_sides(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, "rain/1.png", "input/1.png", "norain/1.png")
    assert "several folders of rainy images, input and rain" in fault(tmp_path)


def test_empty_folder(tmp_path: Path) -> None:
    assert "has no pairs; expected rain/ and norain/" in fault(tmp_path)


def test_hidden_files_are_no_images(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, "rain/1.png", "norain/1.png")
    (tmp_path / "rain" / "._1.png").write_bytes(b"\0")
    (tmp_path / "rain" / "Thumbs.db").write_bytes(b"\0")
    assert len(pair_names(tmp_path)) == 1


def spa(root: Path, write: WriteImage, text: str) -> Path:
    fill(
        root,
        write,
        "real_test_1000/rain/000.png",
        "real_test_1000/gt/000gt.png",
        "real_test_1000/gt/001gt.png",
    )
    (root / "real_test_1000.txt").write_text(text)
    (root / "Real_Internet.txt").write_text("Real_Internet/1.png\n")
    return root


@pytest.mark.parametrize("prefix", ["", "/", "./"])
def test_list_files(tmp_path: Path, write_image: WriteImage, prefix: str) -> None:
    line = f"{prefix}real_test_1000/rain/000.png {prefix}real_test_1000/gt/000gt.png"
    root = spa(tmp_path, write_image, f"{line}\n\n")
    assert pair_names(root) == [("000", "000.png", "000gt.png")]
    data = open_pairs(root, "real_test_1000")
    assert data.name == "pairs/real_test_1000"
    assert data.notes == ("1 pairs, SPA-Data test as published has 1000: scores are over a part of it",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("real_test_1000/rain/000.png", "real_test_1000.txt, line 2: expected 'rainy clean'"),
        ("../x.png real_test_1000/gt/000gt.png", "line 2, names the file '../x.png'"),
        (
            "real_test_1000/rain/001.png real_test_1000/gt/001gt.png",
            "1 of 4 images .* absent, .*rain/001.png",
        ),
        ("real_test_1000/rain/000.png real_test_1000/gt/001gt.png", "lists a rainy image twice"),
        ("real_test_1000/gt/001gt.png real_test_1000/gt/001gt.png", "names one file as rainy and clean"),
    ],
)
def test_bad_list_files(tmp_path: Path, write_image: WriteImage, line: str, message: str) -> None:
    root = spa(tmp_path, write_image, f"real_test_1000/rain/000.png real_test_1000/gt/000gt.png\n{line}\n")
    with pytest.raises(BadData, match=message):
        open_pairs(root)


def test_several_list_files_need_a_choice(tmp_path: Path, write_image: WriteImage) -> None:
    root = spa(tmp_path, write_image, "real_test_1000/rain/000.png real_test_1000/gt/000gt.png\n")
    (root / "other.txt").write_text((root / "real_test_1000.txt").read_text())
    assert "several list files: give --split other or real_test_1000" in fault(root)
    assert len(pair_names(root, "other")) == 1


def scene_pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth scene (40x60) and the same under bright streaks."""
    rng = np.random.default_rng(seed)
    clean = cv2.resize(
        rng.integers(0, 200, (4, 6, 3), dtype=np.uint8), (60, 40), interpolation=cv2.INTER_CUBIC
    )
    streaks = (rng.random((40, 60, 1)) > 0.9) * 50
    return np.clip(clean + streaks, 0, 255).astype(np.uint8), clean


@pytest.mark.parametrize("rainy_left", [True, False])
def test_side_by_side(tmp_path: Path, rainy_left: bool) -> None:
    root = tmp_path / "DID-MDN-test"
    root.mkdir()
    for seed in range(3):
        rainy, clean = scene_pair(seed)
        both = [rainy, clean] if rainy_left else [clean, rainy]
        cv2.imwrite(str(root / f"{seed}.png"), np.hstack(both)[..., ::-1])
    data = open_pairs(root)
    assert isinstance(data, SideBySideSet)
    assert data.own_rain
    assert data.scenes[1].size == (40, 60)
    rainy, clean = scene_pair(1)
    found_rainy, found_clean = data.rainy(data.scenes[1]), data.clean(data.scenes[1])
    assert found_rainy is not None
    assert found_clean is not None
    assert (found_rainy == rainy).all()
    assert (found_clean == clean).all()
    assert found_clean.flags.c_contiguous
    assert ("left" if rainy_left else "right") in data.notes[0]
    assert data.notes[1] == "3 pairs, DID-MDN test as published has 1200: scores are over a part of it"


def test_photos_are_not_pairs(tmp_path: Path, write_image: WriteImage) -> None:
    fill(tmp_path, write_image, "1.png", "2.png")
    text = fault(tmp_path)
    assert "has images but no pairs" in text
    assert f"images:{tmp_path}" in text


def test_odd_width_among_side_by_side(tmp_path: Path, write_image: WriteImage) -> None:
    for seed in range(9):
        cv2.imwrite(str(tmp_path / f"{seed}.png"), np.hstack(scene_pair(seed)))
    write_image(tmp_path / "a.png", size=(40, 61))
    assert "a.png is 61 pixels wide" in fault(tmp_path)


@pytest.mark.parametrize(
    ("folder", "count", "note"),
    [
        ("Rain100H", 3, "3 pairs, Rain100H as published has 100: scores are over a part of it"),
        ("rain12", 12, None),
        ("rain12", 13, "13 pairs, Rain12 as published has 12: scores are over more than it"),
        ("something", 3, None),
    ],
)
def test_known_counts(
    tmp_path: Path, write_image: WriteImage, folder: str, count: int, note: str | None
) -> None:
    root = tmp_path / folder
    fill(root, write_image, *(f"{side}/{n}.png" for side in ("rain", "norain") for n in range(count)))
    assert open_pairs(root).notes == (() if note is None else (note,))


@pytest.mark.parametrize(("name", "count"), [("rain100h", 50), ("rain100l", 50), ("weather_cityscapes", 30)])
def test_real_pairs(shared: Path, name: str, count: int) -> None:
    data = open_data(f"pairs:{shared / 'data' / name}")
    assert len(data.scenes) == count
    scene = data.scenes[-1]
    rainy, clean = data.rainy(scene), data.clean(scene)
    assert rainy is not None
    assert clean is not None
    assert rainy.shape == clean.shape
    assert rainy.mean() > clean.mean()
    assert bool(data.notes) == name.startswith("rain100")


def test_gt_rain_has_one_clean_frame_of_a_scene(tmp_path: Path, write_image: WriteImage) -> None:
    """GT-RAIN_test/SCENE/SCENE-Webcam-[CR]-NNN.png, as github.com/UCLA-VMG/GT-RAIN has it."""
    root = tmp_path / "GT-RAIN_test"
    for scene in ("Gurutto_0-0", "Table_Rock_0-0"):
        names = [f"{scene}-Webcam-C-000.png", *(f"{scene}-Webcam-R-{n:03}.png" for n in (0, 1))]
        fill(root / scene, write_image, *names)
    found = pair_names(root)
    assert found[1] == (
        "Gurutto_0-0-Webcam-R-001",
        "Gurutto_0-0-Webcam-R-001.png",
        "Gurutto_0-0-Webcam-C-000.png",
    )
    assert [row[2][:7] for row in found] == ["Gurutto"] * 2 + ["Table_R"] * 2
    assert open_pairs(root).notes == (
        "4 pairs, GT-RAIN test as published has 2100: scores are over a part of it",
    )
    assert len(pair_names(root / "Gurutto_0-0")) == 2
    write_image(
        root / "Gurutto_0-0" / "Gurutto_0-0-Webcam-C-001.png"
    )  # as scene Gurutto_1-2 of the published set
    assert [row[2] for row in pair_names(root / "Gurutto_0-0")] == [
        "Gurutto_0-0-Webcam-C-000.png",
        "Gurutto_0-0-Webcam-C-001.png",
    ]
    (root / "Gurutto_0-0" / "Gurutto_0-0-Webcam-R-001.png").unlink()
    assert "Gurutto_0-0-Webcam has 2 clean frames (-C-) and 1 rainy ones" in fault(root)
    (root / "Gurutto_0-0" / "Gurutto_0-0-Webcam-C-001.png").rename(root / "Gurutto_0-0" / "mask.png")
    assert "mask.png is by its name no frame of a scene" in fault(root)


@pytest.mark.parametrize("real", [True, False])
def test_rainds_has_three_kinds_of_rain(tmp_path: Path, write_image: WriteImage, real: bool) -> None:
    """RainDS_syn/test and RainDS_real/test_set, as github.com/Songforrr/RainDS_CCN has them."""
    root = tmp_path / ("RainDS_real/test_set" if real else "RainDS_syn/test")
    marks = {"gt": "norain-", "raindrop": "rd-", "rainstreak": "rain-", "rainstreak_raindrop": "rd-rain-"}
    for folder, mark in marks.items():
        names = ("2", "7") if real else (f"{mark}1", f"pie-{mark}1", f"{mark}12")
        fill(root / folder, write_image, *(f"{name}.png" for name in names))
    message = fault(root)
    assert (
        "several kinds of rain: give --split with one of raindrop, rainstreak, rainstreak_raindrop" in message
    )
    clean = ["2", "7"] if real else ["norain-1", "norain-12", "pie-norain-1"]
    for kind, mark in list(marks.items())[1:]:
        rows = pair_names(root, kind)
        assert sorted(row[2].removesuffix(".png") for row in rows) == clean
        assert all(row[0] == row[2].removesuffix(".png").replace("norain-", mark) for row in rows)
    (whole,) = {open_pairs(tmp_path / root.parts[-2], f"{root.name}/raindrop").name}
    assert whole.endswith("/raindrop")
    assert whole != open_pairs(tmp_path / root.parts[-2], f"{root.name}/rainstreak").name


def test_raindrop_has_data_and_gt(tmp_path: Path, write_image: WriteImage) -> None:
    """test_a/data/0_rain.png and test_a/gt/0_clean.png, as github.com/rui1996/DeRaindrop has them."""
    fill(tmp_path / "test_a" / "data", write_image, "0_rain.png", "10_rain.png")
    fill(tmp_path / "test_a" / "gt", write_image, "0_clean.png", "10_clean.png")
    assert pair_names(tmp_path, "test_a") == [
        ("0_rain", "0_rain.png", "0_clean.png"),
        ("10_rain", "10_rain.png", "10_clean.png"),
    ]


def test_a_set_whose_count_nobody_states_is_read_without_a_note(
    tmp_path: Path, write_image: WriteImage
) -> None:
    root = tmp_path / "RealRain-1k-L"
    fill(root / "test", write_image, *(f"{side}/{n}.png" for side in ("input", "target") for n in (3, 8)))
    assert (len(open_pairs(root).scenes), open_pairs(root).notes) == (2, ())
