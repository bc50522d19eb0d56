"""Who may include what: docs/architecture.md, as a test."""

import os
import re

import tree

ALL = ("proto", "ha", "control")

# folder: (project folders besides its own, schemas, libraries). The longest folder that fits decides.
RULES = {
    "proto/base": ((), (), ("uthash",)),
    "proto": (("proto/base",), ("*",), ("protobuf-c",)),
    "ha": (("proto/base",), ("replication",), ("protobuf-c",)),
    "ha/cpg": (("ha", "proto/base"), (), ("corosync",)),
    "control/wire": (("proto/base",), (), ()),
    "control/crypto": (("proto/base",), (), ("openssl",)),
    "control/policy": (("proto/base",), (), ()),
    "control/config": (("control/policy", "control/crypto", "proto/base"), (), ()),
    "control/pki": (("control/crypto", "control/policy", "control/config", "proto/base"), (), ()),
    "control/ike": (("control/ike", "control/wire", "control/crypto", "control/policy", "control/config",
                     "control/pki", "proto/base"), ("record",), ("protobuf-c",)),
    "control/keys": (("control/crypto", "proto"), ("keys",), ("protobuf-c", "seccomp", "p11-kit")),
    "control/host": (ALL, ("*",), ("uv", "protobuf-c")),
    "control/cli": (("control/config", "proto"), ("control",), ("protobuf-c",)),
    "dataplane/core": (("proto/base",), (), ()),
    "dataplane": (("proto", "dataplane"), ("dataplane",), ("rte", "ipsec-mb", "protobuf-c", "openssl")),
    "tests": (("proto", "ha", "control", "dataplane", "tests"), ("*",), ("*",)),
}

# A library that one file of a folder may use, and no other.
FILES = {
    "control/pki/fetch.c": "curl",
}

# What is not listed is libc. A library is known by the start of its header's name.
LIBRARIES = {
    "uthash": r"ut(hash|list|array|string)\.h",
    "protobuf-c": r"protobuf-c/",
    "openssl": r"openssl/",
    "corosync": r"corosync/",
    "uv": r"uv(\.h|/)",
    "rte": r"rte_|(bus|ethdev)_\w*driver",
    "ipsec-mb": r"(intel-)?ipsec-mb\.h",
    "curl": r"curl/",
    "seccomp": r"seccomp\.h",
    "p11-kit": r"p11-kit/",
    "cmocka": r"cmocka\.h",
    "numa": r"numa",
    "pcap": r"pcap",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def rule_of(folder):
    while folder:
        if folder in RULES:
            return RULES[folder]
        folder = os.path.dirname(folder)
    return None


def home_of(path, named):
    """The folder of the project header that `path` includes as `named`; None if there is no such."""
    for base in (os.path.dirname(path), "", "proto", "control", "ha", "dataplane"):
        header = os.path.normpath(os.path.join(base, named))
        if os.path.exists(os.path.join(tree.ROOT, header)):
            return os.path.dirname(header)
    return None


def may_see(own, folder, allowed):
    """A folder opens its subfolders with it."""
    return folder == own or any(folder == a or folder.startswith(a + "/") for a in allowed)


def library_of(named):
    return next((name for name, start in LIBRARIES.items() if re.match(start, named)), None)


def complaint(path, quoted, angled):
    """The sentence about one include line, or None."""
    own = os.path.dirname(path)
    folders, schemas, libraries = rule_of(own)
    if quoted and quoted.endswith(".pb-c.h"):
        schema = os.path.basename(quoted).removesuffix(".pb-c.h")
        if schema not in schemas and "*" not in schemas:
            return f"{own} may not see the schema {schema}"
    elif quoted:
        home = home_of(path, quoted)
        if home is None:
            return f'"{quoted}" is not a header of this project'
        if not may_see(own, home, folders):
            return f"{own} may not include {home}"
    else:
        library = library_of(angled)
        if library and library not in libraries and "*" not in libraries and FILES.get(path) != library:
            return f"{own} may not use {library}"
    return None


def main():
    complaints = []
    sources = tree.files(".c", ".h", folders=tree.SOURCE_FOLDERS)
    for path in sources:
        if rule_of(os.path.dirname(path)) is None:
            complaints.append(f"{path}:1: its folder has no rule in tests/lint/includes.py")
            continue
        for number, line in enumerate(tree.lines(path), 1):
            match = INCLUDE.match(line)
            said = complaint(path, match[1], match[2]) if match else None
            if said:
                complaints.append(f"{path}:{number}: {said}")
    tree.report(complaints, sources)


main()
