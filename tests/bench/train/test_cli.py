from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli import main


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["bench", "train", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    output = capsys.readouterr()
    return int(stop.value.code or 0), output.err + output.out


def test_a_training_from_the_command_line(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        "options: {width: 2, recursions: 1, norm: none, recruitment: none}\n"
        f"data: {{clean: [{{images: '{photos}'}}]}}\n"
        "stages: [{until: 2, patch: 16, batch: 1}]\nloss: {contrastive: 0}\nthreads: 1\n"
    )
    weights = tmp_path / "w.safetensors"
    code, said = run(
        capsys, monkeypatch, "--config", str(config), "--out", str(tmp_path / "out"), "--export", str(weights)
    )
    assert code == 0
    assert "parameters after 2 steps" in said
    assert "note: no held-out images" in said
    assert weights.is_file()


@pytest.mark.parametrize("held_out", [False, True])
def test_own_images_with_a_shipped_configuration(
    held_out: bool,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The images that it names for validation are not there."""
    from bench.train import runner
    from bench.train.config import TrainConfig

    seen: list[TrainConfig] = []
    monkeypatch.setattr(runner, "train", lambda config, *_: seen.append(config))
    validation = ["--validation", str(photos)] if held_out else []
    code, _ = run(
        capsys, monkeypatch, "--config", "rdmc", "--clean", str(photos), *validation, "--out", str(tmp_path)
    )
    assert code == 0
    assert seen[0].validation.images == ((str(photos),) if held_out else ())
    assert seen[0].validation.limit == 8
    assert [source.images for source in seen[0].data.clean] == [str(photos)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config", "rdcm"], "no training configuration 'rdcm'"),
        (["--config", "rdmc", "--derainer", "rdcm"], "unknown derainer 'rdcm': did you mean rdmc"),
        (["--config", "rdmc", "--clean", "nothing/here"], "no clean images found in nothing/here"),
        (
            ["--config", "rdmc", "--clean", "PHOTOS", "--validation", "no/such"],
            "no clean images found in no/such",
        ),
        ([], "give --config to train, or --export"),
        (["--export", "w.safetensors"], "no checkpoint of bench train"),
        (["--export", "w.pth"], "exported weights end in .safetensors"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(
    arguments: list[str],
    said: str,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = [str(photos) if argument == "PHOTOS" else argument for argument in arguments]
    code, output = run(capsys, monkeypatch, "--out", str(tmp_path), *given)
    assert code == 2
    assert said in output
    assert len(output.strip().splitlines()) == 1
