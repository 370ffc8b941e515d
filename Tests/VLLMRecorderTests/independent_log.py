"""A scheduler class for `--scheduler-cls` that writes down what it schedules: a log that the plugin has no part in."""

import json
import os

from vllm.v1.core.sched.scheduler import Scheduler


class LoggingScheduler(Scheduler):
    """Appends a line a step to the file that INDEPENDENT_LOG names, or to one of its process in the folder."""

    def schedule(self, *args, **kwargs):
        output = super().schedule(*args, **kwargs)
        if output.num_scheduled_tokens:
            cached = output.scheduled_cached_reqs
            computed = dict(zip(cached.req_ids, cached.num_computed_tokens))
            computed |= {new.req_id: new.num_computed_tokens for new in output.scheduled_new_reqs}
            rows = [[name, computed[name], count] for name, count in output.num_scheduled_tokens.items()]
            line = {"rows": rows, "preempted": sorted(output.preempted_req_ids or ())}
            path = os.environ["INDEPENDENT_LOG"]
            with open(os.path.join(path, str(os.getpid())) if os.path.isdir(path) else path, "a") as log:
                print(json.dumps(line), file=log)
        return output
