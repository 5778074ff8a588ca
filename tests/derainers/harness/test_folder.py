"""Images restored elsewhere: the names that people give them, one folder for each rain, and what is said of gaps."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from bench.errors import BadConfig, BadData
from bench.images import write_image
from derainers import DerainerError, Setting, check_derainer, load_derainer, parse_derainers
from derainers.harness.folder import FolderDerainer


def image(value: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def put(folder: Path, *names: str) -> Path:
    """Write an image a name, of the value of its place in the list."""
    for value, name in enumerate(names, 1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path.with_suffix(".png"), image(value))
        if path.suffix not in (".png", ""):
            path.with_suffix(".png").rename(path)
    return folder


def scenes(*ids: str, rain: str | None = "streaks:heavy", **others: str) -> Setting:
    return Setting(rain, {name: (others[name],) if name in others else () for name in ids})


def values(folder: FolderDerainer, *ids: str) -> list[int]:
    return [int(found[0, 0, 0]) for found in folder.restore_scenes(ids, [image(0)] * len(ids))]


def test_a_folder_gives_exactly_what_lies_in_it(tmp_path: Path) -> None:
    folder = load_derainer(f"folder:{put(tmp_path, 'a.png', 'b.png')}")
    assert isinstance(folder, FolderDerainer)
    assert folder.missing(["a", "b", "c"]) == ["c"]
    assert values(folder, "b", "a") == [2, 1]
    key = folder.key
    put(tmp_path, "z.png")
    assert load_derainer(f"folder:{tmp_path}").key != key


@pytest.mark.parametrize(
    "names",
    [
        ("a.png", "b.png"),
        ("a_restored.png", "b_restored.png"),
        ("a_derained.png", "b-derained.png"),
        ("deep/a_fake_B.png", "deep/b_fake_B.png"),
        ("restored_a.png", "restored_b.png"),
        ("a/out.png", "b/out.png"),
        ("x/a.png", "x/b.png"),
        ("images/a/final.png", "images/b/final.png"),
    ],
)
def test_names_that_people_give(tmp_path: Path, names: tuple[str, ...]) -> None:
    (spec,) = parse_derainers(f"folder:{put(tmp_path, *names)}")
    check_derainer(spec, [scenes("a", "b")])
    folder = load_derainer(spec)
    assert isinstance(folder, FolderDerainer)
    assert values(folder.of_variant(scenes("a", "b")), "a", "b") == [1, 2]


def test_numbers_and_the_names_of_rainy_files(tmp_path: Path) -> None:
    put(tmp_path / "n", "1.png", "02.png")
    numbered = FolderDerainer(str(tmp_path / "n"))
    assert values(numbered, "norain-2", "rain-001") == [2, 1]
    put(tmp_path / "r", "p_r1.png", "q_r1.png")
    rainy = FolderDerainer(str(tmp_path / "r")).of_variant(scenes("one", "two", one="p_r1", two="q_r1"))
    assert values(rainy, "two", "one") == [2, 1]
    # What two files could be, or what is another scene's, is nobody's.
    put(tmp_path / "d", "x/a.png", "y/a.png", "1_out.png", "norain-1.png")
    assert FolderDerainer(str(tmp_path / "d")).missing(["a", "rain-1"]) == ["a", "rain-1"]
    put(tmp_path / "s", "1.png")
    assert FolderDerainer(str(tmp_path / "s")).missing(["a-1", "b-1"]) == ["a-1", "b-1"]


def test_each_rain_has_a_folder_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, "Streaks_Light/a.png", "HEAVY/q.png", "HEAVY/a.png")
    settings = [scenes("a", rain="streaks:light"), scenes("a", rain="streaks:heavy")]
    for text in (f"folder:{tmp_path}/{{rain}}", f"folder:{tmp_path}"):
        (spec,) = parse_derainers(text)
        check_derainer(spec, settings)
        folder = load_derainer(spec)
        assert isinstance(folder, FolderDerainer)
        assert [values(folder.of_variant(setting), "a") for setting in settings] == [[1], [3]]
        assert folder.of_variant(settings[0]).key == folder.of_variant(settings[1]).key == folder.key
    (spec,) = parse_derainers(f"folder:{tmp_path}/{{rain}}")
    with pytest.raises(BadData, match=r"\{rain\} stands for nothing"):
        check_derainer(spec, [scenes("a", rain=None)])
    chained = load_derainer(f"folder:{tmp_path}+median")
    light = chained.of_variant(settings[0])  # type: ignore[attr-defined]
    assert int(light.restore_scenes(["a"], [image(0)])[0][0, 0, 0]) == 1


def test_two_rains_with_one_folder_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (spec,) = parse_derainers(f"mine=folder:{put(tmp_path, 'a.png')}")
    check_derainer(spec, [scenes("a")])
    with pytest.raises(
        BadData, match=r"nothing of its own for the rain streaks:light.* write folder:.*/\{rain\}"
    ):
        check_derainer(spec, [scenes("a", rain="streaks:light"), scenes("a")])
    (spec,) = parse_derainers(
        f"folder:{tmp_path}/{{rain}}_{{scene}}.png"
    )  # a rain has a folder, not a part of a name
    with pytest.raises(
        BadData, match=rf"write '?folder:{re.escape(str(tmp_path))}/{{rain}}'?, with a sub-folder"
    ):
        check_derainer(spec, [scenes("a", rain="streaks:light"), scenes("a")])


def test_what_is_missing_is_listed_beside_what_was_found(tmp_path: Path) -> None:
    (spec,) = parse_derainers(f"mine=folder:{put(tmp_path, 'a.png', 'q.png')}")
    with pytest.raises(BadData) as caught:
        check_derainer(spec, [scenes("a", "b", "c")])
    said = "'mine' lacks 2 of 3 scenes (b, c); it has a.png; nothing was made of q.png: add them or limit the run"
    assert said in str(caught.value)
    (spec,) = parse_derainers(f"folder:{put(tmp_path / 'odd', 'v2_a_epoch9.png', 'v2_b_epoch9.png')}")
    with pytest.raises(BadData, match=r"write folder:.*odd/v2_\{scene\}_epoch9\.png$") as caught:
        check_derainer(spec, [scenes("a", "b")])
    (spec,) = parse_derainers("folder:" + str(caught.value).rpartition("folder:")[2])
    check_derainer(spec, [scenes("a", "b")])
    folder = load_derainer(spec)
    assert isinstance(folder, FolderDerainer)
    assert values(folder, "b") == [2]


@pytest.mark.parametrize(
    ("folder", "scene", "template"),
    [
        ("my results, v2", "norain-1", "{scene}_epoch9.png"),
        ("lr=0.1,width=8", "norain-1", "{scene},9.png"),
        ("ün 100% (1)+median", "norain-1", "{scene} best 2.png"),
    ],
)
def test_a_proposal_runs_as_it_is_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, scene: str, template: str
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / folder, template.replace("{scene}", scene))
    setting = scenes("rain-1", **{"rain-1": scene})
    for wrong in (folder, f"{folder}/v{{scene}}.png"):
        with pytest.raises(BadData) as caught:
            check_derainer(parse_derainers([f"folder:{wrong}"])[0], [setting])
        (pasted,) = shlex.split(str(caught.value).rpartition(": write ")[2])
        assert pasted == f"folder:{folder}/{template}"
    spec, other = parse_derainers(f"{pasted},guided")
    check_derainer(spec, [setting])
    assert other.name == "guided"


def test_places_counted_from_0_are_no_numbers_of_scenes(tmp_path: Path) -> None:
    (spec,) = parse_derainers(f"folder:{put(tmp_path, '0.png', '1.png')}")
    for ids in (("rain-1",), ("rain-1", "rain-2")):
        with pytest.raises(
            BadData, match=r"numbered from 0 .*give each file its scene's name, such as rain-1\.png"
        ):
            check_derainer(spec, [scenes(*ids)])
    check_derainer(spec, [scenes("rain-0", "rain-1")])
    put(tmp_path, "rain-1.png", "rain-2.png")
    check_derainer(spec, [scenes("rain-1", "rain-2")])


def test_images_of_another_size_than_their_scenes_are_named_before_the_run(tmp_path: Path) -> None:
    restored = put(tmp_path / "restored", "a.png", "b.png", "c.png")
    given = put(tmp_path / "given", "a.png", "b.png", "c.png", "d.png")
    write_image(restored / "b.png", image(3, 20, 30))
    spec = parse_derainers(f"ours=folder:{restored}")[0]
    setting = Setting(None, {name: () for name in "abc"}, {name: given / f"{name}.png" for name in "abd"})
    words = (
        rf"'ours': 1 of 3 images in {restored} are of .* \(b\.png is 30x20 instead of 32x24\): restore them"
    )
    with pytest.raises(BadData, match=words):
        check_derainer(spec, [setting])
    write_image(restored / "b.png", image(3))
    write_image(restored / "c.png", image(3, 20, 30))  # of which scene nothing is known
    check_derainer(spec, [setting])


def test_lossy_files_are_remarked_on(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(image(7)).save(tmp_path / "a.jpg")
    (remark,) = FolderDerainer(str(tmp_path)).remarks
    assert ".jpg" in remark
    assert FolderDerainer(str(put(tmp_path / "b", "a.png"))).remarks == ()


@pytest.mark.parametrize("other", ["*", "{name}", "{Scene}"])
def test_another_sign_for_a_scene_is_told_the_right_one(tmp_path: Path, other: str) -> None:
    put(tmp_path, "a_x.png")
    with pytest.raises(BadData, match=rf"write {{scene}} in the place of {re.escape(other)}$"):
        FolderDerainer(f"{tmp_path}/{other}_x.png")


def test_what_a_folder_cannot_do_is_one_line(tmp_path: Path) -> None:
    folder = FolderDerainer(str(put(tmp_path, "a.png")))
    with pytest.raises(BadData, match="32x24, but scene 'a' is 9x9"):
        folder.restore_scenes(["a"], [image(0, 9, 9)])
    with pytest.raises(DerainerError, match="lone image"):
        folder(image(0))
    (tmp_path / "empty").mkdir()
    for text, words in (
        (f"folder:{tmp_path}/empty", "holds no images"),
        (f"folder:{tmp_path}/no", "no folder"),
    ):
        with pytest.raises(BadData, match=words):
            check_derainer(parse_derainers(text)[0])
    with pytest.raises(BadConfig, match="needs a path"):
        parse_derainers("folder")
