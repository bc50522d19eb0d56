"""The interop matrix at work: a bench on which one case follows the other, and the deeds that are its columns."""

import functools
import os
import re
from dataclasses import replace

from labkit import nat, pings, wait
from labkit import pki as authorities
from labkit.junos import Configuration
from labkit.strongswan import Mirror

import stories
from cases import AUTHS
from peers import IDS, StrongSwan, text_of

WAIT_S = 12
FAILED = "FAILED"
ABSENT = "-"


@functools.lru_cache(maxsize=None)
def key_of(kind, whose):
    """Keys that take their time are made once for all labs of a run. whose: only tells them apart."""
    return authorities.KEYS[kind]()


class Certificates:
    """A root and two end entities of one kind of key; with a chain, two authorities in between."""

    def __init__(self, folder, kind, chain):
        name = f"{kind}-chain" if chain else kind
        made = authorities.Pki(os.path.join(folder, f"pki-{name}"))
        self.made = made
        self.root = made.authority(f"root-{name}", key=key_of(kind, "root"))
        self.ours, self.theirs = (self.issue(kind, who, chain) for who in ("ours", "theirs"))

    def issue(self, kind, who, chain):
        """Authorities of its own in between: what the other end has it is not sent."""
        issuer = self.root
        for between in (f"upper-{who}", f"lower-{who}") if chain else ():
            issuer = self.made.authority(between, issuer=issuer, key=key_of(kind, between))
        return self.made.issue(who, issuer, key=key_of(kind, who), names=[f"dns:{IDS[who]}"])

    def install(self, state, name):
        """What our node has of it."""
        authorities.install(state, {name: self.root}, {name: self.ours})
        for between in self.ours.chain()[1:]:
            with open(os.path.join(state, "local", f"{name}.pem"), "a", encoding="ascii") as out:
                out.write(text_of(between.cert_file))


def configuration(first, case):
    """The lab's, with what the case wants."""
    text = first
    for old, new in case.edits:
        if old not in text:
            raise RuntimeError(f"the configuration has no {old}")
        text = text.replace(old, new, 1)
    cipher, integrity = case.esp
    esp = f"encryption-algorithm {cipher};" + (f"\n            authentication-algorithm {integrity};"
                                               if integrity else "")
    head, _, tail = text.partition("proposal ESP-GCM {")
    tail = re.sub(r"encryption-algorithm [\w-]+;(\s*authentication-algorithm [\w-]+;)?", esp, tail, count=1)
    text = re.sub(r"(dh-group|keys) group\d+;", rf"\1 {case.group};", head + "proposal ESP-GCM {" + tail)
    if case.auth == "psk":
        return text
    text = text.replace("pre-shared-keys", AUTHS[case.auth][0])
    text = re.sub(r'pre-shared-key ascii-text "[^"]*";', "certificate { local-certificate own; "
                  "trusted-ca { ca-profile own; } }", text)
    return text + ("security { pki { ca-profile own { ca-identity root; revocation-check { disable; } } } }\n")


