"""An estimate of the memory that a training needs on each GPU, before it begins.

Symbols: P parameters, T trainable ones, N ranks, b bytes of a weight, h hidden size, i size of
the MLP, L layers, V vocabulary. What a step holds from beginning to end:

- weights: b P; under ZeRO-3 a share of 1 / N.
- gradients: b T; a share under ZeRO-2 and 3.
- optimizer (Adam): two values of the weights' dtype a parameter; under DeepSpeed, which keeps fp32
  master weights beside bf16 ones, 12 T bytes over all ranks (ZeRO, Rajbhandari et al. 2020,
  section 3.1), so 12 T / N.
- reference: b P for as long as a reference model is loaded, of which ZeRO-3 leaves a share.

Beside it the larger of two peaks. While the gradients are computed:

- activations: of a token in a decoder layer (RMSNorm, grouped-query attention without stored
  scores, gated MLP) autograd keeps (8 + 10 b) h + 4 b i bytes: twice the norm's fp32 input and its
  two results, six states of attention, four of the MLP. Of a recomputed layer it keeps b h.
- the larger of two that do not meet. layer: b (2 h + 3 i) a token of gradients in the layer at
  work, and what it computes again. logits: 12 V bytes a position of a chunk
  (fp32 log-softmax and its gradients); all at once: 2 b V more for each token.
- buffers in which DeepSpeed collects gradients and weights, with the sizes of its defaults.

And when the optimizer steps: the gradient in fp32, 4 T / N, under DeepSpeed.

Not in it: the CUDA context and its libraries (0.5 to 1 GB), fragmentation, LoRA's own activations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GIB = 2**30
BUCKET = 500_000_000
"""Elements of a bucket of gradients: DeepSpeed's ``reduce_bucket_size``."""
LIVE = 1_000_000_000
"""Parameters that ZeRO-3 keeps gathered: DeepSpeed's ``stage3_max_live_parameters``."""


@dataclass(frozen=True)
class ModelShape:
    """The sizes of a decoder-only language model that its memory depends on.

    Attributes:
        parameters: all of them; tied ones count once.
        layers: number of decoder layers.
        hidden_size: h.
        intermediate_size: i, of the gated MLP.
        vocab_size: V.
    """

    parameters: int
    layers: int
    hidden_size: int
    intermediate_size: int
    vocab_size: int

    @classmethod
    def of(cls, config: Any, parameters: int) -> ModelShape:
        """The shape in a `transformers` config."""
        return cls(
            parameters,
            config.num_hidden_layers,
            config.hidden_size,
            config.intermediate_size,
            config.vocab_size,
        )


@dataclass(frozen=True)
class MemorySettings:
    """The settings of a training that its memory depends on.

    Attributes:
        tokens: of the largest micro-batch, padding included.
        logits: positions whose logits exist at once: the chunk, or None for all.
        trainable: parameters that are trained; None for all.
        weight_bytes: b; 2 under DeepSpeed. Less than 2 for quantized weights.
        reference: whether a reference model is loaded; not with LoRA, not with a cached reference.
        zero_stage: of DeepSpeed; 0 without it.
        world_size: N.
        offload_optimizer: whether optimizer states and gradients are in the memory of the host.
        offload_weights: whether the weights are (ZeRO-3).
        recomputed: share of the layers that are computed again in the backward pass.
    """

    tokens: int
    logits: int | None = 512
    trainable: int | None = None
    weight_bytes: float = 2
    reference: bool = True
    zero_stage: int = 2
    world_size: int = 1
    offload_optimizer: bool = False
    offload_weights: bool = False
    recomputed: float = 1.0


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on each GPU, by what they are for; ``step`` is not at the time of the four before."""

    weights: float
    gradients: float
    optimizer: float
    reference: float
    activations: float
    layer: float
    logits: float
    buffers: float
    step: float

    @property
    def held(self) -> float:
        """What stays for the whole training."""
        return self.weights + self.gradients + self.optimizer + self.reference

    @property
    def backward(self) -> float:
        """What a micro-batch needs at most until its gradients are there."""
        return self.activations + max(self.layer, self.logits)

    @property
    def total(self) -> float:
        """The peak."""
        return self.held + max(self.backward + self.buffers, self.step)

    def __str__(self) -> str:
        parts = (f'{name} {size / GIB:.1f}' for name, size in vars(self).items() if size)
        return f'{self.total / GIB:.1f} GiB ({", ".join(parts)})'


def estimate_memory(shape: ModelShape, settings: MemorySettings) -> MemoryEstimate:
    """Estimate the peak memory of a GPU in training; the formulas are this module's docstring."""
    weight_bytes, ranks = settings.weight_bytes, settings.world_size
    trainable = shape.parameters if settings.trainable is None else settings.trainable
    weights = weight_bytes * shape.parameters / (ranks if settings.zero_stage == 3 else 1)
    on_gpu = 0 if settings.offload_optimizer else 1
    again = settings.recomputed
    stored, layers, at_work = _bytes_of_a_token(shape, _activation_bytes(settings))
    return MemoryEstimate(
        weights=0 if settings.offload_weights else weights,
        gradients=on_gpu * _gradient_bytes(settings) * trainable,
        optimizer=on_gpu * _optimizer_bytes(settings) * trainable,
        reference=weights if settings.reference and not settings.offload_weights else 0,
        activations=settings.tokens * (again * stored + (1 - again) * layers),
        layer=settings.tokens * (at_work + (again > 0) * layers / shape.layers),
        logits=_logits(shape, settings),
        buffers=_buffers(shape, settings),
        step=on_gpu * 4 * trainable / ranks if settings.zero_stage else 0,
    )


def _activation_bytes(settings: MemorySettings) -> float:
    """Bytes of an activation: those of a weight, unless weights are quantized."""
    return max(settings.weight_bytes, 2)


def _gradient_bytes(settings: MemorySettings) -> float:
    """Bytes of gradient a trainable parameter."""
    ranks = settings.world_size if settings.zero_stage >= 2 else 1
    return _activation_bytes(settings) / ranks


def _optimizer_bytes(settings: MemorySettings) -> float:
    """Bytes of optimizer state a trainable parameter."""
    if settings.zero_stage:
        return 12 / settings.world_size
    return 2 * _activation_bytes(settings)


def _bytes_of_a_token(shape: ModelShape, size: float) -> tuple[float, float, float]:
    """Inputs of all layers, all that autograd keeps of them, gradients in the one at work."""
    hidden, intermediate = shape.hidden_size, shape.intermediate_size
    layer = (8 + 10 * size) * hidden + 4 * size * intermediate
    gradients = size * (2 * hidden + 3 * intermediate)
    return shape.layers * size * hidden, shape.layers * layer, gradients


def _logits(shape: ModelShape, settings: MemorySettings) -> float:
    if settings.logits is not None:
        return 12 * settings.logits * shape.vocab_size
    every = 2 * _activation_bytes(settings) * settings.tokens * shape.vocab_size
    return every + 12 * settings.tokens * shape.vocab_size


def _buffers(shape: ModelShape, settings: MemorySettings) -> float:
    """ZeRO-1 has one bucket, ZeRO-2 two by XTuner's ``overlap_comm``, ZeRO-3 one beside weights."""
    live = min(LIVE, shape.parameters)
    elements = {0: 0, 1: BUCKET, 2: 2 * BUCKET, 3: BUCKET + live}[settings.zero_stage]
    return 2 * elements
