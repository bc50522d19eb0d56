"""Hostile IKE_AUTH requests of a peer with certificates: (what, send, outcome). s is a CertSession."""

import os
import zlib

from cryptography.hazmat.primitives import hashes

import papers
import rows_fake
import wire
from outcome import CLOSES, FINE, refuses
from papers import HASH_AND_URL, PKCS7, X509, cert, der
from wire import P

FAILED = refuses("AUTHENTICATION_FAILED")
EITHER = refuses("INVALID_SYNTAX", "AUTHENTICATION_FAILED")


def auth(**changes):
    """changes may be functions of s."""
    def made(s):
        return s.sealed(wire.AUTH_X, s.auth_payloads(
            **{name: value(s) if callable(value) else value for name, value in changes.items()}))
    return made


def options(send, **more):
    send.options = more
    return send


def in_fragments(payloads, **more):
    return options(lambda s: s.fragments(wire.AUTH_X, payloads(s), **more), frag=True)


def of(name, *above):
    """Proves itself rightly with that certificate, and sends it with those above it."""
    def made(s):
        s.entity = getattr(s.papers, name)
        chain = [s.entity, *(getattr(s.papers, one) for one in above or ("sub",))]
        return s.sealed(wire.AUTH_X, s.auth_payloads(certs=[cert(der(e)) for e in chain]))
    return made


def certs(make):
    return auth(certs=lambda s: make(s.papers))


def first(octets, encoding=X509):
    """In place of its own certificate; octets: of the good one."""
    return certs(lambda p: [cert(octets(der(p.good)), encoding), cert(der(p.sub))])


def claims(algorithm, make):
    """A signature with another AlgorithmIdentifier than is right."""
    return auth(auth=lambda s: s.digital(algorithm, make(s)))


def ecdsa(make):
    return claims(papers.ECDSA_SHA256, make)


def method(number, make):
    return auth(auth=lambda s: wire.auth(number, make(s)))


def rsa(algorithm, digest=None, pss=False):
    def made(s):
        s.entity = s.papers.rsa
        return s.sealed(wire.AUTH_X, s.auth_payloads(
            auth=s.digital(algorithm, s.signature(digest=digest, pss=pss))))
    return made


replayed = {}


def replay(s):
    """The AUTH of another IKE SA of ours."""
    if "octets" not in replayed:
        other = type(s)(s.papers, s.port, local=s.local, remote=s.remote)
        other.init()
        replayed["octets"] = other.digital(papers.ECDSA_SHA256, other.signature())
    return replayed["octets"]


def raw(r, t):
    """An ECDSA-Sig-Value."""
    numbers = b"".join(b"\2" + bytes([len(n)]) + n for n in (r, t))
    return b"\x30" + bytes([len(numbers)]) + numbers


def small_certs(p):
    """A thousand of them."""
    return [cert(b"\x30\0")] * 1000


BOMB = b"\x30\x84\x7f\xff\xff\xff\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x84\x7f\xff\xff\xf0"
NESTED = b"\x30\x80" * 4000

def between(*payloads):
    """In place of the second key exchange."""
    return options(lambda s: s.sealed(wire.INTERMEDIATE, list(payloads)), further=True)


def value(octets, group=wire.P256):
    return P(wire.KE, wire.ke(group, octets))


FURTHER = [
    ("IKE_AUTH without it", options(auth(), further=True), CLOSES),
    ("nothing inside", between(), CLOSES),
    ("no KE, but another payload", between(P(wire.NONCE, os.urandom(32))), CLOSES),
    ("of the group before", between(value(bytes(32), wire.X25519)), CLOSES),
    ("of a group that nobody offered", between(value(bytes(256), wire.MODP2048)), CLOSES),
    ("a point off the curve", between(value(b"\7" * 64)), FAILED),
    ("a point of zeros", between(value(bytes(64))), FAILED),
    ("an octet short", between(value(os.urandom(63))), FAILED),
    ("of no octets", between(value(b"")), CLOSES),
    ("an AUTH beside it", between(value(b"\7" * 64), P(wire.AUTH, wire.auth(2, bytes(32)))), FAILED),
]

