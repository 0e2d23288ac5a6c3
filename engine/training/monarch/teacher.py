"""The teacher: all-MiniLM-L6-v2, read from the bundle that holds its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor

from bundle_format import read_manifest
from teacher_bundle import built

from .model import Monarch

HEADS = 12
CLS, SEP = 101, 102
EPSILON = 1e-12


def read_weights(bundle: Path) -> dict[str, np.ndarray]:
    """The tensors that a bundle's fp16 graph for long text finds in its weights file, by name."""
    graphs = [graph for graph in read_manifest(bundle)["graphs"] if graph["precision"] == "fp16"]
    longest = max(graphs, key=lambda graph: graph["max_tokens"])
    graph = onnx.load(str(bundle / longest["file"]), load_external_data=False).graph
    data = (bundle / "weights.bin").read_bytes()
    tensors = {}
    for tensor in graph.initializer:
        where = {entry.key: entry.value for entry in tensor.external_data}
        if where:
            offset, length = int(where["offset"]), int(where["length"])
            values = np.frombuffer(data[offset : offset + length], np.float16)
            tensors[tensor.name] = values.reshape(tuple(tensor.dims)).astype(np.float32)
    return tensors


def read_teacher() -> dict[str, np.ndarray]:
    """The teacher's tensors; ends the program where its bundle is not built yet."""
    return read_weights(built())


class Teacher:
    """MiniLM's hidden states; dense weights are [in, out]."""

    def __init__(self, weights: dict[str, np.ndarray], device: torch.device, dtype: torch.dtype):
        self.weights = {
            name: torch.tensor(values, device=device, dtype=dtype)
            for name, values in weights.items()
        }
        self.layers = 1 + max(
            int(name[5:].split(".")[0]) for name in weights if name.startswith("layer")
        )

    @torch.no_grad()
    def hidden_states(self, ids: Tensor, mask: Tensor | None = None) -> list[Tensor]:
        """The embeddings and each layer's output of [batch, tokens] ids, at most 512 tokens."""
        w = self.weights
        batch, tokens = ids.shape
        attend = None if mask is None else mask[:, None, None, :].bool()
        x = w["embed.word"][ids] + w["embed.position"][:tokens]
        x = self.norm(x, "embed.norm")
        states = [x]
        for layer in range(self.layers):
            name = f"layer{layer}"
            hidden = x.shape[2]
            qkv = torch.cat([w[f"{name}.{part}.weight"] for part in ("query", "key", "value")], 1)
            parts = (x @ qkv + w[f"{name}.qkv.bias"]).view(batch, tokens, 3, HEADS, -1)
            q, k, v = parts.permute(2, 0, 3, 1, 4)
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=attend)
            mixed = mixed.transpose(1, 2).reshape(batch, tokens, hidden)
            mixed = mixed @ w[f"{name}.attention.weight"] + w[f"{name}.attention.bias"]
            x = self.norm(x + mixed, f"{name}.attention.norm")
            wide = F.gelu(x @ w[f"{name}.mlp.up.weight"] + w[f"{name}.mlp.up.bias"])
            wide = wide @ w[f"{name}.mlp.down.weight"] + w[f"{name}.mlp.down.bias"]
            x = self.norm(x + wide, f"{name}.mlp.down.norm")
            states.append(x)
        return states

    def norm(self, x: Tensor, name: str) -> Tensor:
        w = self.weights
        gamma, beta = w[f"{name}.gamma"], w[f"{name}.beta"]
        return F.layer_norm(x, gamma.shape, gamma, beta, EPSILON)


@torch.no_grad()
def start_from(model: Monarch, weights: dict[str, np.ndarray]) -> None:
    """Gives a student what it shares with the teacher: all but the gates and the kernels."""

    def put(parameter: Tensor, values: np.ndarray) -> None:
        parameter.copy_(torch.tensor(values))

    def dense(linear: torch.nn.Linear, name: str) -> None:
        put(linear.weight, weights[f"{name}.weight"].T)
        put(linear.bias, weights[f"{name}.bias"])

    def norm(layer: torch.nn.LayerNorm, name: str) -> None:
        put(layer.weight, weights[f"{name}.gamma"])
        put(layer.bias, weights[f"{name}.beta"])

    put(model.embedding.weight, weights["embed.word"])
    put(model.position, weights["embed.position"].mean(0))
    norm(model.embedding_norm, "embed.norm")
    hidden = model.config.hidden
    for index, layer in enumerate(model.layers):
        name = f"layer{index}"
        put(layer.into.weight[2 * hidden :], weights[f"{name}.value.weight"].T)
        put(layer.into.bias[2 * hidden :], weights[f"{name}.qkv.bias"][2 * hidden :])
        dense(layer.out, f"{name}.attention")
        norm(layer.mixer_norm, f"{name}.attention.norm")
        dense(layer.up, f"{name}.mlp.up")
        dense(layer.down, f"{name}.mlp.down")
        norm(layer.mlp_norm, f"{name}.mlp.down.norm")
