"""The accuracy page's sections on machines after the first."""

from accuracy_differences import UNSEEN
from accuracy_tables import (
    difference_table,
    error_table,
    goal_table,
    pair_table,
    repeated_table,
    round_table,
    source_table,
)


def tables_of_machine(before, ways, pairs, repeats, suffix="-again"):
    yield from repeated_table(before, ways[0], suffix)
    yield ""
    yield from tables_of_pairs(ways, pairs, repeats)


def tables_of_pairs(ways, pairs, repeats):
    yield from goal_table(ways, repeats)
    yield ""
    yield from difference_table(ways)
    for way in ways:
        yield f"\n### {pairs}: {way.title}\n"
        yield from pair_table(way)


def other_machines(machines, launches, elsewhere, repeats, rounds):
    """All machines but the first; arguments as the page has them."""
    second = machines[2][0]
    yield from on_second_machine(machines[2], machines[1][0], launches, repeats)
    yield from on_third_machine(machines[3], second, repeats)
    yield from on_fourth_machine(machines[4], second, repeats, rounds)
    yield from on_fifth_machine(machines[5], second, repeats, rounds)
    yield from on_sixth_machine(elsewhere[5])
    yield from on_seventh_machine(machines[7], second, elsewhere[7], repeats, rounds)
    yield from on_eighth_machine(machines[8], elsewhere[8], repeats)
    yield from on_ninth_machine(machines[9], repeats)
    yield from on_tenth_machine(machines[10], machines[7][0], repeats, rounds)
    yield from on_unseen_machines(machines[UNSEEN], repeats)


def on_second_machine(ways, first, launches, repeats):
    yield f"""
## On a second machine

Recorded with this project's own plugin (`Tests/EngineRuns`): other rates, lengths and mixes. Its host is slow and uneven: launching a step
with prompts took it {launches[2]}, longer than the GPU's work on it at times, where the first machine took {launches[1]}
(medians of the profiles, and the longest in them). `random-qps5-again` asks what `random-qps5` asked of the first; how much more its callers saw:
"""
    yield from tables_of_machine(first, ways, "Every pair", repeats)
    yield f"\n### Where the errors come from: {ways[1].title}, as shares of the real value\n"
    yield from source_table(ways[1])


def on_third_machine(ways, second, repeats):
    yield """
## On a third machine, whose GPU is quicker

Recorded on another day. *Profile alone* has this machine's rest of step and host, fitted without the workload that is judged, whichever machine ran it.
A profile is of one machine: that of the second would be off here by what lies between the two. What more this one's callers saw than the second's:
"""
    yield from tables_of_machine(second, ways, "Every pair on the third machine", repeats)


def on_fourth_machine(ways, second, repeats, rounds):
    yield """
## On a fourth machine, whose engine had run the same before

On the second and third machine each engine met these workloads for the first time. Here it ran all of them round by round (`record_vllm.py --repeat`), and
the second round is what is judged. The machine's host is like those two. In the first round prompts of less than 1,000 tokens take up to twice as
long to launch, in later ones, of the same sizes, they do not: a process loads what it launches for a size when it first meets it. A profile has that as
far as its recordings show it (`new_size_launch_spread_us`). How far apart callers of such rounds were
(`traces/h200/repeats.jsonl`, which has launches too):
"""
    yield from round_table(rounds, 4)
    yield """
*Profile alone* has this machine's rest of step and host, fitted without the workload that is judged, whichever machine ran it. What more its callers
saw than the second machine's:
"""
    yield from tables_of_machine(second, ways, "Every pair on the fourth machine", repeats, "-warm")


def on_fifth_machine(ways, second, repeats, rounds):
    yield """
## On a fifth machine, with prefix caching

`chat-12` is new in kind: twelve conversations of five turns behind one system prompt of 1,500 tokens, each prompt repeating what was asked and, in tokens made up for
them, answered before, so that most of it is found in the prefix cache. What is found there is predicted from the names of blocks in the trace. Predicted as it stood then, mean ITL was
within 2 % and mean TTFT within 8 %, TTFT p50 9 % off: a step's attention was read off small steps whose GPU had waited for its launch. That was mended, so these figures are
of models that have seen these runs fail. The second round is judged; how far the callers of both were apart:
"""
    yield from round_table(rounds, 5)
    yield """
*Profile alone* has this machine's rest of step and host, from its other workload. `mix-qps3-cached` is `mix-qps3`, a first round, by an engine that caches prefixes and finds none; what
more its callers saw than the second machine's:
"""
    yield from tables_of_machine(second, ways, "Every pair on the fifth machine", repeats, "-cached")


def on_sixth_machine(elsewhere):
    yield """
## On a sixth machine, whose engine was not recorded

The same work under vLLM's default rule, its second rounds. Of this engine there are only callers' logs, their clock set by the middle of their sendings;
predicted by *profile and trace* from the fifth machine's recordings under other rules:
"""
    yield from error_table(elsewhere)


