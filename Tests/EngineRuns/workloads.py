"""What is asked of the engine: requests as (seconds after the start, prompt tokens, output tokens).

A prompt that others share parts of is a list of pieces instead, each a name and its tokens.
"""

import json
import math
import random

SECONDS = 30


def poisson(dice, rate, seconds=SECONDS):
    """Moments of arrival within so many seconds."""
    moment, moments = 0.0, []
    while moment < seconds:
        moments.append(moment)
        moment += dice.expovariate(rate)
    return moments


def repeated(path):
    """The requests of another run, from `reprise trace export --format steps-jsonl`."""
    with open(path) as lines:
        records = [json.loads(line) for line in lines]
    return [(record["arrival"], record["prompt_tokens"], record["output_tokens"]) for record in records if record["kind"] == "request"]


def random_lengths(rate, seconds=SECONDS):
    """Prompts of 1,000 tokens and answers of 100, so many a second."""
    return [(moment, 1000, 100) for moment in poisson(random.Random(rate), rate, seconds)]


def random_at_once(requests):
    """As many as a benchmark sends that waits for nothing, `--request-rate inf`."""
    return [(0.0, 1000, 100)] * requests


def mix(rate, seed):
    """Prompts of 100 to 6,000 tokens, short ones more often, and answers of 20 to 300."""
    dice = random.Random(seed)
    lengths = lambda: (int(math.exp(dice.uniform(math.log(100), math.log(6000)))), dice.randint(20, 300))
    return [(moment, *lengths()) for moment in poisson(dice, rate)]


def long_8():
    """Eight long prompts among short requests, one a second."""
    dice = random.Random(8)
    long = [(3.5 * number + dice.uniform(0, 2), dice.randint(16_000, 30_000), dice.randint(50, 200)) for number in range(8)]
    short = [(moment, dice.randint(100, 1500), dice.randint(50, 200)) for moment in poisson(dice, 1)]
    return sorted(long + short)


def burst(callers):
    """So many prompts of 200 tokens at once, and answers of 300 to 900."""
    dice = random.Random(callers)
    return [(0.0, 200, dice.randint(300, 900)) for _ in range(callers)]


def chat_12():
    """Twelve conversations of five turns behind one system prompt; each prompt repeats all that was asked before.

    For what the engine answered, which is not known beforehand, it has as many other tokens.
    """
    dice = random.Random(12)
    requests = []
    for caller in range(12):
        moment, said = dice.uniform(0, 12), [("system", 1500)]
        for turn in range(5):
            said = [*said, (f"question {caller} {turn}", dice.randint(30, 400))]
            answer = dice.randint(50, 300)
            requests.append((moment, said, answer))
            said = [*said, (f"answer {caller} {turn}", answer)]
            moment += 0.015 * answer + dice.uniform(1, 4)
    return sorted(requests, key=lambda request: request[0])


MADE = {
    "burst-20": lambda: burst(20),
    "burst-100": lambda: burst(100),
    "chat-12": chat_12,
    "long-8": long_8,
    "mix-qps3": lambda: mix(3, seed=31),
    "mix-qps5": lambda: mix(5, seed=51),
    "mix-qps8": lambda: mix(8, seed=81),
    "random-qps3": lambda: random_lengths(3),
    "random-qps6": lambda: random_lengths(6),
    "random-qps9": lambda: random_lengths(9, seconds=60),
    "random-qps12": lambda: random_lengths(12),
    "random-qps20": lambda: random_lengths(20),
    "random-inf": lambda: random_at_once(200),
}
