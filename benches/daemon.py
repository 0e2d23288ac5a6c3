#!/usr/bin/env python3
"""Measures the daemon through the command line, on an index of its own.

  benches/daemon.py BINARY latency   [--documents 10000]  saves, warm queries, memory
  benches/daemon.py BINARY idle      [--minutes 10]       CPU time and memory of an idle daemon
  benches/daemon.py BINARY soak      [--minutes 120]      memory under edits and queries
  benches/daemon.py BINARY reconcile [--documents 100000] nothing changed
  benches/daemon.py BINARY flood     [--documents 100000] a short queue of events (as root)

Documents are made up (random words of a Zipf distribution, seed 1). With vectors by
LSEARCH_ENCODER or the shipped encoder, unless --keyword: then encoding is paused.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time


def words(rng, count):
    # Rank r with probability proportional to 1 / r, by inversion.
    top = 30_000
    return " ".join(f"w{int(top ** rng.random())}" for _ in range(count))


class Daemon:
    """A data folder, a folder of documents and a daemon on them."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, pathlib.Path(folder)
        self.docs = self.folder / "docs"
        self.docs.mkdir()
        self.env = {
            **os.environ,
            "LSEARCH_DATA_DIR": str(self.folder / "data"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_RUNTIME_DIR": "",
        }

    def run(self, *args, check=True):
        done = subprocess.run([self.binary, *args], env=self.env, capture_output=True, text=True)
        if check and done.returncode:
            raise SystemExit(f"{args}: {done.stderr}")
        return done

    def start(self):
        started = time.monotonic()
        self.run("daemon", "start")
        return time.monotonic() - started

    def status(self):
        return json.loads(self.run("daemon", "status", "--json").stdout)

    def stop(self):
        self.run("daemon", "stop", check=False)

    def make(self, count, length, rng):
        for number in range(count):
            path = self.docs / f"{number // 1000:03}" / f"{number % 1000:03}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"Note {number}\n\n{words(rng, length)}\n")

    def cpu(self, pid):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spread(name, values, unit="ms"):
    values = sorted(values)

    def at(share):
        return values[min(len(values) - 1, int(len(values) * share))]

    print(
        f"{name}: p50 {at(0.5):.1f}, p95 {at(0.95):.1f}, highest {values[-1]:.1f} {unit} "
        f"({len(values)} times)"
    )


def memory(daemon, when):
    status = daemon.status()
    encoder = "loaded" if status["encoder_loaded"] else "not loaded"
    print(f"memory {when}: {status['memory_bytes'] / 1e6:.0f} MB (encoder {encoder})")


def latency(daemon, options, rng):
    daemon.make(options.documents, options.words, rng)
    print(f"start: {daemon.start() * 1000:.0f} ms")
    if options.keyword:
        daemon.run("daemon", "pause")
    started = time.monotonic()
    daemon.run("add", str(daemon.docs), "--no-wait")
    print(f"{options.documents} documents by word in {time.monotonic() - started:.1f} s")
    if not options.keyword:
        daemon.run("status", "--wait")
        print(f"by meaning in {time.monotonic() - started:.1f} s")
    daemon.run("search", "w17 w180", check=False)
    mode = ["--mode", "keyword"] if options.keyword else []
    for name, flags in [("warm query, keyword", ["--mode", "keyword"]), ("warm query", mode)]:
        times = []
        for number in range(200):
            query = f"w{rng.randrange(20, 3000)} w{rng.randrange(200, 20000)} about w{number}"
            started = time.monotonic()
            daemon.run("search", "--json", *flags, query, check=False)
            times.append((time.monotonic() - started) * 1000)
        spread(name, times)
    times = []
    for _ in range(200):
        started = time.monotonic()
        subprocess.run([daemon.binary, "--version"], env=daemon.env, capture_output=True)
        times.append((time.monotonic() - started) * 1000)
    spread("the program alone (--version)", times)
    # The encoder of documents leaves memory after 20 s without work.
    time.sleep(30)
    memory(daemon, "after queries")
    # A page has some 500 words.
    times = []
    for number in range(options.saves):
        word = f"zebra{number}"
        (daemon.docs / "saved.txt").write_text(f"Saved\n\n{words(rng, 10_000)} {word}\n")
        started = time.monotonic()
        while daemon.run("search", "-l", "--mode", "keyword", word, check=False).returncode:
            time.sleep(0.01)
        times.append((time.monotonic() - started) * 1000)
        time.sleep(rng.uniform(3, 9))
    spread("20 pages saved until found by word", times)


def idle(daemon, options, rng):
    daemon.make(200, 120, rng)
    daemon.start()
    daemon.run("add", str(daemon.docs))
    daemon.run("status", "--wait")
    time.sleep(30)
    pid = daemon.status()["pid"]
    memory(daemon, "idle")
    before = daemon.cpu(pid)
    time.sleep(options.minutes * 60)
    used = daemon.cpu(pid) - before
    share = used / options.minutes / 0.6
    print(f"CPU time in {options.minutes} idle minutes: {used:.2f} s, {share:.3f} % of a core")
    daemon.run("search", "w17", check=False)
    memory(daemon, "after a query")


def soak(daemon, options, rng):
    daemon.make(500, 200, rng)
    daemon.start()
    daemon.run("add", str(daemon.docs))
    end, seen, failures = time.monotonic() + options.minutes * 60, [], 0
    next_look = time.monotonic()
    while time.monotonic() < end:
        path = daemon.docs / f"{rng.randrange(4):03}" / f"{rng.randrange(1000):03}.txt"
        path.parent.mkdir(exist_ok=True)
        action = rng.random()
        if action < 0.15 and path.exists():
            path.unlink()
        elif action < 0.25 and path.exists():
            path.rename(path.with_name(f"{rng.randrange(1000):03}.txt"))
        else:
            path.write_text(f"Note\n\n{words(rng, rng.choice([50, 200, 2000]))}\n")
        for _ in range(3):
            done = daemon.run(
                "search", "--json", f"w{rng.randrange(3000)} w{rng.randrange(20)}", check=False
            )
            failures += done.returncode not in (0, 1)
        if time.monotonic() >= next_look:
            status = daemon.status()
            seen.append(status["memory_bytes"] / 1e6)
            print(f"{len(seen) - 1:4} min  {seen[-1]:.0f} MB  {status['state']}", flush=True)
            next_look += 60
        time.sleep(options.pause)
    third = max(1, len(seen) // 3)
    print(
        f"memory, mean of the first, second and last third: {statistics.mean(seen[:third]):.0f}, "
        f"{statistics.mean(seen[third : 2 * third]):.0f}, {statistics.mean(seen[-third:]):.0f} MB; "
        f"{failures} searches failed"
    )


def reconcile(daemon, options, rng):
    daemon.make(options.documents, 20, rng)
    daemon.start()
    daemon.run("daemon", "pause")
    started = time.monotonic()
    daemon.run("add", str(daemon.docs), "--no-wait")
    print(f"{options.documents} files by word in {time.monotonic() - started:.1f} s")
    for _ in range(5):
        started = time.monotonic()
        said = daemon.run("add", "--no-wait").stderr.strip().splitlines()[0]
        print(f"nothing changed: {time.monotonic() - started:.2f} s ({said})")
    memory(daemon, "then")
    daemon.stop()
    print(f"start: {daemon.start() * 1000:.0f} ms")


def flood(daemon, options, rng):
    setting = pathlib.Path("/proc/sys/fs/inotify/max_queued_events")
    before = setting.read_text()
    setting.write_text("16\n")
    try:
        daemon.start()
    finally:
        setting.write_text(before)
    daemon.run("daemon", "pause")
    (daemon.docs / "first.txt").write_text("first")
    daemon.run("add", str(daemon.docs), "--no-wait")
    daemon.make(options.documents, 8, rng)
    made = time.monotonic()
    status = {}
    while status.get("seen") != options.documents + 1 and time.monotonic() < made + 1200:
        time.sleep(1)
        status = json.loads(daemon.run("status", "--json").stdout)["documents"]
    took = time.monotonic() - made
    print(f"{options.documents} creates: {status['seen'] - 1} known {took:.1f} s after the last")
    log = daemon.run("daemon", "logs", "-n", "100000").stdout
    print(f"events were lost {log.count('events were lost')} times")
    said = daemon.run("add", "--no-wait").stderr.strip()
    print(f"a fresh walk: {said}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("what", choices=["latency", "idle", "soak", "reconcile", "flood"])
    parser.add_argument("--documents", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument(
        "--pause", type=float, default=1, help="seconds between two edits of a soak"
    )
    parser.add_argument("--words", type=int, default=120, help="in a document, for latency")
    parser.add_argument("--saves", type=int, default=40)
    parser.add_argument("--keyword", action="store_true")
    options = parser.parse_args()
    defaults = {
        "latency": (10_000, 0),
        "idle": (0, 10),
        "soak": (0, 120),
        "reconcile": (100_000, 0),
        "flood": (100_000, 0),
    }
    documents, minutes = defaults[options.what]
    options.documents = options.documents or documents
    options.minutes = options.minutes or minutes
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(str(options.binary.absolute()), folder)
        try:
            globals()[options.what](daemon, options, random.Random(1))
        finally:
            daemon.stop()


main()
