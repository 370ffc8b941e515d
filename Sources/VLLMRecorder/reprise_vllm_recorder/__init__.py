"""Records what vLLM's scheduler does, step by step, into `.reprise` traces.

vLLM calls `register` in each of its processes, sometimes twice. It does nothing unless REPRISE_TRACE is set. A
file is opened in the process that schedules, at its first step.
"""

import os


def register():
    """Wraps the scheduler of vLLM's V1 engine; vLLM's entry point for plugins."""
    if os.environ.get("REPRISE_TRACE"):
        from . import hooks

        hooks.install()
