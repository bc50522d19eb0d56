"""Pings of which none may get lost, and how many of them were.

`ping -c` waits for the last answer as long as -W says only while there was no answer at all, else twice the longest
round trip so far (its manual): where a busy machine takes longer, it tells of a loss that there was not. With -w it
waits until as many were answered as -c says, and asks on meanwhile; so the first ones count, by their numbers.
"""

import math
import re


def argv(to, count, *more, every=0.1, seconds=2):
    """seconds: how long the last one is waited for."""
    last = ["-W", str(seconds)] if count == 1 else ["-w", str(math.ceil(count * every + seconds))]
    return ["ping", *more, "-c", str(count), "-i", str(every), *last, to]


def answered(said, count):
    """How many of the first `count` were."""
    numbers = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl=", said)}
    return len(numbers & set(range(1, count + 1)))