class Bench:
    """A lab in which one case follows the other. Life: made in a lab that is up and a place, part() at the end."""

    def __init__(self, lab, place, guest=None):
        self.lab, self.node, self.place, self.guest = lab, lab.nodes[0], place, guest
        self.peer = self.mirror = None
        self.kinds = {}
        self.first = text_of(self.node.conf)

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
        if kind is StrongSwan:
            self.peer = kind(self.lab, self.place.scene)
        else:
            self.peer = kind(self.lab, self.place.scene, self.guest)
            self.peer.start()

    def part(self):
        if self.peer and not isinstance(self.peer, StrongSwan):
            self.peer.stop()
        self.peer = None

    def certificates(self, case):
        kind = AUTHS[case.auth][1], case.chain
        if kind not in self.kinds:
            os.chmod(self.lab.folder, 0o711)
            self.kinds[kind] = Certificates(self.lab.folder, *kind)
        self.kinds[kind].install(os.path.join(self.node.folder, "state", "pki"), "own")
        return self.kinds[kind]

    def reload(self, text):
        self.node.adopt(text)

    def adopt(self, case):
        """Both ends take it over without a restart; nothing of the last case is left."""
        if case.auth != "psk":
            case = replace(case, pki=self.certificates(case))
        text = configuration(self.first, case)
        self.reload(text)
        self.mirror = Mirror(Configuration(text), "PEER")
        if case.ids:
            self.mirror.remote_id, self.mirror.own_id = case.ids
        self.peer.load(case, self.mirror)
        return case

    def run(self, case):
        """{deed: "ok", "-" or what failed}."""
        self.meet(case.peer)
        case = self.adopt(case)
        try:
            if case.story:
                return {"outcome": self.outcome(lambda: getattr(stories, case.story)(self, case))}
            return {deed: self.deed(deed) for deed in case.deeds()}
        finally:
            self.forget()

    def deed(self, name):
        """needs: what the peer must have a command for."""
        rekeys = {"child rekey": self.esp, "IKE rekey": self.ike, "reauthentication": self.ike}
        what, _, who = name.partition(", ")
        needs = {"child rekey, them": "rekey_child", "IKE rekey, them": "rekey_ike", "they begin": "begin",
                 "reauthentication, them": "reauthenticate"}.get(name)
        if needs and needs not in self.peer.can or name == "new port" and not self.rebinds():
            return ABSENT
        ours = {"child rekey": ("ipsec", "rekey"), "IKE rekey": ("ike", "rekey"),
                "reauthentication": ("ike", "rekey", "reauthenticate")}
        acts = {"we begin": self.we_begin, "they begin": self.they_begin, "new port": self.new_port}
        act = acts.get(name) or (lambda: self.new(
            rekeys[what], (lambda: self.ours(*ours[what])) if who == "us" else getattr(self.peer, needs)))

        def whole():
            if name not in ("we begin", "they begin") and not self.ike():
                raise RuntimeError("there is no tunnel")
            act()
            self.ping(3)
        return self.outcome(whole)

    @staticmethod
    def outcome(act):
        """What a story returns is said beside its ok."""
        try:
            return act() or "ok"
        except (RuntimeError, wait.Timeout) as why:
            said = " / ".join(str(why).splitlines())
            return f"{FAILED}: {said[-300:]}"

    def ours(self, what, *words):
        self.node.tandem("request", "security", what, *words)

    def new(self, listed, act, n=1):
        """Afterwards there are as many as before, and one is another one."""
        before = listed()
        act()
        wait.until(lambda: (now := listed()) and len(now) == n and len(set(now) - set(before)) == 1,
                   WAIT_S, lambda: f"one new SA instead of {before}, there is {listed()}")

    def ping(self, count=1, to="10.2.0.1"):
        """From the network here to the peer's; RuntimeError when one gets lost."""
        argv = self.lab.argv_for("inside", pings.argv(to, count, seconds=1))
        answered = nat.received(argv)
        if answered != count:
            raise RuntimeError(f"{answered} of {count} pings to {to} answered")

    def crosses(self, to="10.2.0.1"):
        argv = self.lab.argv_for("inside", ["ping", "-c", "1", "-W", "0.4", to])
        return nat.received(argv) == 1

    def we_begin(self):
        """The first packet asks for the tunnel and is lost."""
        wait.until(self.crosses, WAIT_S, "a ping crosses the tunnel that it asked for")

    def they_begin(self):
        self.forget()
        self.peer.begin()
        wait.until(lambda: self.esp() and self.crosses(), WAIT_S, "the tunnel that they began is up")

    def rebinds(self):
        """Of two NATs neither end can follow the other (RFC 7296 2.23)."""
        return bool(self.place.near) != bool(self.place.far)

    def new_port(self):
        """The NAT forgets its mappings. Whoever is behind it sends first, and the other end follows."""
        box = self.place.near or self.place.far
        box.rebind()
        if self.place.far:
            wait.until(lambda: self.peer.answered(1), WAIT_S, "a ping of the peer is answered by its new port")
        else:
            wait.until(self.crosses, WAIT_S, "a ping of ours is answered by our new port")

    def forget(self):
        self.node.tandem("clear", "security", "ike", "security-associations")
        try:
            wait.until(lambda: not self.ike(), 3, "we have no SA")
        except wait.Timeout:
            pass
        self.peer.forget()
