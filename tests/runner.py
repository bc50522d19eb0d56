"""Builds the tree, runs its tests and counts them; tests/run calls it.

    tests/run [--only PATTERN]... [--list]

Tests have names like gcc/unit/base-cursor, san/fuzz/fuzz-frame, scenario/peer_initiates, hostile/hostile.
PATTERN is a part of such a name, or a shell pattern for the whole of it. The last line is
`N passed, N failed, N skipped`: each case of a TAP test counts, each other test counts as one.
Scenarios named in tests/scenario/pending are listed with the reason, neither run nor counted; --only
with a scenario's name runs it nevertheless.
"""

import argparse
import fnmatch
import json
import os
import re
import signal
import subprocess
import sys
import time

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(TESTS)
BUILDS = {"gcc": os.path.join(ROOT, "build"), "san": os.path.join(ROOT, "build-san"),
          "tsan": os.path.join(ROOT, "build-tsan")}
SLOWER = {"gcc": 1, "san": 4, "tsan": 4}  # of a test's time limit, under the sanitizers
# Of this build only what has threads is made: Meson's name of the test -> its program.
THREADS = {"dataplane-crew": "tests/unit/dataplane/test-dataplane-crew"}
STORIES = ("scenario", "hostile", "interop")  # folders of programs that make a lab each
SKIPPED = 77  # exit status of a test that was skipped; its last line says why


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.seconds = {}  # by suite
        self.began = time.monotonic()

    def add(self, name, passed, failed, skips, seconds, log):
        """skips: the reasons, one for each skipped case. A log is printed when something failed."""
        self.passed += passed
        self.failed += failed
        self.skipped += len(skips)
        suite = name.rpartition("/")[0]
        self.seconds[suite] = self.seconds.get(suite, 0) + seconds
        word = "FAIL" if failed else "ok" if passed else "skip"
        cases = f" {passed} of {passed + failed} cases" if passed + failed > 1 else ""
        print(f"{word:4} {name}{cases} ({seconds:.1f} s)", flush=True)
        for reason in skips:
            print(f"     skipped: {reason}", flush=True)
        if failed:
            self.failures.append(name)
            print(f"---- log of {name}\n{log.rstrip()}\n---- end of {name}", flush=True)

    def close(self):
        for name in self.failures:
            print(f"FAILED {name}")
        spent = ", ".join(f"{suite} {seconds:.0f}" for suite, seconds in self.seconds.items())
        print(f"{time.monotonic() - self.began:.0f} s in all; of tests (some run side by side), s: {spent}")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed or not self.passed else 0


def wanted(name, patterns):
    return not patterns or any(p in name or fnmatch.fnmatch(name, p) for p in patterns)


# --- builds ----------------------------------------------------------------------------------------


