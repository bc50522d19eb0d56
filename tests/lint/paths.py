"""No file speaks of a path that only somebody's machine has; links in the documentation lead somewhere."""

import os
import re

import tree

# First components that every Debian 12 has, or that Tandem itself makes.
EVERYWHERE = {"bin", "dev", "etc", "lib", "mnt", "opt", "proc", "run", "sbin", "srv", "sys", "tmp",
              "usr", "var", "nonexistent"}
ABSOLUTE = re.compile(r"""(?:^|[\s"'=(`:<])/([A-Za-z][\w.-]*)/[\w.-]""")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
TEXTS = (".c", ".h", ".py", ".sh", ".md", ".proto", ".conf", ".build", ".txt")


def is_text(path):
    return path.endswith(TEXTS) or "." not in os.path.basename(path)


def main():
    complaints = []
    looked_at = [path for path in tree.files() if is_text(path) and path != "LICENSE"]
    for path in looked_at:
        for number, line in enumerate(tree.lines(path), 1):
            for first in ABSOLUTE.findall(line):
                if first not in EVERYWHERE:
                    complaints.append(f"{path}:{number}: /{first}/ is not on every machine")
            for link in LINK.findall(line) if path.endswith(".md") else ():
                target = os.path.join(tree.ROOT, os.path.dirname(path), link)
                if not os.path.exists(target):
                    complaints.append(f"{path}:{number}: the link {link} leads nowhere")
    tree.report(complaints, looked_at)


main()
