"""The interop matrix: what is tried with which peer, and the table that comes of it (docs/interop.md).

A row is a Case; a column is a deed. What a peer has no command for, or a cipher it has not, is "-"."""

import os
import re
from dataclasses import dataclass

from labkit import pki as authorities
from labkit import wait
from labkit.junos import Configuration
from labkit.strongswan import Mirror

import peers

ESP = (("aes-128-gcm", None), ("aes-256-gcm", None), ("aes-128-cbc", "hmac-sha1-96"),
       ("aes-128-cbc", "hmac-sha-256-128"), ("aes-192-cbc", "hmac-sha-256-128"), ("aes-256-cbc", "hmac-sha-256-128"),
       ("aes-256-cbc", "hmac-sha-384"), ("aes-256-cbc", "hmac-sha-512"), ("3des-cbc", "hmac-sha1-96"),
       ("chacha20-poly1305", None))
GROUPS = ("group14", "group19", "group20", "group21")
METHODS = {"psk": "pre-shared-keys", "rsa-2048": "rsa-signatures", "ecdsa-256": "ecdsa-signatures-256",
           "ecdsa-384": "ecdsa-signatures-384", "ed25519": "digital-signature"}
DEEDS = ("we begin", "child rekey, us", "child rekey, them", "IKE rekey, us", "IKE rekey, them",
         "reauthentication, us", "reauthentication, them", "they begin")
PEERS = (peers.StrongSwan, peers.KernelStrongSwan, peers.Libreswan, peers.OpenIked)
STRONGSWANS = (peers.StrongSwan, peers.KernelStrongSwan)
WAIT_S = 12
FAILED = "FAILED"


class Certificates:
    """A root and two end entities of one kind of key."""

    def __init__(self, folder, kind):
        made = authorities.Pki(os.path.join(folder, f"pki-{kind}"))
        self.root = made.authority("root", key=kind)
        self.ours = made.issue("ours", self.root, key=kind, names=[f"dns:{peers.IDS['ours']}"])
        self.theirs = made.issue("theirs", self.root, key=kind, names=[f"dns:{peers.IDS['theirs']}"])


@dataclass(frozen=True)
class Case:
    """changes: of strongSwan's connection, as pairs."""
    peer: type
    auth: str = "psk"
    esp: tuple = ESP[0]
    group: str = "group31"
    pfs: bool = True
    changes: tuple = ()
    pki: Certificates = None
    also: str = ""

    def name(self):
        return f"{self.peer.name}: {self.auth}, {self.suite()}, {self.group}{self.also}"

    def suite(self):
        return self.esp[0] + (f" + {self.esp[1]}" if self.esp[1] else "")


def has(peer, esp):
    return esp[0] in peer.ciphers and (not esp[1] or esp[1] in peer.hashes)


def cases():
    """Every row, peer by peer."""
    for peer in PEERS:
        for esp in ESP:
            if has(peer, esp):
                yield Case(peer, esp=esp)
        first = next(esp for esp in ESP if has(peer, esp))
        yield from (Case(peer, esp=first, group=group) for group in GROUPS if group in peer.groups)
        certified = (("send_cert", "always"),) if peer in STRONGSWANS else ()
        yield from (Case(peer, auth, first, changes=certified) for auth in peer.auths if auth != "psk")
        if peer in STRONGSWANS:
            yield Case(peer, changes=(("fragmentation", "no"),), also=", no fragments")
            yield Case(peer, changes=(("encap", "yes"),), also=", ESP in UDP")


def short():
    """The slice that tests/run has time for: each peer with a shared key, strongSwan with certificates too."""
    for case in cases():
        if case.also or case.group != "group31":
            continue
        if (case.auth == "ecdsa-256" and case.peer is peers.StrongSwan) or (case.auth == "psk" and case.esp == next(e for e in ESP if has(case.peer, e))):
            yield case


