"""Measures the fp16 graphs on an NVIDIA GPU, in ONNX Runtime alone.

    python measure_cuda.py [--profile TOKENS] [--tokens BUDGET]
                           [--attention BUNDLE_FOLDER | --without-attention]

One line a length: tokens/s of the Monarch encoder, which pools on the device, and of flash
attention of equal size: MiniLM's graph, its position table repeated to the length, whose token
vectors stay on the device. It is the one of the teacher's bundle, built by export_minilm.py, unless
another folder is given. Batches hold BUDGET tokens. `--profile` lists the GPU's kernels instead
(needs PyTorch).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from teacher_bundle import TEACHER, built

ENCODERS = Path(__file__).resolve().parent.parent / "encoders"
LENGTHS = (512, 2048, 8192, 32768)
SPAN = 256


def session_of(model: bytes | str) -> onnxruntime.InferenceSession:
    """The graph on the first GPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    cuda = ("CUDAExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
    return onnxruntime.InferenceSession(model, options, providers=[cuda])


def attention(bundle: Path, tokens: int) -> bytes:
    """MiniLM's graph for `tokens` positions, weights inside."""
    model = onnx.load(bundle / "model-fp16.onnx", load_external_data=False)
    for number, tensor in enumerate(model.graph.initializer):
        if tensor.name == "embed.position":
            table = numpy_helper.to_array(tensor, str(bundle))
            table = np.tile(table, (-(-tokens // len(table)), 1))
            model.graph.initializer[number].CopyFrom(numpy_helper.from_array(table, tensor.name))
    return model.SerializeToString()


def placements(session: onnxruntime.InferenceSession) -> dict[str, dict[str, int]]:
    """How many operators of each kind every execution provider runs."""
    found: dict[str, dict[str, int]] = {}
    for part in session.get_provider_graph_assignment_info():
        kinds = found.setdefault(part.ep_name, {})
        for node in part.get_nodes():
            kinds[node.op_type] = kinds.get(node.op_type, 0) + 1
    return found


class Measured:
    """A graph with inputs of one shape on the GPU."""

    def __init__(self, session: onnxruntime.InferenceSession, batch: int, tokens: int) -> None:
        self.session = session
        self.tokens = batch * tokens
        random = np.random.default_rng(0)
        feeds = {"input_ids": random.integers(1000, 30000, (batch, tokens))}
        names = [item.name for item in session.get_inputs()]
        if "lengths" in names:
            feeds["lengths"] = np.full(batch, tokens)
        if "span_starts" in names:
            first = np.arange(0, batch * tokens, SPAN)
            whole = np.arange(0, batch * tokens, tokens)
            feeds["span_starts"] = np.concatenate([first, whole])
            feeds["span_ends"] = np.concatenate([first + SPAN, whole + tokens])
        self.feeds = {name: feeds[name].astype(np.int64) for name in names}
        self.output = session.get_outputs()[0].name

    def bound(self) -> None:
        """One run through IO binding; what a pooling graph gives is copied out."""
        binding = self.session.io_binding()
        for name, values in self.feeds.items():
            binding.bind_cpu_input(name, values)
        pools = "span_starts" in self.feeds
        binding.bind_output(self.output, "cpu" if pools else "cuda")
        self.session.run_with_iobinding(binding)

    def plain(self) -> None:
        """One run as a caller without binding does it."""
        self.session.run([self.output], self.feeds)

    def speed(self, run, repeats: int = 8) -> float:
        """Tokens a second, best of several runs."""
        run()
        run()
        times = []
        for _ in range(repeats):
            begin = time.perf_counter()
            run()
            times.append(time.perf_counter() - begin)
        return self.tokens / min(times)


def profile(measured: Measured) -> None:
    """Prints where the GPU's time goes."""
    import torch

    measured.bound()
    kinds = [torch.profiler.ProfilerActivity.CUDA]
    begin = time.perf_counter()
    with torch.profiler.profile(activities=kinds) as record:
        measured.bound()
        torch.cuda.synchronize()
    print(f"wall {1000 * (time.perf_counter() - begin):.1f} ms with profiling")
    rows = record.key_averages()
    total = sum(row.self_device_time_total for row in rows)
    print(f"GPU busy {total / 1000:.2f} ms for {measured.tokens} tokens")
    for row in sorted(rows, key=lambda row: -row.self_device_time_total)[:32]:
        ms = row.self_device_time_total / 1000
        print(f"{ms:8.3f} ms {100 * ms * 1000 / total:5.1f} % {row.count:4} {row.key[:110]}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--profile", type=int)
    options.add_argument("--tokens", type=int, default=65536)
    options.add_argument("--bundle", type=Path, default=ENCODERS / "monarch-32k-384")
    options.add_argument("--attention", type=Path, default=TEACHER)
    options.add_argument("--without-attention", action="store_true")
    given = options.parse_args()
    if not (given.without_attention or given.profile):
        built(given.attention)
    begin = time.perf_counter()
    ours = session_of(str(given.bundle / "model-fp16.onnx"))
    print(f"ONNX Runtime {onnxruntime.__version__}, opened in {time.perf_counter() - begin:.2f} s")
    for provider, kinds in placements(ours).items():
        print(f"{provider}: {kinds}")
    if given.profile:
        profile(Measured(ours, max(1, given.tokens // given.profile), given.profile))
        return
    for tokens in LENGTHS:
        batch = max(1, given.tokens // tokens)
        measured = Measured(ours, batch, tokens)
        bound, plain = measured.speed(measured.bound), measured.speed(measured.plain)
        line = f"{batch} x {tokens}: {bound / 1e6:.2f}M tokens/s bound, {plain / 1e6:.2f}M not"
        if not given.without_attention:
            model = attention(given.attention, tokens)
            with_attention = Measured(attention_session(given.attention, model), batch, tokens)
            flash = with_attention.speed(with_attention.bound)
            line += f"; attention {flash / 1e6:.2f}M, {bound / flash:.2f} times"
        print(line, flush=True)


def attention_session(bundle: Path, model: bytes) -> onnxruntime.InferenceSession:
    """A graph given as bytes, whose weights lie in a bundle."""
    path = bundle / "measured.onnx"
    path.write_bytes(model)
    try:
        return session_of(str(path))
    finally:
        path.unlink()


if __name__ == "__main__":
    main()
