"""``bench list derainers``: how images are brought to a network, and what papers say beside what was measured."""

from __future__ import annotations

import shutil
from pathlib import Path

from typer.testing import CliRunner

from bench.cli.app import app
from bench.keep.records import RainInfo, read_record, variant_name, write_record

BOARD = Path(__file__).parents[3] / "reports" / "board" / "records"


def listed(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["list", "derainers", "--published", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def lines(text: str, test_set: str) -> list[str]:
    wanted = [line.split() for line in text.splitlines()]
    return [" ".join(words) for words in wanted if words[:2] == ["prenet", test_set] and words[2] == "psnr@y"]


def test_measured_stands_beside_published_where_the_set_is_the_same(tmp_path: Path) -> None:
    street = read_record(next(BOARD.glob("street-test-none--restoration-----prenet--*.json")))
    changed = {
        "data": street.data.model_copy(update={"name": "pairs/rain100h"}),
        "rain": RainInfo(name="own", version="own", seed=0),
        "variant": variant_name("pairs/rain100h", "own", 0),
    }
    write_record(tmp_path, street.model_copy(update=changed))
    measured = {score.metric: score.value for score in street.scores}
    text = listed("--match", "prenet", "--records", str(tmp_path))
    own, *others = lines(text, "Rain100H")
    assert "29.46 / 0.8990" in own
    assert f"{measured['psnr_y']:.2f} / {measured['ssim_y']:.4f} (64 images)" in own
    assert others, "one model for Rain13K is another line"
    assert all("—" in line for line in lines(text, "Rain100L"))


def test_the_street_is_none_of_the_sets(tmp_path: Path) -> None:
    for path in BOARD.glob("street-*.json"):
        shutil.copy(path, tmp_path)
    assert lines(listed("--match", "prenet", "--records", str(tmp_path)), "Rain100H")
    assert "images)" not in listed("--records", str(tmp_path))


def test_what_the_board_has_of_a_set_stands_beside_what_papers_say() -> None:
    own, *_ = lines(listed("--match", "prenet", "--records", str(BOARD)), "Rain100H")
    assert "29.46 / 0.8990 29.13 / 0.8897 (50 images)" in own


def test_without_records_a_dash_stands_for_what_was_not_measured(tmp_path: Path) -> None:
    text = listed("--match", "brn", "--records", str(tmp_path / "absent"))
    assert "30.47 / 0.9130" in text
    assert "—" in text


def test_the_models_end_with_how_those_of_ones_own_are_named() -> None:
    done = CliRunner().invoke(app, ["list", "models"])
    assert done.exit_code == 0, done.output
    shown = [line.rstrip() for line in done.output.splitlines() if line.strip()]
    doors = shown[next(i for i, line in enumerate(shown) if line.lstrip().startswith("CONFIG.py")) :]
    text = "\n".join(doors)
    for name in (
        "my.py:NAME[?OPTIONS][:ARG]",
        "hf:NAME_OR_DIR",
        "onnx:FILE",
        "torchscript:FILE",
        "predictions:DIR",
    ):
        assert any(line.lstrip().startswith(name) for line in doors), name
    assert 'bench.run(model={"mine": OBJECT})' in text
    assert "--layout yolo, ssd, end2end" in text
    assert "--layout labelmap" in text
    assert "DIR/VARIANT/DERAINER.json" in text
    assert "detection, instances, segmentation" in doors[0]


def test_the_list_says_what_sizes_a_network_takes() -> None:
    text = CliRunner().invoke(app, ["list", "derainers"]).output
    shown = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert " 128x128, tiles " in shown["idt"]
    assert " squares, x128 " in shown["uformer"]
    assert " x8 " in shown["restormer"]
    assert " any " in shown["rescan"]
