"""Daemons of a lab: started into a namespace, known by pid and start time, ended one by one."""

import json
import os
import signal
import subprocess

from . import wait


LAST_LINES = 8
GAVE_UP = (70, 71)  # exit statuses of daemons that end by themselves

# What ended by a signal that nobody here sends, gave up, or did not end when it was told to: sentences with
# its last words below.
crashes = []


class Proc:
    """One process. Life: started or loaded .. gone; its record is a file that outlives this program."""

    def __init__(self, name, record, log=None):
        """log: a file of its own that it writes beside its output."""
        self.name = name
        self.record = record
        self.child = None  # only in the program that started it
        self.logs = [log] if log else []

    def start(self, argv, log, env=None):
        """Output is appended to log; the process is a session of its own and outlives us."""
        if self.alive():
            raise RuntimeError(f"{self.name} runs already")
        self._look()
        self.logs = [*(own for own in self.logs if own != log), log]
        with open(log, "ab") as out:
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          start_new_session=True, env=env)
        stat = _stat(self.child.pid)
        with open(self.record, "w", encoding="utf-8") as record:
            json.dump({"pid": self.child.pid, "started": stat and stat[1]}, record)

    def pid(self):
        """None when it is not alive; a zombie that nobody has reaped is not alive."""
        try:
            with open(self.record, encoding="utf-8") as record:
                known = json.load(record)
        except (FileNotFoundError, ValueError):
            return None
        stat = _stat(known["pid"])
        alive = stat and stat[0] != "Z" and stat[1] == known["started"]
        return known["pid"] if alive else None

    def alive(self):
        return self.pid() is not None

    def signal(self, number):
        """False when there is nothing to signal any more."""
        pid = self.pid()
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def kill(self):
        self.signal(signal.SIGKILL)
        wait.until(lambda: not self.alive(), 10, f"end of {self.name} after SIGKILL")
        self._forget()

    def stop(self, seconds=10):
        """SIGTERM, and SIGKILL when that is not heeded. A frozen process is thawed first."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            wait.until(lambda: not self.alive(), seconds, f"end of {self.name} after SIGTERM")
        except wait.Timeout:
            self._tell(f"did not end within {seconds} s of SIGTERM")
            self.kill()
        self._forget()

    def _look(self):
        """How did it end?"""
        status = self.child.poll() if self.child else None
        if status is None:
            return
        self.child = None
        if status in GAVE_UP:
            self._tell(f"gave up with status {status}")
        elif status < 0 and -status not in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT):
            self._tell(f"ended by {signal.Signals(-status).name}")

    def _tell(self, what):
        crashes.append("\n\t".join((f"{self.name} {what}", *self._last_words())))

    def _last_words(self):
        """Why it went, when it said so."""
        for log in filter(os.path.exists, self.logs):
            with open(log, encoding="utf-8", errors="replace") as text:
                yield from text.read().splitlines()[-LAST_LINES:]

    def _forget(self):
        self._look()
        if os.path.exists(self.record):
            os.unlink(self.record)


def _stat(pid):
    """(state, start time) of a process, or None."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return fields[0], fields[19]