TABLE = {
    "a second key exchange": FURTHER,
    "what a certificate is": [
        ("no certificate", certs(lambda p: []), FAILED),
        ("an empty CERT", certs(lambda p: [P(wire.CERT, b"")]), EITHER),
        ("a certificate of no octets", first(lambda d: b""), FAILED),
        ("one octet", first(lambda d: d[:1]), FAILED),
        ("cut in the middle", first(lambda d: d[:len(d) // 2]), FAILED),
        ("cut by an octet", first(lambda d: d[:-1]), FAILED),
        ("an octet too long", first(lambda d: d + b"\0"), FAILED),
        ("garbage", first(lambda d: os.urandom(700)), FAILED),
        ("zeros", first(lambda d: bytes(700)), FAILED),
        ("a length of 4 GB", first(lambda d: b"\x30\x84\xff\xff\xff\xff" + d[4:]), FAILED),
        ("a thousand sequences in one another", in_fragments(lambda s: s.auth_payloads(
            certs=[cert(NESTED[:6000])])), FAILED),
        ("a turned bit in its signature", first(lambda d: d[:-3] + bytes([d[-3] ^ 1]) + d[-2:]), FAILED),
        ("a turned bit in its key", first(lambda d: d.replace(d[200:220], bytes(20))), FAILED),
        ("a PEM instead", first(lambda d: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), FAILED),
        ("a name with NUL and line's end in the CERT", first(lambda d: b"\0\n\x1b[2J%s%n" * 20), FAILED),
    ],
    "how many and how large": [
        ("a thousand", in_fragments(lambda s: s.auth_payloads(certs=small_certs(s.papers))), EITHER),
        ("forty good ones behind the first",
         in_fragments(lambda s: s.auth_payloads(certs=[cert(der(s.papers.good))] + [cert(der(s.papers.sub))] * 40)),
         EITHER),
        ("twelve good ones behind the first",
         in_fragments(lambda s: s.auth_payloads(certs=[cert(der(s.papers.good))] + [cert(der(s.papers.sub))] * 12)),
         refuses("AUTHENTICATION_FAILED", "INVALID_SYNTAX")),
        ("one of 17 KB", in_fragments(lambda s: s.auth_payloads(certs=[cert(der(s.papers.huge))])), FAILED),
        ("garbage of 30 KB", in_fragments(lambda s: s.auth_payloads(certs=[cert(os.urandom(30000))])), FAILED),
        ("the same with its last fragment missing, then the good one",
         options(lambda s: s.fragments(wire.AUTH_X, s.auth_payloads(certs=[cert(os.urandom(20000))]), most=16) +
                 [s.sealed(wire.AUTH_X, s.auth_payloads())], frag=True), FINE),
        ("six times its own", certs(lambda p: [cert(der(p.good))] * 2 + [cert(der(p.sub))]), FINE),
    ],
    "kinds of CERT": [
        ("hash and URL", certs(lambda p: [cert(bytes(20) + b"http://192.0.2.4/x", HASH_AND_URL)]), FAILED),
        ("hash and URL of 3000 octets", in_fragments(lambda s: s.auth_payloads(
            certs=[cert(bytes(20) + b"http://" + b"a" * 3000, HASH_AND_URL)])), FAILED),
        ("a bundle of hash and URL", certs(lambda p: [cert(bytes(20) + b"file:///etc/shadow", 13)]), FAILED),
        ("PKCS#7 of garbage", first(lambda d: os.urandom(300), PKCS7), FAILED),
        ("PKCS#7 that says 2 GB", first(lambda d: BOMB, PKCS7), FAILED),
        ("PKCS#7 that is compressed", first(lambda d: zlib.compress(bytes(100000)), PKCS7), FAILED),
        ("X.509 said to be PKCS#7", first(lambda d: d, PKCS7), FAILED),
        ("a raw public key", first(lambda d: d, 11), FAILED),
        ("a revocation list", first(lambda d: d, 7), FAILED),
        ("encoding 0", first(lambda d: d, 0), FAILED),
        ("encoding 255", first(lambda d: d, 255), FAILED),
    ],
    "chains": [
        ("of a stranger", of("stranger", "other"), FAILED),
        ("of a stranger, without its root", of("stranger", "sub"), FAILED),
        ("without the one between", of("good", "good"), FAILED),
        ("in a circle", certs(lambda p: [cert(der(e)) for e in (p.lost, *p.loop)]), FAILED),
        ("longer than a path may be", of("below", "deep", "sub"), FAILED),
        ("certified by no CA", of("by_leaf", "good", "sub"), FAILED),
        ("two ends, its own first", certs(lambda p: [cert(der(e)) for e in (p.good, p.somebody, p.sub)]), FINE),
        ("two ends, another first", certs(lambda p: [cert(der(e)) for e in (p.somebody, p.good, p.sub)]), FAILED),
        ("the CA as the end", certs(lambda p: [cert(der(p.sub))]), FAILED),
    ],
    "what a certificate says": [
        ("it has expired", of("expired"), FAILED),
        ("it is not valid yet", of("early"), FAILED),
        ("somebody else's name", of("somebody"), FAILED),
        ("no name", of("nameless"), FAILED),
        ("a name with an asterisk", of("wild"), FAILED),
        ("RSA of 1024 bits", options(lambda s: weak(s, "small")), FAILED),
        ("signed with SHA-1", of("sha1"), FAILED),
        ("for web servers", of("web"), FAILED),
        ("not for signatures", of("no_use"), FAILED),
        ("a critical extension that nobody knows", of("critical"), FAILED),
        ("another ID than it names", auth(idi=wire.ident(2, b"somebody.example")), FAILED),
        ("a DN that is its subject, where a name is wanted",
         auth(idi=lambda s: wire.ident(9, s.papers.good.certificate.subject.public_bytes())), FAILED),
        ("a DN of garbage", auth(idi=wire.ident(9, b"\x30\x84\xff\xff\xff\xff")), FAILED),
    ],
    "signatures": [
        ("of another key", ecdsa(lambda s: s.signature(s.papers.somebody)), FAILED),
        ("of our CA's key", ecdsa(lambda s: s.signature(s.papers.sub)), FAILED),
        ("of another IKE SA", auth(auth=replay), FAILED),
        ("over the other's message", ecdsa(lambda s: s.signature(octets=s.peer_init + s.nonce)), FAILED),
        ("over nothing", ecdsa(lambda s: s.signature(octets=b"")), FAILED),
        ("over another ID", ecdsa(lambda s: s.signature(octets=s.covered(wire.ident(2, b"x")))), FAILED),
        ("of no octets", ecdsa(lambda s: b""), FAILED),
        ("of garbage", ecdsa(lambda s: os.urandom(70)), FAILED),
        ("of 3000 octets", in_fragments(lambda s: s.auth_payloads(
            auth=s.digital(papers.ECDSA_SHA256, bytes(3000)))), FAILED),
        ("of zeros", ecdsa(lambda s: raw(b"\0", b"\0")), FAILED),
        ("of numbers beyond the order", ecdsa(lambda s: raw(b"\0" + b"\xff" * 32, b"\0" + b"\xff" * 32)), FAILED),
        ("of negative numbers", ecdsa(lambda s: raw(b"\xff" * 32, b"\xff" * 32)), FAILED),
        ("with octets behind it", ecdsa(lambda s: s.signature() + b"\0"), FAILED),
        ("as two numbers without DER", ecdsa(lambda s: bytes(64)), FAILED),
    ],
    "AlgorithmIdentifiers": [
        ("RSA, with a key of ECDSA", claims(papers.RSA_SHA256, lambda s: s.signature()), FAILED),
        ("Ed25519, with a key of ECDSA", claims(papers.ED25519, lambda s: s.signature()), FAILED),
        ("ECDSA, with a key of RSA", rsa(papers.ECDSA_SHA256), FAILED),
        ("MD5 with RSA", rsa(papers.RSA_MD5, hashes.MD5()), FAILED),
        ("PSS without parameters", rsa(papers.PSS, pss=True), FAILED),
        ("SHA-512, signed with SHA-256", claims(papers.ECDSA_SHA512, lambda s: s.signature()), FAILED),
        ("SHA-1, that nobody announced",
         claims(papers.ECDSA_SHA1, lambda s: s.signature(digest=hashes.SHA1())), FAILED),
        ("one that nobody knows", claims(papers.UNKNOWN, lambda s: s.signature()), FAILED),
        ("of no octets", claims(b"", lambda s: s.signature()), FAILED),
        ("of zeros", claims(bytes(12), lambda s: s.signature()), FAILED),
        ("cut", claims(papers.ECDSA_SHA256[:-1], lambda s: s.signature()), FAILED),
        ("longer than all there is", auth(auth=lambda s: wire.auth(14, b"\xff" + papers.ECDSA_SHA256)), FAILED),
        ("with NULL behind the OID",
         claims(b"\x30\x0c" + papers.ECDSA_SHA256[2:] + b"\5\0", lambda s: s.signature()), refuses("AUTHENTICATION_FAILED")),
        ("an AUTH of its method alone", auth(auth=lambda s: b"\x0e\0\0\0"), FAILED),
        ("nothing announced by us, and signed all the same",
         options(auth(), announce=None), FINE),
        ("only SHA-1 announced by us", options(auth(), announce=(papers.SHA1,)), FINE),  # then as RFC 4754
        ("hashes that are an odd number of octets", options(auth(), announce=(papers.SHA256, 300 & 255)), FINE),
    ],
    "other methods": [
        ("RSA (1), with a key of ECDSA", method(1, lambda s: s.signature()), FAILED),
        ("DSS (3)", method(3, lambda s: s.signature()), FAILED),
        ("ECDSA-384 (10), with a key of P-256", method(10, lambda s: bytes(96)), FAILED),
        ("ECDSA-256 (9), of zeros", method(9, lambda s: bytes(64)), FAILED),
        ("a shared key (2)", method(2, lambda s: bytes(32)), FAILED),
        ("nobody (13)", method(13, lambda s: b""), FAILED),
        ("255", method(255, lambda s: s.signature()), FAILED),
    ],
    "CERTREQ": [
        ("a CA that nobody knows", auth(more=[P(wire.CERTREQ, b"\4" + os.urandom(20))]), FINE),
        ("of 19 octets", auth(more=[P(wire.CERTREQ, b"\4" + bytes(19))]), FINE),
        ("of no octets", auth(more=[P(wire.CERTREQ, b"")]), FINE),
        ("200 CAs", in_fragments(lambda s: s.auth_payloads(more=[P(wire.CERTREQ, b"\4" + os.urandom(4000))])), FINE),
        ("encoding 255", auth(more=[P(wire.CERTREQ, b"\xff" + bytes(20))]), FINE),
    ],
}


# --- when tandemd has asked; f is a CertFake


def answered(**changes):
    """changes may be functions of f."""
    return lambda f: f.answer(wire.AUTH_X, f.auth_payloads(
        **{name: value(f) if callable(value) else value for name, value in changes.items()}))


def as_one(name, *above):
    def made(f):
        f.s.entity = getattr(f.papers, name)
        return f.answer(wire.AUTH_X, f.auth_payloads(
            certs=[cert(der(getattr(f.papers, one))) for one in (name, *(above or ("sub",)))]))
    return made


def signed(algorithm, make):
    return answered(auth=lambda f: f.s.digital(algorithm, make(f.s)))


def reflected(f):
    """Its own certificate, ID and AUTH."""
    return f.answer(wire.AUTH_X, f.auth_payloads(
        idr=wire.find(f.asked, wire.IDI), auth=wire.find(f.asked, wire.AUTH),
        certs=[p for p in f.asked if p.type == wire.CERT]))


def good_first(*made):
    return answered(certs=lambda f: [cert(der(getattr(f.papers, one))) for one in made])


CALLED = [
    ("no certificate", answered(certs=[]), rows_fake.CLOSES),
    ("an empty CERT", answered(certs=[P(wire.CERT, b"")]), rows_fake.CLOSES),
    ("garbage", answered(certs=[cert(os.urandom(700))]), rows_fake.CLOSES),
    ("cut by an octet", answered(certs=lambda f: [cert(der(f.papers.good)[:-1])]), rows_fake.CLOSES),
    ("sequences in one another", answered(certs=[cert(b"\x30\x80" * 500)]), rows_fake.CLOSES),
    ("hash and URL", answered(certs=[cert(bytes(20) + b"http://192.0.2.4/", HASH_AND_URL)]), rows_fake.CLOSES),
    ("PKCS#7 that says 2 GB", answered(certs=[cert(BOMB, PKCS7)]), rows_fake.CLOSES),
    ("two ends, another first", good_first("somebody", "good", "sub"), rows_fake.CLOSES),
    ("without the one between", good_first("good"), rows_fake.CLOSES),
    ("of a stranger", as_one("stranger", "other"), rows_fake.CLOSES),
    ("expired", as_one("expired"), rows_fake.CLOSES),
    ("somebody else's name", as_one("somebody"), rows_fake.CLOSES),
    ("another ID than it names", answered(idr=wire.ident(2, b"tandem.example")), rows_fake.CLOSES),
    ("its own, reflected", reflected, rows_fake.CLOSES),
    ("signed by another key", signed(papers.ECDSA_SHA256, lambda s: s.signature(s.papers.somebody)),
     rows_fake.CLOSES),
    ("signed over its own message", signed(papers.ECDSA_SHA256, lambda s: s.signature(
        octets=s.peer_init + s.nonce)), rows_fake.CLOSES),
    ("RSA, with a key of ECDSA", signed(papers.RSA_SHA256, lambda s: s.signature()), rows_fake.CLOSES),
    ("SHA-1", signed(papers.ECDSA_SHA1, lambda s: s.signature(digest=hashes.SHA1())), rows_fake.CLOSES),
    ("an AlgorithmIdentifier that nobody knows", signed(papers.UNKNOWN, lambda s: s.signature()), rows_fake.CLOSES),
    ("an AUTH of its method alone", answered(auth=b"\x0e\0\0\0"), rows_fake.CLOSES),
    ("a shared key", answered(auth=wire.auth(2, bytes(32))), rows_fake.CLOSES),
    ("nobody", answered(auth=wire.auth(13, b"")), rows_fake.CLOSES),
    ("no AUTH", answered(without=(wire.AUTH,)), rows_fake.GIVES_UP),
    ("a good one", answered(), rows_fake.STANDS),
]


def weak(s, name):
    s.entity = getattr(s.papers, name)
    return s.sealed(wire.AUTH_X, s.auth_payloads(certs=[cert(der(s.entity)), cert(der(s.papers.sub))],
                                                 auth=s.digital(papers.RSA_SHA256, s.signature())))
