"""The keys of a lab, and where they must not be: in no log, no output, no journal (PSK-004).

    leaks.learn("a-key-from-nowhere", "the key of ...")   # pre-shared keys, passphrases
    leaks.learn_conf(text)                                # every key of a configuration
    leaks.learn_pem(octets, "the key of ...")             # of a private key, its lines
    for sentence in leaks.found(folder): ...

What has been learnt stays for the whole program, as the crashes of proc do. Searched for as it is, in
hexadecimal and in base64. Files that hold keys by what they are for are not searched (KEEPERS).
"""

import base64
import os
import re

from .junos import Configuration

SHORTEST = 8  # what is shorter is found by chance
MARK = b"PRIVATE KEY-----"
STATEMENTS = {"ascii-text", "hexadecimal", "cluster-key", "password"}
# a node's and a peer's configuration, keys and certificates, where the product and the peers keep them
KEEPERS = re.compile(r"(^|/)(tandem\.conf[^/]*|authkey|swanctl(\.conf|/.*)|corosync\.conf|[^/]*\.key|"
                     r"pki/.*|private/.*|conf/.*|guest/in/.*|[^/]*\.secrets|[^/]*\.pcap|"
                     r"guest/iked\.log)$")  # iked -v prints its configuration
PIECE = 1 << 22

known = {}  # octets to look for -> whose they are


def learn(secret, whose):
    """secret: text or octets."""
    octets = secret.encode() if isinstance(secret, str) else bytes(secret)
    if len(octets) >= SHORTEST:
        # base64 of any alignment has this in it
        forms = (octets, octets.hex().encode(), octets.hex().upper().encode(),
                 base64.b64encode(octets[:len(octets) // 3 * 3]))
        known.update({form: whose for form in forms if len(form) >= SHORTEST})


def learn_conf(text):
    for words in Configuration(text).paths:
        for at, word in enumerate(words[:-1]):
            if word in STATEMENTS:
                learn(words[at + 1], f"'{' '.join(words[:at + 1])}'")


def learn_pem(octets, whose):
    """The lines of a private key in PEM. Those of its head say what kind it is, and are of any key."""
    lines = [line for line in octets.splitlines() if line and b"-----" not in line]
    for line in lines[1:] or lines:
        learn(line, whose)


def _learn_keys(folder):
    """Of those that the product made itself."""
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            if os.path.isfile(path) and os.path.getsize(path) < 65536 and name.endswith((".pem", ".key")):
                with open(path, "rb") as octets:
                    text = octets.read()
                if MARK in text:
                    learn_pem(text, f"the private key {os.path.relpath(path, folder)}")


def _search(path, needles):
    """In pieces that overlap: logs may be long."""
    longest = max(map(len, needles))
    tail = b""
    with open(path, "rb") as octets:
        while piece := octets.read(PIECE):
            here = tail + piece
            yield from (needle for needle in needles if needle in here)
            tail = here[-longest:]


def found(folder):
    """Sentences: which file has whose key."""
    _learn_keys(folder)
    needles = {**known, MARK: "a private key in PEM"}
    said = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            short = os.path.relpath(path, folder)
            if KEEPERS.search(short) or os.path.islink(path) or not os.path.isfile(path):
                continue
            for needle in _search(path, needles):
                said[short, needles[needle]] = None
    return [f"{short} has {whose}" for short, whose in said]
