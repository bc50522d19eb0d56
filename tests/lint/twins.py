"""A parser owns a unit test and a fuzzer, and every test that is written is also registered.

The twins of control/wire/pld_ke.c are tests/unit/wire/test_pld_ke.c and tests/fuzz/wire/fuzz_pld_ke.c. One
test may serve several parsers; it says so in a line `Twin of: pld_ke.c pld_id.c`.
"""

import fnmatch
import os
import re

import tree

PARSERS = (
    "proto/frame.c",
    "control/wire/pld_*.c",
    "control/wire/message.c",
    "control/config/lex.c",
    "control/config/parse.c",
    "control/ike/record*.c",
    "control/crypto/cert.c",
    "control/crypto/cert_ext.c",
    "control/crypto/crl.c",
    "control/crypto/ocsp.c",
    "control/policy/dn*.c",
    "control/pki/ldif.c",
)
TWIN_OF = re.compile(r"Twin of:((?:\s+[\w.]+\.c)+)")


def area_of(source):
    """The folder below tests/unit and tests/fuzz: the last one of the source, or its name in proto."""
    folder = os.path.basename(os.path.dirname(source))
    return os.path.basename(source).removesuffix(".c") if folder == "proto" else folder


def has_twin(source, kind, prefix):
    name = os.path.basename(source)
    folder = f"tests/{kind}/{area_of(source)}"
    for path in tree.files(".c", folders=("tests",)):
        if os.path.dirname(path) != folder:
            continue
        said = TWIN_OF.search("\n".join(tree.lines(path)))
        if os.path.basename(path) == prefix + name or (said and name in said[1].split()):
            return True
    return False


def unregistered():
    """Test sources that no meson.build beside them names."""
    for path in tree.files(".c", folders=("tests",)):
        folder, name = os.path.split(path)
        if not name.startswith(("test_", "fuzz_", "story_")):
            continue
        build = "\n".join(tree.lines(folder + "/meson.build"))
        stem = name.removesuffix(".c").split("_", 1)[1]
        if name not in build and not re.search(rf"'{stem}'", build):
            yield f"{path}:1: {folder}/meson.build does not name it: it never runs"


def main():
    complaints = list(unregistered())
    looked_at = [path for path in tree.files(".c", folders=tree.SOURCE_FOLDERS)
                 if any(fnmatch.fnmatch(path, parser) for parser in PARSERS)]
    for path in looked_at:
        for kind, prefix in (("unit", "test_"), ("fuzz", "fuzz_")):
            if not has_twin(path, kind, prefix):
                complaints.append(f"{path}:1: a parser without a {kind} test of its own")
    tree.report(complaints, looked_at)


main()
