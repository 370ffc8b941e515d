"""Says what a trace holds: `python -m reprise_trace FILE` with `analysis` on the path."""

import sys

from . import TraceError, read


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m reprise_trace FILE")
    try:
        trace = read(sys.argv[1])
    except (TraceError, OSError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    print(f"requests {len(trace.requests)}")
    print(f"prefix_blocks {sum(map(len, trace.requests.prefix_blocks))}")
    print(f"steps {len(trace.steps)}")
    print(f"rows {len(trace.steps.row_request)}")
    print(f"preempted {len(trace.steps.preempted.values)}")
    print(f"finished {len(trace.steps.finished.values)}")
    print(f"gaps {len(trace.gaps)}")
    print(f"dropped_steps {trace.gaps.dropped_steps.sum()}")


main()
