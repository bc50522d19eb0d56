"""Every C source is as clang-format 14 (Debian 12's) leaves it."""

import shutil
import subprocess
import sys

import tree


def main():
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not tool:
        print("clang-format is not installed (deploy/setup/install)")
        sys.exit(1)
    sources = tree.files(".c", ".h", folders=tree.SOURCE_FOLDERS)
    done = subprocess.run([tool, "--dry-run", "--style=file", *sources], cwd=tree.ROOT,
                          stderr=subprocess.PIPE, text=True, check=True)
    unformatted = sorted({line.split(":")[0] for line in done.stderr.splitlines()
                          if "-Wclang-format-violations" in line})
    tree.report([f"{path}:1: run clang-format -i on it" for path in unformatted], sources)


main()