def configuration(first, case):
    """The lab's, with what the case wants."""
    cipher, integrity = case.esp
    esp = f"encryption-algorithm {cipher};" + (f"\n            authentication-algorithm {integrity};"
                                               if integrity else "")
    head, _, tail = first.partition("proposal ESP-GCM {")
    tail = re.sub(r"encryption-algorithm [\w-]+;(\s*authentication-algorithm [\w-]+;)?", esp, tail, count=1)
    text = re.sub(r"(dh-group|keys) group\d+;", rf"\1 {case.group};", head + "proposal ESP-GCM {" + tail)
    if case.auth == "psk":
        return text
    text = text.replace("pre-shared-keys", METHODS[case.auth])
    text = re.sub(r'pre-shared-key ascii-text "[^"]*";', f"certificate {{ local-certificate {case.auth}; "
                  f"trusted-ca {{ ca-profile {case.auth}; }} }}", text)
    return text + (f"security {{ pki {{ ca-profile {case.auth} {{ ca-identity root; "
                   "revocation-check { disable; } } } }\n")


class Bench:
    """A lab in which one case follows the other. Life: made in a lab that is up, stop()."""

    def __init__(self, lab, guest=None):
        self.lab, self.node, self.guest = lab, lab.nodes[0], guest
        self.peer = None
        self.kinds = {}
        with open(self.node.conf, encoding="utf-8") as text:
            self.first = text.read()

    # --- what Tandem says

    def ike(self):
        listed = self.node.ask("show", "security", "ike", "security-associations")
        rows = listed if isinstance(listed, list) else listed["ike-security-associations"]
        return sorted((row["initiator-spi"], row["responder-spi"]) for row in rows if row["state"] == "UP")

    def esp(self):
        listed = self.node.ask("show", "security", "ipsec", "security-associations")
        rows = listed if isinstance(listed, list) else listed["ipsec-security-associations"]
        return sorted(sa["spi"] for row in rows for sa in row["sas"] if sa["direction"] == "inbound")

    # --- a case

    def meet(self, kind):
        """The peer of this kind runs, another one does not."""
        if isinstance(self.peer, kind):
            return
        self.part()
        self.peer = kind(self.lab) if kind is peers.StrongSwan else kind(self.lab, self.guest)
        if kind is not peers.StrongSwan:
            self.peer.start()

    def part(self):
        if self.peer and not isinstance(self.peer, peers.StrongSwan):
            self.peer.stop()
        self.peer = None

    def certificates(self, kind):
        if kind not in self.kinds:
            made = self.kinds[kind] = Certificates(self.lab.folder, kind)
            os.chmod(self.lab.folder, 0o711)
            authorities.install(os.path.join(self.node.folder, "state", "pki"), {kind: made.root}, {kind: made.ours})
        return self.kinds[kind]

    def adopt(self, case):
        """Both ends take it over without a restart; nothing of the last case is left."""
        if case.auth != "psk":
            case = Case(**{**case.__dict__, "pki": self.certificates(case.auth)})
        text = configuration(self.first, case)
        new = f"{self.node.conf}.new"
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        os.rename(new, self.node.conf)
        self.node.tandem("request", "system", "configuration", "reload")
        mirror = Mirror(Configuration(text), "PEER")
        self.peer.load(case, mirror)

    def run(self, case):
        """{deed: "ok", "-" or what failed}."""
        self.meet(case.peer)
        self.adopt(case)
        try:
            return {deed: self.deed(deed) for deed in DEEDS}
        finally:
            self.forget()

    def deed(self, name):
        act = {"we begin": self.we_begin,
               "they begin": self.they_begin,
               "child rekey, us": lambda: self.new(self.esp, lambda: self.ours("ipsec", "rekey")),
               "IKE rekey, us": lambda: self.new(self.ike, lambda: self.ours("ike", "rekey")),
               "reauthentication, us": lambda: self.new(self.ike, lambda: self.ours("ike", "rekey", "reauthenticate")),
               "child rekey, them": lambda: self.new(self.esp, self.peer_deed("rekey child")),
               "IKE rekey, them": lambda: self.new(self.ike, self.peer_deed("rekey ike")),
               "reauthentication, them": lambda: self.new(self.ike, self.peer_deed("reauthenticate"))}[name]
        needs = {"child rekey, them": "rekey child", "IKE rekey, them": "rekey ike", "they begin": "begin",
                 "reauthentication, them": "reauthenticate"}.get(name)
        if needs and needs not in self.peer.can:
            return "-"
        try:
            if not name.endswith("begin") and not self.ike():
                raise RuntimeError("there is no tunnel")
            act()
            self.ping(3)
            return "ok"
        except (RuntimeError, wait.Timeout) as why:
            return f"{FAILED}: {str(why).splitlines()[0][:200]}"

    def peer_deed(self, name):
        return {"rekey child": getattr(self.peer, "rekey_child", None), "rekey ike": getattr(self.peer, "rekey_ike", None),
                "reauthenticate": getattr(self.peer, "reauthenticate", None)}[name]

    def ours(self, what, *words):
        self.node.tandem("request", "security", what, *words)

    def new(self, listed, act):
        """Afterwards there is one, and it is another one."""
        before = listed()
        act()
        wait.until(lambda: (now := listed()) and now != before and len(now) == 1 and not set(now) & set(before),
                   WAIT_S, lambda: f"one new SA instead of {before}, there is {listed()}")

    def ping(self, count=1):
        """From the network here to the peer's; RuntimeError when one gets lost."""
        self.lab.run("inside", "ping", "-c", str(count), "-i", "0.1", "-W", "1", "10.2.0.1")

    def crosses(self):
        try:
            self.ping()
            return True
        except RuntimeError:
            return False

    def we_begin(self):
        """The first packet asks for the tunnel and is lost."""
        wait.until(self.crosses, WAIT_S, "a ping crosses the tunnel that it asked for")

    def they_begin(self):
        self.forget()
        self.peer.begin()
        wait.until(lambda: self.esp() and self.crosses(), WAIT_S, "the tunnel that they began is up")

    def forget(self):
        self.node.tandem("clear", "security", "ike", "security-associations")
        try:
            wait.until(lambda: not self.ike(), 3, "we have no SA")
        except wait.Timeout:
            pass
        self.peer.forget()