def build(kind, targets=()):
    """Returns (exit status, what it printed). Without targets everything is built."""
    script = os.path.join(ROOT, "deploy/setup/build")
    done = subprocess.run([script, kind, *targets], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def build_counted(kind, tally):
    print(f"building {BUILDS[kind]}", flush=True)
    start = time.monotonic()
    rc, log = build(kind, THREADS.values() if kind == "tsan" else ())
    log = "\n".join(line for line in log.splitlines() if not re.match(r"\[\d+/\d+\] ", line))
    loud = [line for line in log.splitlines() if "WARNING" in line]
    print("\n".join(loud), end="\n" if loud else "")
    tally.add(f"{kind}/build", int(rc == 0), int(rc != 0), [], time.monotonic() - start, log)
    return rc == 0


# --- tests that Meson knows ---------------------------------------------------------------------------


def meson_tests(kind):
    """The names by which Meson knows them, each with the name that we print."""
    rc, log = build(kind, ["build.ninja"])
    if rc:
        raise SystemExit(f"{log}\ntests/run: {BUILDS[kind]} could not be configured")
    listed = json.loads(subprocess.check_output(
        ["meson", "introspect", "--tests", BUILDS[kind]], text=True))
    tests = {}
    for test in listed:
        suite = test["suite"][0].split(":")[-1]
        if kind == "tsan" and test["name"] not in THREADS:
            continue
        if kind == "gcc" or suite != "lint":  # sources are the same for every compiler
            tests[test["name"]] = f"{kind}/{suite}/{test['name']}"
    return tests


TAP_LINE = re.compile(r"^(not )?ok\b(?:\s+\d+)?\s*-?\s*([^#]*)(?:#\s*(SKIP)\b\s*(.*))?$", re.I)


def tap_count(text):
    passed, failed, skips = 0, 0, []
    for line in text.splitlines():
        case = TAP_LINE.match(line)
        if re.match(r"^1\.\.0\s*#\s*SKIP", line, re.I):
            skips.append(line.split("#", 1)[1].strip())
        elif not case:
            continue
        elif case[3]:
            skips.append(f"{case[2].strip()} {case[4].strip()}".strip())
        elif case[1]:
            failed += 1
        else:
            passed += 1
    return passed, failed, skips


def outcome(record):
    """(passed, failed, reasons of skips) of one line of Meson's testlog.json."""
    text = record.get("stdout", "")
    passed, failed, skips = 0, 0, []
    if re.search(r"^1\.\.\d", text, re.M):
        passed, failed, skips = tap_count(text)
    elif record["result"] == "OK":
        passed = 1
    elif record["result"] == "SKIP":
        lines = text.strip().splitlines()
        skips = lines[-1:] or ["no reason given"]
    if record["result"] not in ("OK", "SKIP") and not failed:
        failed = 1  # it crashed, hung, or a fixture broke
    if not passed and not failed and not skips:
        failed = 1  # it says OK, yet ran nothing
    return passed, failed, skips


def run_meson_tests(kind, names, tally):
    """names: as meson_tests() returns them."""
    print(f"testing {BUILDS[kind]}", flush=True)
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1",
               UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    log_path = os.path.join(BUILDS[kind], "meson-logs", "testlog.json")
    if os.path.exists(log_path):
        os.unlink(log_path)
    done = subprocess.run(
        ["meson", "test", "-C", BUILDS[kind], "--no-rebuild", "-t", str(SLOWER[kind]), *names],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    missing = dict(names)
    if os.path.exists(log_path):
        with open(log_path, encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                name = record["name"].split(" / ")[-1].split(":")[-1]
                log = record.get("stdout", "") + record.get("stderr", "")
                log += f"\nresult {record['result']}, exit status {record.get('returncode')}"
                tally.add(missing.pop(name), *outcome(record), record["duration"], log)
    for name in missing.values():
        tally.add(name, 0, 1, [], 0, f"Meson did not run it\n{done.stdout}")


# --- scenarios ---------------------------------------------------------------------------------------


def scenarios():
    return {f"{folder}/{name.removesuffix('_test.py')}": os.path.join(TESTS, folder, name)
            for folder in STORIES for name in sorted(os.listdir(os.path.join(TESTS, folder)))
            if name.endswith("_test.py")}


def pending():
    """Scenarios that are known not to work yet: name -> reason."""
    path = os.path.join(TESTS, "scenario", "pending")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as lines:
        rows = [line.split(":", 1) for line in lines if line.strip() and not line.startswith("#")]
    return {"scenario/" + name.strip(): reason.strip() for name, reason in rows}


def limit_of(path):
    """A scenario may say `# timeout: SECONDS`; 180 otherwise."""
    with open(path, encoding="utf-8") as text:
        said = re.search(r"^# timeout: (\d+)$", text.read(), re.M)
    return int(said[1]) if said else 180


def finish(process, limit):
    """Waits; when the limit passes, asks it to clean up before it is killed. True: in time."""
    try:
        process.wait(limit)
        return True
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return False


def run_scenario(name, path, tally):
    logs = os.path.join(BUILDS["gcc"], "scenario-logs")
    os.makedirs(logs, exist_ok=True)
    log_path = os.path.join(logs, os.path.basename(path).removesuffix(".py") + ".log")
    env = dict(os.environ, TANDEM_BUILD=BUILDS["gcc"], PYTHONDONTWRITEBYTECODE="1")
    start = time.monotonic()
    with open(log_path, "w", encoding="utf-8") as out:
        process = subprocess.Popen(["/usr/bin/python3", path], env=env, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, start_new_session=True)
        try:
            in_time = finish(process, limit_of(path))
        except BaseException:  # our own end: do not leave a lab behind
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
    with open(log_path, encoding="utf-8", errors="replace") as text:
        log = text.read()
    if not in_time:
        log += f"\nnot done after {limit_of(path)} s"
    skipped = in_time and process.returncode == SKIPPED
    passed = in_time and process.returncode == 0
    skips = [log.strip().split("skip: ")[-1] or "no reason given"] if skipped else []
    tally.add(name, int(passed), int(not passed and not skipped), skips,
              time.monotonic() - start, log)


# --- the whole ----------------------------------------------------------------------------------------


def options(argv):
    parser = argparse.ArgumentParser(prog="tests/run")
    parser.add_argument("--only", metavar="PATTERN", action="append", default=[])
    parser.add_argument("--list", action="store_true", help="names of the tests; runs none")
    return parser.parse_args(argv)


def main(argv):
    said = options(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = {kind: {name: shown for name, shown in meson_tests(kind).items()
                     if wanted(shown, said.only)} for kind in BUILDS}
    waiting = {} if said.only else pending()
    stories = {name: path for name, path in scenarios().items()
               if wanted(name, said.only) and name not in waiting}
    if said.list:
        for name in [n for tests in chosen.values() for n in tests.values()] + list(stories):
            print(name)
    for name, reason in waiting.items():
        print(f"pending, not run and not counted: {name}: {reason}")
    if said.list:
        return 0
    if not stories and not any(chosen.values()):
        raise SystemExit("tests/run: no test has such a name; see --list")
    if stories and os.geteuid() != 0:
        raise SystemExit("tests/run: scenarios make network namespaces: sudo ./tests/run")

    tally = Tally()
    built = {}
    for kind in BUILDS:
        if chosen[kind] or (stories and kind == "gcc"):
            built[kind] = build_counted(kind, tally)
        if chosen[kind] and built[kind]:
            run_meson_tests(kind, chosen[kind], tally)
    for name, path in stories.items():
        if built["gcc"]:
            run_scenario(name, path, tally)
        else:
            tally.add(name, 0, 1, [], 0, "not run: the gcc build failed")
    return tally.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
