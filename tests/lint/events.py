"""docs/troubleshooting.md against the code: each event, counter, reason and command that it names exists, and no event
that is a warning or an error is missing."""

import os
import re

import tree

DOC = "docs/troubleshooting.md"
PARTS = ("control/", "ha/", "dataplane/")
NAME = r'"([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)"'
LOUD = (re.compile(r"\b(?:log|sa)_(?:err|warn)\(\s*(?:[^,;\"]*?,\s*)+?" + NAME),
        re.compile(r"LOG_LEVEL_(?:ERR|WARN),\s*" + NAME))
WORDS = re.compile(NAME)
OF_TESTS = "dp.test"  # of a socket that no node has


def whole(path):
    with open(os.path.join(tree.ROOT, path), encoding="utf-8") as text:
        return text.read()


def main():
    sources = {path: whole(path) for path in tree.files() if path.startswith(PARTS) and path.endswith((".c", ".h"))}
    code = "".join(sources.values())
    known = set(WORDS.findall(code))
    loud = {name for text in sources.values() for rule in LOUD for name in rule.findall(text)}
    rows = re.findall(r'\{"((?:show|request|clear) [^"]*)", ACTION', sources["control/cli/words.c"])
    doc = whole(DOC)
    quoted = re.findall(r"`([^`\n]+)`", doc)
    named = {word for word in quoted if re.fullmatch(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+", word)}
    complaints = [f"{DOC}: nothing is called {word}" for word in sorted(named - known) if not word.endswith(".md")]
    complaints += [f"{DOC}: the {name} of the code is missing" for name in sorted(loud - named)
                   if not name.startswith(OF_TESTS)]
    for command in [*quoted, *re.findall(r"^    tandem (.*?)(?: +#|$)", doc, re.M)]:
        words = command.split(" |")[0].split(" ...")[0]
        if words.split()[0] in ("show", "request", "clear") and \
                not any(words.startswith(row) or row.startswith(words) for row in rows):
            complaints.append(f"{DOC}: there is no {command}")
    reasons = doc.split("| Tunnel Down Reason |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    for reason in (line.split("|")[1].strip() for line in reasons):
        if f'"{reason}"' not in code:
            complaints.append(f"{DOC}: no tunnel is down because of: {reason}")
    told = re.findall(r'^\t\treturn "([^"]*)";$', sources["control/ike/tunnel.c"], re.M)
    complaints += [f"{DOC}: the reason '{text}' is missing" for text in told if text not in doc]
    tree.report(complaints, [DOC, *sources])


main()