def on_seventh_machine(ways, second, elsewhere, repeats, rounds):
    yield """
## On a seventh machine, beyond the largest graph

`random-qps9` is 60 seconds of nine requests a second; `burst-100` a hundred requests at once. Both have decode steps of more rows than the
largest captured graph (64), which are launched kernel by kernel: the GPU waits for the host. As the program stood before it had seen these runs, mean ITL of `burst-100` came out
27 to 30 % short with the shipped profile, up to 84 % long with another policy's trace, its median TTFT a fifth short, and mean ITL of `random-qps9` 6 % short. That was mended, so these figures are of models that have
seen these runs fail. Another process of the engine ran the same again; how far the callers of both were apart:
"""
    yield from round_table(rounds, 7)
    yield """
What the host takes for a decode step that no graph holds is that process's own, and with it which rule is quicker in `burst-100`. *Profile alone* has this machine's rest of step and host, fitted without the workload that is
judged. What more the callers of `mix-qps3-m7` saw than the second machine's:
"""
    yield from tables_of_machine(second, ways, "Every pair on the seventh machine", repeats, "-m7")
    yield """
### FlashAttention 3 on the seventh machine, whose engine was not recorded under it

Predicted by *profile and trace* from the two other rules' recordings:
"""
    yield from error_table(elsewhere)


def on_eighth_machine(ways, elsewhere, repeats):
    yield """
## On an eighth machine, with Llama-3.1-8B

The smaller model with many requests at once: 20 a second (`random-qps20`), 8 a second of mixed lengths (`mix-qps8`), a hundred together, with graphs of up to 512 rows, vLLM's
own limit. The first machine ran it on one request alone. *Profile alone* has this machine's rest of step and host, fitted without the workload that is judged; real runs are those
of the seventh machine's callers.
"""
    yield from goal_table(ways, repeats)
    for way in ways:
        yield f"\n### Every pair on the eighth machine: {way.title}\n"
        yield from pair_table(way)
    yield """
### The same work on the seventh machine, whose engines were not recorded for it

Predicted by *profile and trace* from the eighth's recordings under vLLM's default:
"""
    yield from error_table(elsewhere)



def on_ninth_machine(ways, repeats):
    yield """
## On a ninth machine, with requests all at once

`random-inf` is what a benchmark sends that waits for nothing: 200 requests of 1,000 tokens in and 100 out, together. `azure-60` is the first minute of `azure-2023-conversation`, 191 requests at the
moments and of the lengths that people sent them. Both models, graphs as on machines 7 and 8. Predicted as the program stood before it had seen these runs, by *profile and trace*: mean ITL of `azure-60` within
1.0 %, TTFT within 3.5 %; that of `random-inf` within 6.5 %, TTFT up to 10.5 % short, since a step waits for the GPU where its process loads the output layer's kernel for so many rows
(`Sources/StepTiming/ACCURACY.md`). That was mended: which kernels a process has loaded follows from what it has served, before the trace and in it.
*Profile alone* has this machine's rest of step and host, fitted without the workload that is judged.
"""
    yield from tables_of_pairs(ways, "Every pair on the ninth machine", repeats)


def on_tenth_machine(ways, seventh, repeats, rounds):
    yield """
## On a tenth machine, whose engines had run nothing before

`burst-100` again, each policy's engine started for it. Of this machine there is nothing else, so *profile alone* has the ninth's rest of step and host, without its `burst-100`. Another process under
FlashAttention 3 ran the same again:
"""
    yield from round_table(rounds, 10)
    yield """
What more its callers saw than the seventh machine's:
"""
    yield from tables_of_machine(seventh, ways, "Every pair on the tenth machine", repeats, "-m10")


def on_unseen_machines(ways, repeats):
    yield """
## On machines that no profile has seen

Machines 11, 12 and 13. None of their recordings is fitted on, here or in the profile that comes with the program, which is that of the first machine: *profile alone* is what
somebody gets who has an H200 and measured nothing on it. Workloads are new, too. Machine 11 ran six requests a second of 1,000 tokens in and 100 out (`random-qps6`), 21 requests of another window of Mooncake's
conversations (`mooncake-480`), half a minute of Azure's (`azure-320`), and with Llama-3.1-8B twelve requests a second (`random-qps12`) and mixed lengths (`mix-qps5`); `latency-500-1500` is one request on machine 12,
`latency-500-3000` one on machine 13. Engines ran Model Runner V1, as the first machine's; those of `-v2` ran V2. These hosts launch prompts half as fast as the first machine's, which the smaller model waits for, and so does a
single request: its prompt is of a size that its process had not met, and its first token waits for kernels to be loaded (`Sources/StepTiming/ACCURACY.md`).
"""
    yield from tables_of_pairs(ways, "Every pair on unseen machines", repeats)
