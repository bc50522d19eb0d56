"""The rows of the interop matrix: what is tried with which peer.

A Case is a row; the table it is in (`section`) and its first cells (`label`) name it. Its deeds are the columns."""

from dataclasses import dataclass

from libreswan import Libreswan
from openiked import OpenIked
from peers import KernelStrongSwan, StrongSwan

ESP = (("aes-128-gcm", None), ("aes-256-gcm", None), ("aes-128-cbc", "hmac-sha1-96"),
       ("aes-128-cbc", "hmac-sha-256-128"), ("aes-192-cbc", "hmac-sha-256-128"), ("aes-256-cbc", "hmac-sha-256-128"),
       ("aes-256-cbc", "hmac-sha-384"), ("aes-256-cbc", "hmac-sha-512"), ("3des-cbc", "hmac-sha1-96"),
       ("chacha20-poly1305", None))
GROUPS = ("group14", "group15", "group16", "group19", "group20", "group21")
# name: (our authentication-method, the kind of key)
AUTHS = {"rsa-2048": ("rsa-signatures", "rsa-2048"), "rsa-2048, PSS": ("digital-signature", "rsa-2048"),
         "rsa-2048, RFC 7427": ("rsa-signatures", "rsa-2048"), "rsa-4096": ("digital-signature", "rsa-4096"),
         "ecdsa-256": ("ecdsa-signatures-256", "ecdsa-256"), "ecdsa-384": ("ecdsa-signatures-384", "ecdsa-384"),
         "ecdsa-256, RFC 7427": ("ecdsa-signatures-256", "ecdsa-256"),
         "ecdsa-521": ("ecdsa-signatures-521", "ecdsa-521"), "ed25519": ("digital-signature", "ed25519"),
         "ed448": ("digital-signature", "ed448")}
DEEDS = ("we begin", "child rekey, us", "child rekey, them", "IKE rekey, us", "IKE rekey, them",
         "reauthentication, us", "reauthentication, them", "they begin")
PEERS = (StrongSwan, KernelStrongSwan, Libreswan, OpenIked)
STRONGSWANS = (StrongSwan, KernelStrongSwan)
NATS, LARGE, MORE, STORIES = "NAT between", "Large messages", "More settings", "Stories"
WHERE = {"far NAT": "the peer", "near NAT": "we", "two NATs": "both"}
# title: (names of the first cells, deeds)
SECTIONS = {**{peer.name: (("authentication", "ESP", "group"), DEEDS) for peer in PEERS},
            NATS: (("peer", "behind a NAT"), DEEDS + ("new port",)),
            LARGE: (("peer", "what"), DEEDS),
            MORE: (("peer", "what"), DEEDS),
            STORIES: (("peer", "story"), ("outcome",))}


@dataclass(frozen=True)
class Case:
    """changes: of the peer's connection, in its words; edits: of our configuration, (old, new) once each; story: the
    name of a function of stories.py instead of the deeds; ids: ours and the peer's, when the peer is to write them in
    another way than we do."""
    peer: type
    section: str
    label: tuple
    auth: str = "psk"
    esp: tuple = ESP[0]
    group: str = "group31"
    pfs: bool = True
    scene: str = "direct"
    changes: tuple = ()
    edits: tuple = ()
    chain: bool = False
    ids: tuple = ()
    story: str = ""
    pki: object = None

    def name(self):
        return f"{self.section}: {', '.join(self.label)}"

    def deeds(self):
        return SECTIONS[self.section][1]


def has(peer, esp):
    return esp[0] in peer.ciphers and (not esp[1] or esp[1] in peer.hashes)


def first_of(peer):
    return next(esp for esp in ESP if has(peer, esp))


def suite(esp):
    return esp[0] + (f" + {esp[1]}" if esp[1] else "")


def plain(peer, auth="psk", esp=None, group="group31", also="", **more):
    esp = esp or first_of(peer)
    return Case(peer, peer.name, (auth + also, suite(esp), group), auth=auth, esp=esp, group=group, **more)


def suites(peer):
    """Every ESP suite, group and kind of key that both have."""
    yield from (plain(peer, esp=esp) for esp in ESP if has(peer, esp))
    yield from (plain(peer, group=group) for group in GROUPS if group in peer.groups)
    yield from (plain(peer, auth) for auth in peer.auths if auth != "psk")
    if peer in STRONGSWANS:
        yield plain(peer, also=", no fragments", changes=(("fragmentation", "no"),))
        yield plain(peer, also=", ESP in UDP", changes=(("encap", "yes"),))


def nats():
    for peer in PEERS:
        for scene, who in WHERE.items():
            yield Case(peer, NATS, (peer.name, who), esp=first_of(peer), scene=scene)


OFF = {StrongSwan: ("fragmentation", "no"), KernelStrongSwan: ("fragmentation", "no"),
       Libreswan: ("fragmentation", "no"), OpenIked: ("no fragments", "")}


