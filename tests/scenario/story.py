"""What every scenario shares: a lab of its own, claims, and the last words when one does not hold.

A scenario draws its topology in its first lines, then tells its story in one function:

    @story(nodes=1)
    def main(lab):
        ...
        claim(condition, "what must be so")

Exit status 0: every claim held. 77: skipped, the last line says why. The lab is gone in the end, always.
"""

import functools
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "lab"), os.path.join(TESTS, "tools")]
sys.dont_write_bytecode = True

from labkit import wait  # noqa: E402
from labkit.world import Lab  # noqa: E402

SKIPPED = 77


class Broken(Exception):
    """A claim that did not hold."""


class Skip(Exception):
    """The machine lacks something; the text says what."""


def claim(holds, what):
    if not holds:
        raise Broken(what)
    say(f"holds: {what}")


def same(found, wanted, what):
    if found != wanted:
        raise Broken(f"{what}: found {found}, wanted {wanted}")
    say(f"holds: {what}: {found}")


def say(text):
    print(f"{time.monotonic() - say.began:7.2f} s  {text}", flush=True)


say.began = time.monotonic()


def lab_name():
    """The file's name and our pid: labs of stories that run side by side do not meet."""
    what = os.path.basename(sys.argv[0]).removesuffix("_test.py").replace("_", "")
    return f"{what[:12]}-{os.getpid()}"


def story(**world):
    """Decorates main(lab): the lab is up() with what is said here. With world given as start=False the
    nodes' daemons do not run."""
    def decorate(tell):
        @functools.wraps(tell)
        def whole():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
            lab = Lab(lab_name())
            try:
                lab.up(**world)
                say(f"lab {lab.name} is up")
                tell(lab)
                say("done")
                return 0
            except Skip as why:
                print(f"skip: {why}", flush=True)
                return SKIPPED
            except BaseException as why:
                say(f"BROKEN: {type(why).__name__}: {why}")
                print("\n".join(lab.last_words()), flush=True)
                if not isinstance(why, (Broken, wait.Timeout, RuntimeError)):
                    raise
                return 1
            finally:
                lab.down()
        return whole
    return decorate
