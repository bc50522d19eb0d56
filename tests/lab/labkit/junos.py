"""Reads a Tandem configuration far enough to build its surroundings: addresses, peers, algorithms.

This is no second parser of the product: what is wrong here is found by tandemd. A configuration is a
list of paths, each a list of words, as `set` lines would say it.
"""

import ipaddress
import re

TOKEN = re.compile(r'/\*.*?\*/|#[^\n]*|"((?:[^"\\]|\\.)*)"|([{};\[\]])|([^\s{};\[\]"]+)', re.S)


def _tokens(text):
    """(kind, word): kind is the mark itself, or w for a word."""
    for match in TOKEN.finditer(text):
        if match[1] is not None:
            yield "w", re.sub(r"\\(.)", r"\1", match[1])
        elif match[2]:
            yield match[2], match[2]
        elif match[3]:
            yield "w", match[3]


def _curly(text):
    outer, words, many = [], [], None
    for kind, word in _tokens(text):
        if kind == "{":
            outer.append(words)
            words = []
        elif kind == "}":
            words = []
            outer.pop()
        elif kind == "[":
            many = []
        elif kind == ";":
            head = [w for level in outer for w in level] + words
            for last in [[]] if many is None else [[m] for m in many]:
                yield head + last
            words, many = [], None
        elif kind == "w":
            (words if many is None else many).append(word)


def is_set_form(text):
    body = re.sub(r"/\*.*?\*/|#[^\n]*", "", text, flags=re.S)
    return bool(re.match(r"\s*set\s", body))


class Configuration:
    def __init__(self, text):
        if is_set_form(text):
            lines = [[word for kind, word in _tokens(line) if kind == "w"]
                     for line in text.splitlines()]
            self.paths = [words[1:] for words in lines if words[:1] == ["set"]]
        else:
            self.paths = list(_curly(text))

    def find(self, path):
        """The words behind each statement that starts like path; * stands for any word."""
        want = path.split()
        return [words[len(want):] for words in self.paths
                if len(words) >= len(want) and all(w in ("*", g) for w, g in zip(want, words))]

    def value(self, path, default=None):
        found = self.find(path)
        return found[0][0] if found and found[0] else default

    def names(self, path):
        """Distinct words that stand right behind path, in order."""
        return list(dict.fromkeys(words[0] for words in self.find(path) if words))

    def is_cluster(self):
        return bool(self.find("chassis cluster"))

    def unit_address(self, unit):
        """The first address, with its network, of `reth0.0`, `ge-0/0/0.0`; None when it has none."""
        name, _, number = unit.partition(".")
        said = self.value(f"interfaces {name} unit {number or 0} family inet address")
        return ipaddress.ip_interface(said) if said else None

    def unit_addresses(self, unit):
        """All addresses with their networks, of both families."""
        name, _, number = unit.partition(".")
        path = f"interfaces {name} unit {number or 0} family"
        return [ipaddress.ip_interface(words[0]) for family in ("inet", "inet6")
                for words in self.find(f"{path} {family} address")]

    def port_unit(self, port):
        """The unit that carries a port's addresses: its own, or that of its redundant parent."""
        parent = self.value(f"interfaces {port} gigether-options redundant-parent")
        return f"{parent or port}.0"