def large():
    """Three RSA-4096 certificates each: IKE_AUTH has more than 5000 octets."""
    for peer in PEERS:
        big = {"auth": "rsa-4096", "chain": True, "esp": first_of(peer)}
        yield Case(peer, LARGE, (peer.name, "3 RSA-4096 certificates, 1280 octets on the way"), scene="narrow", **big)
        yield Case(peer, LARGE, (peer.name, "3 RSA-4096 certificates, the peer has fragmentation off"),
                   changes=(OFF[peer],), **big)


def ids(kind, ours, theirs):
    return (("hostname tandem.example", f"{kind} {ours}"), ("hostname peer.example", f"{kind} {theirs}"))


PPK = (("pre-shared-key ascii-text", "ppk { id blue; ascii-text a-key-of-post-quantum-times; required; }\n"
        "            pre-shared-key ascii-text"),)
SUBJECTS = ("O=Tandem Lab, CN=ours", "O=Tandem Lab, CN=theirs")
BY_SUBJECT = (("hostname tandem.example;", "distinguished-name;"),
              ("hostname peer.example;", f'distinguished-name {{ exact-match "{SUBJECTS[1]}"; }}'))
TWO_LANS = (("traffic-selector LAN {", "traffic-selector LAN2 { local-ip 10.1.0.0/24; remote-ip 10.3.0.0/24; }\n"
             "            traffic-selector LAN {"),)


def more():
    for peer in STRONGSWANS:
        yield Case(peer, MORE, (peer.name, "e-mail addresses as identities"),
                   edits=ids("user-at-hostname", "tandem@vpn.example", "peer@vpn.example"))
        yield Case(peer, MORE, (peer.name, "addresses as identities"), edits=ids("inet", "192.0.2.1", "192.0.2.2"))
        yield Case(peer, MORE, (peer.name, "subjects of certificates as identities"), auth="ecdsa-256",
                   edits=BY_SUBJECT, ids=SUBJECTS)
        yield Case(peer, MORE, (peer.name, "post-quantum pre-shared key, required"), edits=PPK,
                   changes=(("ppk_required", "yes"),))
        yield Case(peer, MORE, (peer.name, "IPv4 in IPv6"), scene="IPv6")
    yield Case(Libreswan, MORE, (Libreswan.name, "IPv4 in IPv6"), scene="IPv6")
    yield Case(Libreswan, MORE, (Libreswan.name, "e-mail addresses as identities"),
               edits=ids("user-at-hostname", "tandem@vpn.example", "peer@vpn.example"))
    yield Case(OpenIked, MORE, (OpenIked.name, "e-mail addresses as identities"), esp=first_of(OpenIked),
               edits=ids("user-at-hostname", "tandem@vpn.example", "peer@vpn.example"))
    yield Case(OpenIked, MORE, (OpenIked.name, "IPv4 in IPv6"), esp=first_of(OpenIked), scene="IPv6")


def stories():
    def one(peer, label, story, **more):
        return Case(peer, STORIES, (peer.name, label), esp=first_of(peer), story=story, **more)
    for peer in STRONGSWANS:
        yield one(peer, "two children of one IKE SA, each rekeyed by either side", "two_children", edits=TWO_LANS)
        yield one(peer, "IKE SA without a child first (RFC 6023)", "childless", changes=(("childless", "force"),))
        yield one(peer, "the peer moves to another address (MOBIKE)", "moves",
                  edits=(("version v2-only;", "mobike enable; version v2-only;"),),
                  changes=(("mobike", "yes"), ("local_addrs", "%any")))
        yield one(peer, "the peer dies, DPD finds out, it returns", "dies_and_returns",
                  edits=(("version v2-only;", "dead-peer-detection { always-send; interval 2; threshold 1; } "
                          "version v2-only;"),))
        yield one(peer, "the peer reauthenticates, make before break", "make_before_break")
        yield one(peer, "the peer reauthenticates, break before make", "break_before_make")
        yield one(peer, "the peer's certificate is revoked", "revoked", auth="ecdsa-256")
    yield one(Libreswan, "two children of one IKE SA, each rekeyed by either side", "two_children", edits=TWO_LANS)
    yield one(Libreswan, "the peer dies, DPD finds out, it returns", "dies_and_returns",
              edits=(("version v2-only;", "dead-peer-detection { always-send; interval 2; threshold 1; } "
                      "version v2-only;"),))
    yield one(OpenIked, "the peer rekeys child and IKE SA by lifetime", "by_lifetime",
              changes=(("lifetimes", "ikelifetime 12 lifetime 5"),))


def cases():
    """Every row, table by table."""
    for peer in PEERS:
        yield from suites(peer)
    for section in (nats, large, more, stories):
        yield from section()


def short():
    """The slice that tests/run has time for: each peer with a shared key, strongSwan with certificates too."""
    for peer in PEERS:
        yield plain(peer)
    yield plain(StrongSwan, "ecdsa-256")
