"""Checks the model against plain definitions, on the CPU: python -m monarch.check_model"""

from __future__ import annotations

import torch

from .model import Config, LongConvolution, Monarch


def kernel(convolution: LongConvolution, exponents, lags: int) -> torch.Tensor:
    """The kernel tap by tap: [hidden, 2 x lags + 1], lag 0 in the middle."""
    states, taps = exponents.log_rate.numel(), exponents.taps
    at = torch.arange(lags + 1).float()
    real, imaginary = exponents.powers(at)
    gain = exponents.gain()[:, None]
    c = convolution.coefficients
    ahead = c[:, :states] @ (gain * real) - c[:, states : 2 * states] @ (gain * imaginary)
    back = c[:, 2 * states : 3 * states] @ (gain * real) - c[:, 3 * states :] @ (gain * imaginary)
    whole = torch.cat([back[:, 1:].flip(1), ahead], 1)
    whole[:, lags - taps : lags + taps + 1] += convolution.local
    return whole


def check_gradients(model: Monarch, ids: torch.Tensor, mask: torch.Tensor) -> None:
    """Padding by whole chunks gives every parameter a gradient that is a number."""
    vectors, whole = model.read(ids, mask)
    (vectors[..., 0].sum() + whole[..., 0].sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name
    print("gradients are finite beside padding")


@torch.no_grad()
def main() -> None:
    torch.manual_seed(0)
    config = Config(hidden=12, inner=24, layers=2, vocabulary=50, chunk=16)
    model = Monarch(config)
    for parameter in model.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))

    convolution, tokens = model.layers[0].convolution, 112
    z = torch.randn(12, 3, tokens)
    basis = model.exponents(16, tokens // 16)
    found = convolution(z.view(12, 3, -1, 16), basis).view_as(z)
    taps = kernel(convolution, model.exponents, tokens - 1)
    expected = torch.zeros_like(z)
    for t in range(tokens):
        for s in range(tokens):
            expected[:, :, t] += taps[:, None, tokens - 1 + t - s] * z[:, :, s]
    worst = (found - expected).abs().max() / expected.abs().max()
    print(f"chunked against direct convolution: {worst:.1e}")
    assert worst < 1e-5

    one = model.exponents(tokens, 1)
    single = convolution(z.view(12, 3, 1, tokens), one).view_as(z)
    worst = (single - expected).abs().max() / expected.abs().max()
    print(f"one chunk against direct convolution: {worst:.1e}")
    assert worst < 1e-5

    ids = torch.randint(0, 50, (1, 96))
    alone = model(ids[:, :64])
    mask = torch.zeros(1, 96)
    mask[:, :64] = 1
    padded = model(ids, mask)[:, :64]
    worst = (alone - padded).abs().max()
    print(f"padding changes a vector by {worst:.1e}")
    assert worst < 1e-5

    worst = (model.read(ids[:, :64])[1] - model.read(ids, mask)[1]).abs().max()
    print(f"padding changes a document by {worst:.1e}")
    assert worst < 1e-5

    with torch.enable_grad():
        check_gradients(model, ids, mask)

    for shift in ("none", "projections"):
        other = Monarch(Config(hidden=12, inner=24, layers=2, vocabulary=50, chunk=16, shift=shift))
        assert other(ids, mask).shape == (1, 96, 12)


if __name__ == "__main__":
    main()
