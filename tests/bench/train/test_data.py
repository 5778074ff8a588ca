from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.images import read_image, write_image
from bench.seeds import rng_from
from bench.train.config import Data
from bench.train.data import Batches, draw_sample, make_loader
from bench.train.pools import Pool, read_pools


def test_a_batch_depends_on_seed_and_step_alone(tiny: Any) -> None:
    config = tiny()
    pools = read_pools(config.data)
    one, other = Batches(config, pools), Batches(config, pools)
    late = one[4]
    _ = [other[step] for step in range(4)]
    torch.testing.assert_close(other[4], late)
    assert not torch.equal(one[3]["rainy"], late["rainy"])
    assert not torch.equal(Batches(tiny(seed=1), pools)[4]["rainy"], late["rainy"])


def test_processes_see_different_samples_of_one_sequence(tiny: Any) -> None:
    config = tiny()
    pools = read_pools(config.data)
    whole = Batches(tiny(stages=[{"until": 6, "patch": 16, "batch": 4}]), pools)[1]["clean"]
    halves = [Batches(config, pools, rank, 2)[1]["clean"] for rank in (0, 1)]
    torch.testing.assert_close(torch.cat(halves), whole)


def test_workers_change_nothing(tiny: Any) -> None:
    batches = Batches(tiny(), read_pools(tiny().data))
    alone = list(make_loader(batches, 0))
    together = list(make_loader(batches, 2))
    assert len(alone) == 6
    torch.testing.assert_close(together, alone)


def test_a_loader_starts_where_a_training_resumes(tiny: Any) -> None:
    batches = Batches(tiny(), read_pools(tiny().data))
    loader = make_loader(batches, 0)
    loader.sampler.start = 4  # type: ignore[attr-defined]
    torch.testing.assert_close(list(loader), [batches[4], batches[5]])


def test_rain_makes_brighter_and_none_leaves_alone(photos: Path) -> None:
    pools = read_pools(Data.model_validate({"clean": [{"images": str(photos)}]}))
    heavy = Data.model_validate(
        {"clean": [{"images": "x"}], "rain": [{"kind": "streaks", "low": 1, "high": 1}]}
    )
    dry = Data.model_validate({"clean": [{"images": "x"}], "rain": [{"kind": "none"}]})
    for k in range(5):
        rainy, clean = draw_sample(pools, heavy, 32, rng_from(k))
        assert rainy.shape == clean.shape == (32, 32, 3)
        assert (rainy >= clean).all()
        assert rainy.mean() > clean.mean() + 5
        rainy, clean = draw_sample(pools, dry, 32, rng_from(k))
        assert (rainy == clean).all()


def test_an_image_smaller_than_the_patch_is_continued() -> None:
    data = Data.model_validate({"clean": [{"images": "x"}], "rain": [{"kind": "none"}]})
    pool = Pool(1.0, (np.arange(20 * 10 * 3, dtype=np.uint8).reshape(20, 10, 3),))
    assert draw_sample([pool], data, 32, rng_from(0))[1].shape == (32, 32, 3)


def make_pairs(folder: Path, photos: Path) -> Path:
    for name in ("rain", "norain"):
        (folder / name).mkdir(parents=True)
    for path in sorted(photos.iterdir()):
        clean = read_image(path)
        write_image(folder / "norain" / path.name, clean)
        write_image(folder / "rain" / path.name, 255 - clean)
    return folder


def test_pairs_are_cut_at_the_same_place(tmp_path: Path, photos: Path) -> None:
    folder = make_pairs(tmp_path / "pairs", photos)
    data = Data.model_validate({"pairs": [str(folder)]})
    pools = read_pools(data)
    for k in range(8):
        rainy, clean = draw_sample(pools, data, 16, rng_from(k))
        assert (rainy == 255 - clean).all()


def test_physical_rain_is_drawn_too(photos: Path) -> None:
    rain = [{"kind": "rainfall", "low": 50, "high": 150}]
    data = Data.model_validate({"clean": [{"images": str(photos)}], "rain": rain})
    rainy, clean = draw_sample(read_pools(data), data, 32, rng_from(1))
    assert rainy.dtype == np.uint8
    assert (rainy != clean).any()


def test_physical_rain_keeps_the_scale_of_the_whole_image() -> None:
    """Drops and fog are drawn before the patch is cut: a patch above the horizon has the fog of the far distance."""
    data = Data.model_validate(
        {"clean": [{"images": "x"}], "rain": [{"kind": "rainfall", "low": 100, "high": 100}], "zoom": 1}
    )
    whole = np.full((96, 128, 3), 40, np.uint8)
    whole[:, 64:] = 200
    from bench.rain.rainfall import AIR

    patches = [draw_sample([Pool(1.0, (whole,))], data, 32, rng_from(k)) for k in range(60)]
    dark = [r for r, c in patches if c.max() == 40]
    assert dark
    # Fog mixes in the air light of the whole image, 1.45 times its mean of 120; of a dark patch alone it would be 58.
    assert max(float(r.mean()) for r in dark) > 40 * AIR


def test_other_rains_fall_on_the_same_patch(photos: Path) -> None:
    rain = [{"kind": "none", "share": 1}, {"kind": "streaks", "low": 0.9, "share": 1}]
    data = Data.model_validate({"clean": [{"images": str(photos)}], "rain": rain})
    pools = read_pools(data)
    for k in range(6):
        rainy, clean, one, two = draw_sample(pools, data, 32, rng_from(k), others=2)
        assert (draw_sample(pools, data, 32, rng_from(k))[0] == rainy).all()
        for other in (one, two):
            assert (other >= clean).all()
            assert (other != clean).any()
        assert (one != two).any()


def test_a_second_rain_comes_on_top_half_of_the_time(photos: Path) -> None:
    then = {"kind": "streaks", "low": 1, "high": 1}
    rain = [{"kind": "streaks", "low": 0, "high": 0, "then": then}]
    data = Data.model_validate({"clean": [{"images": str(photos)}], "rain": rain})
    pools = read_pools(data)
    gained = []
    for k in range(40):
        rainy, clean = draw_sample(pools, data, 32, rng_from(k))
        gained.append(float(rainy.mean()) - float(clean.mean()))
    assert 10 < sum(g > 5 for g in gained) < 30


def test_both_images_of_a_sample_are_compressed_alike(photos: Path) -> None:
    data = Data.model_validate({"clean": [{"images": str(photos)}], "rain": [{"kind": "none"}], "jpeg": 1})
    plain = data.model_copy(update={"jpeg": 0})
    pools = read_pools(data)
    rainy, clean = draw_sample(pools, data, 32, rng_from(5))
    before = draw_sample(pools, plain, 32, rng_from(5))[1]
    assert (rainy == clean).all()
    assert (clean != before).any()
    assert np.abs(clean.astype(int) - before).mean() < 25


def test_batches_bring_other_rains_where_the_loss_compares_with_them(tiny: Any) -> None:
    config = tiny(loss={"contrastive": 0.1, "negatives": 3})
    batch = Batches(config, read_pools(config.data))[0]
    assert batch["others"].shape == (2 * 2, 3, 16, 16)
    assert "others" not in Batches(tiny(), read_pools(config.data))[0]
