"""What recording costs: run `python Tests/RecorderTests/benchmark.py HOST LIBRARY`, whose output BENCHMARK.md holds.

HOST is Tests/RecorderTests/host.c, compiled with `cc -O2 -I Sources/CRepriseRecorder/include host.c -ldl -lm`.
"""

import json
import os
import subprocess
import sys
import tempfile


def call(host, library, *arguments) -> dict:
    done = subprocess.run([host, library, *map(str, arguments)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout) | {"bare_kb": int(done.stderr.split()[2])} if done.stderr else json.loads(done.stdout)


def main(host: str, library: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        print("# What recording costs\n")
        print(f"Made by `benchmark.py` on {os.cpu_count()} cores; the engine is the made-up one of `host.c`.\n")
        print("## Time in the engine's thread\n")
        print("A call for the scheduling of a step and one for its output together, from C. \"same\": steady decode;")
        print("\"changed\": one request goes and one comes in every step; \"whole\": all rows are passed.\n")
        print("| batch | median ns | 99th percentile ns | steps dropped of 20,000 |\n|---|---|---|---|")
        for name, cost in call(host, library, "cost", f"{folder}/c").items():
            print(f"| {name} | {cost['median_ns']} | {cost['p99_ns']} | {cost['dropped']} |")
        print("\n(The benchmark passes 100 steps every 2 ms, some 700 times as fast as an engine decodes: where all 512")
        print("rows are passed each time, the writing thread cannot follow, and the ring drops steps as it should.)\n")
        print("## Bytes\n")
        print("42,000 steps (10 minutes at 70 a second), times in microseconds, flushed every 30 s of the engine's time.\n")
        print("| rows | tokens a request | requests | bytes | bytes a step | of these for a request | a day |\n|---|---|---|---|---|---|---|")
        for rows in (64, 512):
            steady = None
            for tokens in (100_000, 1000, 250):
                run = call(host, library, "bytes", f"{folder}/b{rows}-{tokens}.reprise", rows, 42_000, tokens)
                assert run["dropped"] == 0
                steady = steady or run
                more = run["requests"] - steady["requests"]
                each = f"{(run['bytes'] - steady['bytes']) / more:.1f}" if more else ""
                day = run["bytes"] / run["steps"] * 70 * 86_400 / 1e6
                a_step = run["bytes"] / run["steps"]
                print(f"| {rows} | {tokens:,} | {run['requests']:,} | {run['bytes']:,} | {a_step:.1f} | {each} | {day:.0f} MB |")
        print("\n## Memory\n")
        soak = call(host, library, "soak", f"{folder}/s.reprise", 100_000)
        print(f"The process has {soak['bare_kb'] / 1000:.1f} MB before it loads the library, {soak['empty_kb'] / 1000:.1f} MB after, and at most")
        print(f"{soak['most_kb'] / 1000:.1f} MB while {soak['requests']:,} requests come and go ({soak['early_kb'] / 1000:.1f} MB after a fifth of them).")


if __name__ == "__main__":
    main(*sys.argv[1:])