HEAD = """# Interoperability

What Tandem does with peers that we did not write. This file is made by `sudo tests/interop/run --all`; each row is a
tunnel that was begun from either side and used, with the deeds of the columns in between and pings after each.
`-`: the peer has no command for it; `?`: that row was not played yet. ESP with `strongSwan, ESP in user space` is in
UDP, with the others it is IP protocol 50 of a real Linux kernel in user mode, which stands in the peer's place.

On Linux OpenIKED talks PF_KEY to the kernel and has neither AEAD nor HMAC-SHA-2 there, so AES-CBC and 3DES with
HMAC-SHA-1 are all that it has. It begins when it starts, and rekeys by lifetime only.
"""


def row_of(case):
    return f"{case.auth}{case.also}", case.suite(), case.group


def told(text):
    """({(peer, row): cells}, {peer: version}) of a docs/interop.md."""
    rows, versions = {}, {}
    for section in text.split("\n## ")[1:]:
        lines = section.splitlines()
        for line in lines:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| ") and len(cells) == 3 + len(DEEDS) and cells[1] != "ESP":
                rows[lines[0], tuple(cells[:3])] = cells[3:]
            if line.startswith("Version "):
                versions[lines[0]] = line.removeprefix("Version ").removesuffix(".")
    return rows, versions


def table(results, before=""):
    """docs/interop.md from {case: {deed: outcome}}; what was not played now is as before, or "?"."""
    known, versions = told(before)
    for case, found in results.items():
        known[case.peer.name, row_of(case)] = [found[deed].split(":")[0] for deed in DEEDS]
        versions[case.peer.name] = found["version"]
    lines = [HEAD]
    for peer in PEERS:
        lines += [f"## {peer.name}", "", f"Version {versions.get(peer.name, '?')}.", "",
                  "| authentication | ESP | group | " + " | ".join(DEEDS) + " |", "|---|---|---|" + "---|" * len(DEEDS)]
        for case in (case for case in cases() if case.peer is peer):
            row = row_of(case)
            cells = known.get((peer.name, row), ["?"] * len(DEEDS))
            lines.append(f"| {' | '.join(row)} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def missing(text):
    """Rows of the matrix that a docs/interop.md does not tell of, and rows that it has too many."""
    wanted = {(case.peer.name, row_of(case)) for case in cases()}
    return [f"{peer}: {' '.join(row)}" for peer, row in sorted(wanted ^ set(told(text)[0]))]
