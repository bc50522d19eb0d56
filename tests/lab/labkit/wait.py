"""Waiting for a condition, with a bound. Nothing here or above sleeps without a condition."""

import time

STEP_S = 0.02


class Timeout(Exception):
    pass


def until(condition, seconds, what):
    """The first true result of condition(); Timeout, which says what was awaited, after the bound."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= end:
            raise Timeout(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(STEP_S)


def holds(condition, seconds, what):
    """Condition() stays true for so long; Timeout when it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            raise Timeout(f"did not hold for {seconds} s: {what}")
        time.sleep(STEP_S)
