"""Adapters trained as part of the weights they adapt: the same model for fewer products, where the weights are small.

LoRA computes ``W x + s B A x``. Folded, ``W + s B A`` is formed once per step and used like any weight; the chain rule
gives the adapters' gradients from that weight's own: ``dB = s dW A^T``, ``dA = s B^T dW``. It saves what two more
products per token cost, and costs the product that ``dW`` is. The first is larger where the rank is near the width.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor

_ADAPTER = "default"


class Folded:
    """The adapted layers of a model while their adapters are folded into their weights."""

    def __init__(self, layers: "list[Any]") -> None:
        self._layers = layers
        self._frozen: list[Tensor] = [layer.base_layer.weight.detach().clone() for layer in layers]

    def fold(self) -> None:
        """Form the weights from the adapters as they are now: before the first step, and after each."""
        import torch

        with torch.no_grad():
            for layer, frozen in zip(self._layers, self._frozen, strict=True):
                a, b, scale = _adapter(layer)
                torch.addmm(frozen, b, a, alpha=scale, out=layer.base_layer.weight)

    def pass_gradients(self) -> None:
        """Turn the gradients of the weights into those of the adapters."""
        for layer in self._layers:
            a, b, scale = _adapter(layer)
            weight = layer.base_layer.weight
            a.grad, b.grad = scale * (b.detach().t() @ weight.grad), scale * (weight.grad @ a.detach().t())
            weight.grad = None

    def restore(self) -> None:
        for layer, frozen in zip(self._layers, self._frozen, strict=True):
            layer.base_layer.weight.data.copy_(frozen)


@contextmanager
def folded(model: "PeftModel") -> "Iterator[Folded | None]":
    """Within the block the model computes with its adapters folded in; null where that would not pay.

    After it the adapters stand beside the frozen weights again.
    """
    from peft.tuners.lora import Linear

    layers = [module for module in model.modules() if isinstance(module, Linear)]
    if not all(is_cheaper(layer) for layer in layers):
        yield None
        return
    fold = Folded(layers)
    for layer in layers:
        layer.merged_adapters.append(_ADAPTER)  # from here on the layer is its weight alone
        layer.base_layer.weight.requires_grad_(True)
    try:
        fold.fold()
        yield fold
    finally:
        fold.restore()
        for layer in layers:
            layer.merged_adapters.remove(_ADAPTER)
            layer.base_layer.weight.requires_grad_(False)


def is_cheaper(layer: "Any") -> bool:
    """Whether a layer takes fewer operations folded: 2 in x out per token for ``dW`` against 6 rank x (in + out).

    Dropout acts on what the adapter alone sees, and half precision would round its share away: neither is folded.
    """
    import torch

    weight, rank = layer.base_layer.weight, layer.r[_ADAPTER]
    has_dropout = not isinstance(layer.lora_dropout[_ADAPTER], torch.nn.Identity)
    if has_dropout or weight.dtype != torch.float32:
        return False
    return bool(2 * weight.shape[0] * weight.shape[1] < 6 * rank * sum(weight.shape))


def _adapter(layer: "Any") -> "tuple[Tensor, Tensor, float]":
    return layer.lora_A[_ADAPTER].weight, layer.lora_B[_ADAPTER].weight, layer.scaling[_ADAPTER]
