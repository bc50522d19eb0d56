"""What the lints share: the files of the tree, and how a lint reports."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE_FOLDERS = ("proto", "ha", "control", "dataplane", "tests")


def files(*endings, folders=None):
    """Paths relative to the root, sorted; hidden folders, build folders and corpora are left out."""
    found = []
    for top, names, leaves in os.walk(ROOT):
        inside = os.path.relpath(top, ROOT)
        names[:] = sorted(n for n in names if n != ".git" and n != "__pycache__"
                          and not n.startswith("corpus") and not (inside == "." and n.startswith("build")))
        if folders and inside.split("/")[0] not in folders:
            continue
        found += [os.path.normpath(os.path.join(inside, leaf)) for leaf in leaves
                  if not endings or leaf.endswith(endings)]
    return sorted(found)


def lines(path):
    """The lines of a text file, or none when it is not text."""
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8") as text:
            return text.read().split("\n")
    except UnicodeDecodeError:
        return []


def report(complaints, looked_at):
    """complaints: sentences that start with path:line. Ends the lint."""
    for complaint in complaints:
        print(complaint)
    if not looked_at:
        print("looked at nothing: the lint is broken")
    sys.exit(1 if complaints or not looked_at else 0)
