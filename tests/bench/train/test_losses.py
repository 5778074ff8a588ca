from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.train.config import Loss
from bench.train.features import load_features
from bench.train.losses import EPSILON, RestorationLoss, contrastive_ratio, ssim


@pytest.fixture(scope="module")
def images() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Clean, rainy and half restored."""
    generator = torch.Generator().manual_seed(3)
    clean = torch.rand(2, 3, 24, 24, generator=generator)
    rainy = (clean + 0.5 * (torch.rand(2, 1, 24, 24, generator=generator) > 0.8)).clamp(max=1)
    return clean, rainy, (clean + rainy) / 2


def test_ssim_equals_scikit_image(images: tuple[torch.Tensor, ...]) -> None:
    from skimage.metrics import structural_similarity

    clean, rainy, _ = (x.double() for x in images)
    # scikit-image averages where the window lies within the image; in a wide equal border ours is 1 everywhere else.
    for a, b in zip(clean, rainy, strict=True):
        one, two = (np.pad(x.numpy(), ((0, 0), (20, 20), (20, 20))) for x in (a, b))
        expected = structural_similarity(
            one,
            two,
            channel_axis=0,
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        ours = float(ssim(torch.from_numpy(one)[None], torch.from_numpy(two)[None]))
        inner = (one.shape[1] - 10) * (one.shape[2] - 10) / (one.shape[1] * one.shape[2])
        assert 1 - ours == pytest.approx((1 - expected) * inner, rel=1e-6)
    assert float(ssim(clean, clean)) == pytest.approx(1)


def test_the_contrastive_prior_has_a_gradient_and_the_released_wiring_has_none(
    images: tuple[torch.Tensor, ...],
) -> None:
    clean, rainy, half = images
    features = load_features("random")
    restored = half.clone().requires_grad_()
    terms = RestorationLoss(Loss(mse=0, ssim=0, contrastive=1), features)(restored, clean, rainy)
    (gradient,) = torch.autograd.grad(terms["loss_contrastive"], restored)
    assert gradient.abs().sum() > 0
    released = RestorationLoss(Loss(mse=0, ssim=0, contrastive=1, detached=True), features)(
        restored, clean, rainy
    )
    assert not released["loss_contrastive"].requires_grad
    assert float(released["loss_contrastive"]) == pytest.approx(terms["loss_contrastive"].item())


def test_a_step_along_the_gradient_nears_the_clean_image(images: tuple[torch.Tensor, ...]) -> None:
    clean, rainy, half = images
    features = load_features("random")
    x = half.clone().requires_grad_()
    before = contrastive_ratio(features, x, clean, rainy)
    (gradient,) = torch.autograd.grad(before, x)
    with torch.no_grad():
        after = contrastive_ratio(features, x - 1e-2 * gradient / gradient.abs().max(), clean, rainy)
    assert after < before


def test_the_ratio_is_the_quotient_of_two_weighted_distances(images: tuple[torch.Tensor, ...]) -> None:
    clean, rainy, half = images
    features = load_features("random")

    def distance(a: torch.Tensor, b: torch.Tensor) -> float:
        maps = zip(features.weights, features(a), features(b), strict=True)
        return sum(w * float((x - y).abs().mean()) for w, x, y in maps)

    expected = distance(half, clean) / (distance(half, rainy) + EPSILON)
    assert float(contrastive_ratio(features, half, clean, rainy)) == pytest.approx(expected, rel=1e-5)
    other = (rainy + 0.3).clamp(max=1)
    two = (distance(half, rainy) + distance(half, other)) / 2
    found = contrastive_ratio(features, half, clean, torch.cat((rainy, other)))
    assert float(found) == pytest.approx(distance(half, clean) / (two + EPSILON), rel=1e-5)


def test_without_rain_the_ratio_is_finite(images: tuple[torch.Tensor, ...]) -> None:
    clean = images[0].clone().requires_grad_()
    ratio = contrastive_ratio(load_features("random"), clean, clean.detach(), clean.detach())
    assert float(ratio) == 0
    assert torch.isfinite(torch.autograd.grad(ratio, clean)[0]).all()


def test_other_rains_of_the_scene_are_negatives_too(images: tuple[torch.Tensor, ...]) -> None:
    clean, rainy, half = images
    features = load_features("random")
    loss = RestorationLoss(Loss(mse=0, ssim=0, contrastive=2), features)
    other = (rainy + 0.3).clamp(max=1)
    expected = 2 * contrastive_ratio(features, half, clean, torch.cat((rainy, other)))
    assert float(loss(half, clean, rainy, other)["loss_contrastive"]) == pytest.approx(float(expected))
