"""Hostile IKE_AUTH requests, and what else may come before one: (what, send, outcome). s has its keys."""

import os
import struct

import wire
from outcome import CLOSES, FINE, dropped, refuses, says
from wire import P

FAILED = refuses("AUTHENTICATION_FAILED")
EITHER = refuses("INVALID_SYNTAX", "AUTHENTICATION_FAILED")
FORGED = dropped("rx_integrity")
BAD = dropped("rx_malformed")


def auth(exchange=wire.AUTH_X, seal=None, **changes):
    """IKE_AUTH with changed payloads, in a changed envelope."""
    return lambda s: s.sealed(exchange, s.auth_payloads(**changes), **(seal or {}))


def sealed(**seal):
    return auth(seal=seal)


def header(**changes):
    return auth(seal={"header": changes})


def spoilt(at):
    """One bit of an octet is turned after it was sealed."""
    return auth(seal={"flip": at})


def inner(first, octets):
    return lambda s: s.sealed(wire.AUTH_X, (first, octets))


def method(number, data=None):
    return lambda s: s.sealed(wire.AUTH_X, s.auth_payloads(
        auth=wire.auth(number, s.auth_data() if data is None else data)))


def mac(change):
    return lambda s: s.sealed(wire.AUTH_X, s.auth_payloads(auth=wire.auth(2, change(s.auth_data()))))


def idi(kind, octets):
    """Another identity, with an AUTH that is right for it."""
    return auth(idi=wire.ident(kind, octets))


def reflected(s):
    """What we would have got: sealed with the key of the other direction."""
    s.keys.out, s.keys.into = s.keys.into, s.keys.out
    octets = s.sealed(wire.AUTH_X, s.auth_payloads())
    s.keys.out, s.keys.into = s.keys.into, s.keys.out
    return octets


def ts(tsi=None, tsr=None):
    return auth(tsi=tsi, tsr=tsr)


def child(*transforms, spi=b"abcd", **changes):
    return auth(sa=wire.proposal(wire.ESP, spi, list(transforms), **changes))


def other_key(s):
    s.psk = b"another key"
    octets = s.sealed(wire.AUTH_X, s.auth_payloads())
    return octets


def in_clear(s):
    return wire.message(s.header(wire.AUTH_X), s.auth_payloads())


def fragment(number, total, octets=60, times=1, forge=True):
    """Pieces of an IKE_AUTH that can never be whole; forge: not even sealed."""
    def made(s):
        if forge:
            body = struct.pack(">HH", number, total) + os.urandom(octets)
            one = [wire.message(s.header(wire.AUTH_X), [P(wire.SKF, body, following=wire.IDI)])]
        else:
            one = [s.sealed(wire.AUTH_X, (wire.IDI, os.urandom(octets)), skf=(number, total))]
        return one * times
    return made


def fragments(*numbers, total):
    """Sealed pieces with these numbers."""
    return lambda s: [s.sealed(wire.AUTH_X, (wire.IDI if k == 1 else 0, os.urandom(40)), skf=(k, total))
                      for k in numbers]


ANY = wire.selector("0.0.0.0", "255.255.255.255")
GOOD = wire.esp_transforms()

TABLE = {
    "envelope": [
        ("in clear", in_clear, dropped()),
        ("an envelope of nothing", lambda s: wire.message(s.header(wire.AUTH_X), [P(wire.SK)]), FORGED),
        ("an envelope of three octets",
         lambda s: wire.message(s.header(wire.AUTH_X), [P(wire.SK, b"abc", following=wire.IDI)]), FORGED),
        ("an IV and a tag, nothing between",
         lambda s: wire.message(s.header(wire.AUTH_X), [P(wire.SK, bytes(24), following=wire.IDI)]), FORGED),
        ("a turned bit of the IV", spoilt(33), FORGED),
        ("a turned bit of the text", spoilt(60), FORGED),
        ("a turned bit of the tag", spoilt(-1), FORGED),
        ("another first payload than was sealed", spoilt(28), FORGED),
        ("another message ID than was sealed", spoilt(23), dropped("rx_window")),
        ("another envelope than was sealed", spoilt(16), dropped()),
        ("one octet is missing", sealed(cut=1), FORGED),
        ("four octets behind it", sealed(extra=b"abcd"), BAD),
        ("sealed with the key of the other side", reflected, FORGED),
        ("padding longer than the text", sealed(pad=b"\xff"), CLOSES),
        ("padding of 255 octets", sealed(pad=os.urandom(255) + b"\xff"), FINE),
        ("nothing inside", inner(0, b""), CLOSES),
        ("an envelope in the envelope", inner(wire.SK, wire.chain([P(wire.SK, b"x" * 40)])[1]), CLOSES),
        ("a fragment in the envelope", inner(wire.SKF, wire.chain([P(wire.SKF, b"x" * 40)])[1]), CLOSES),
        ("inside, a length of three", inner(wire.IDI, b"\0\0\0\3"), CLOSES),
        ("inside, a length of 65535", inner(wire.IDI, b"\0\0\xff\xff\1\0\0\0"), CLOSES),
        ("inside, octets behind the end", inner(0, b"abcd"), CLOSES),
        ("inside, unknown and critical", auth(more=[P(200, b"abcd", wire.CRITICAL)]),
         refuses("UNSUPPORTED_CRITICAL_PAYLOAD")),
        ("inside, unknown", auth(more=[P(200, b"abcd")]), FINE),
        ("inside, 200 vendor IDs", auth(more=[P(wire.VENDOR, b"abcd")] * 200), CLOSES),
    ],
    "order": [
        ("message ID 0", sealed(mid=0), dropped("rx_window")),
        ("message ID 2", sealed(mid=2), dropped("rx_window")),
        ("message ID 2^32 - 1", sealed(mid=2**32 - 1), dropped("rx_window")),
        ("as an answer", sealed(answer=True), dropped("rx_window")),
        ("as if of the responder", header(flags=0), dropped("rx_unknown_spi")),
        ("another initiator's SPI", header(spi_i=b"\1" * 8), dropped("rx_unknown_spi")),
        ("another responder's SPI", header(spi_r=b"\1" * 8), dropped("rx_unknown_spi")),
        ("version 3", header(version=0x30), dropped("rx_version")),
        ("version 2.15", header(version=0x2F), FINE),
        ("INFORMATIONAL before IKE_AUTH", lambda s: s.sealed(wire.INFO, []), dropped("rx_unexpected")),
        ("delete of the IKE SA before IKE_AUTH",
         lambda s: s.sealed(wire.INFO, [P(wire.DELETE, wire.delete(wire.IKE))]), dropped("rx_unexpected")),
        ("CREATE_CHILD_SA before IKE_AUTH", auth(wire.CHILD), dropped("rx_unexpected")),
        ("IKE_INTERMEDIATE that nobody agreed on", auth(wire.INTERMEDIATE), CLOSES),
        ("exchange 200", auth(200), dropped("rx_unexpected")),
        ("IKE_SA_INIT with its SPI", lambda s: wire.message(s.header(wire.INIT, mid=0), s.init_payloads()),
         dropped("rx_unexpected")),
    ],
    "fragments": [
        ("number 0 of 3", fragment(0, 3), dropped()),
        ("number 1 of 0", fragment(1, 0), dropped()),
        ("number 4 of 3", fragment(4, 3), dropped()),
        ("number 65535 of 65535, forged", fragment(65535, 65535), dropped()),
        ("number 1 of 2, forged, ten times", fragment(1, 2, times=10), dropped()),
        ("number 1 of 2, forged, of 8000 octets", fragment(1, 2, octets=8000), dropped()),
        ("number 1 of 2, of no octets", fragment(1, 2, octets=0), dropped()),
        ("number 1 of 65535, sealed", fragment(1, 65535, forge=False), dropped()),
        ("number 1 of 2, sealed, nothing more", fragment(1, 2, forge=False), dropped()),
        ("the same number with other octets", fragments(1, 1, 1, total=3), dropped()),
        ("the total shrinks", lambda s: fragments(1, total=5)(s) + fragments(2, total=3)(s), dropped()),
        ("100 of 200", fragments(*range(1, 101), total=200), dropped()),
    ],
    "identity": [
        ("no IDi", auth(without=(wire.IDI,)), CLOSES),
        ("an ID of three octets", auth(idi=b"\1\0\0"), CLOSES),
        ("type 0", idi(0, b"abcd"), FAILED),
        ("type 200", idi(200, b"abcd"), FAILED),
        ("an address of three octets", idi(1, b"\xc0\0\2"), EITHER),
        ("an address of no octets", idi(1, b""), EITHER),
        ("an address of somebody else", idi(1, b"\xc0\0\2\3"), FAILED),
        ("an IPv6 address", idi(5, bytes(16)), FAILED),
        ("a name", idi(2, b"peer.example"), FAILED),
        ("a name of 1000 octets", idi(2, b"a" * 1000), EITHER),
        ("a name with a NUL and a line's end", idi(2, b"a\0b\n\x1b[2J%s%n"), EITHER),
        ("a DN of garbage", idi(9, b"\x30\x84\xff\xff\xff\xff"), FAILED),
        ("a null ID", idi(13, b""), FAILED),
        ("another IDr than ours", auth(more=[P(wire.IDR, wire.ident(2, b"who.example"))]), FINE),
        ("an IDr of two octets", auth(more=[P(wire.IDR, b"\1\0")]), CLOSES),
    ],
    "authentication": [
        ("no AUTH", auth(without=(wire.AUTH,)), CLOSES),
        ("an AUTH of three octets", auth(auth=b"\2\0\0"), EITHER),
        ("method 0", method(0), FAILED),
        ("method 1, RSA, without a certificate", method(1), FAILED),
        ("method 3, DSS", method(3), FAILED),
        ("method 9, ECDSA", method(9), FAILED),
        ("method 13, nobody", method(13), FAILED),
        ("method 14, any signature", method(14), FAILED),
        ("method 14, an algorithm longer than all", method(14, b"\xff" + bytes(40)), FAILED),
        ("method 255", method(255), FAILED),
        ("another key", other_key, FAILED),
        ("no octets", mac(lambda m: b""), FAILED),
        ("one octet short", mac(lambda m: m[:-1]), FAILED),
        ("one octet long", mac(lambda m: m + b"\0"), FAILED),
        ("zeros", mac(lambda m: bytes(len(m))), FAILED),
        ("a turned bit", mac(lambda m: m[:-1] + bytes([m[-1] ^ 1])), FAILED),
        ("1000 octets", mac(lambda m: m * 32), FAILED),
        ("over another ID than it names",
         lambda s: s.sealed(wire.AUTH_X, s.auth_payloads(auth=wire.auth(2, s.auth_data(wire.ident(2, b"x"))))),
         FAILED),
        ("over another IKE_SA_INIT", lambda s: s.sealed(wire.AUTH_X, s.auth_payloads(auth=wire.auth(
            2, s.keys.psk_auth(s.psk, True, s.peer_init, s.peer_nonce, s.own_id)))), FAILED),
        ("an EAP payload instead", lambda s: s.sealed(wire.AUTH_X, s.auth_payloads(
            without=(wire.AUTH,), more=[P(wire.EAP, b"\2\0\0\4")])), CLOSES),
        ("certificates of garbage beside a good AUTH",
         auth(more=[P(wire.CERT, b"\4" + os.urandom(900)), P(wire.CERTREQ, b"\4" + os.urandom(20))]), FINE),
        ("compression offered", auth(more=[P(wire.NOTIFY, wire.notify("IPCOMP_SUPPORTED", b"\0\1\2"))]), FINE),
        ("a configuration request", auth(more=[P(wire.CP, b"\1\0\0\0\0\1\0\0")]), FINE),
    ],
    "the first child": [
        ("no TSi", auth(without=(wire.TSI,)), CLOSES),
        ("no TSr", auth(without=(wire.TSR,)), CLOSES),
        ("0 selectors", ts(tsi=wire.selectors()), CLOSES),
        ("it counts 255 selectors", ts(tsi=wire.selectors(ANY, count=255)), CLOSES),
        ("70 selectors", ts(tsi=wire.selectors(*[ANY] * 70)), CLOSES),
        ("a range that runs backwards", ts(tsi=wire.selectors(wire.selector("10.2.0.9", "10.2.0.1"))), CLOSES),
        ("ports that run backwards",
         ts(tsi=wire.selectors(wire.selector("10.2.0.1", "10.2.0.9", ports=(99, 1)))), CLOSES),
        ("IPv4 and IPv6 mixed",
         ts(tsi=wire.selectors(wire.selector(bytes(16), b"\xff" * 16, 8))), says("TS_UNACCEPTABLE")),
        ("IPv4 of 16 octets", ts(tsi=wire.selectors(wire.selector(bytes(16), b"\xff" * 16))), CLOSES),
        ("a selector of length three", ts(tsr=wire.selectors(ANY[:2] + b"\0\3" + ANY[4:])), CLOSES),
        ("selectors of an unknown type only",
         ts(tsr=wire.selectors(wire.selector(b"abcd", b"abcd", 200))), says("TS_UNACCEPTABLE")),
        ("not our networks", ts(tsr=wire.selectors(wire.selector("172.16.0.0", "172.16.0.9"))),
         says("TS_UNACCEPTABLE")),
        ("an empty SA", auth(sa=b""), CLOSES),
        ("an SPI of zero", child(*GOOD, spi=bytes(4)), CLOSES),
        ("an SPI of three octets", child(*GOOD, spi=b"abc"), CLOSES),
        ("no ciphers that we want", child((1, 3, 0), (5, 0, 0)), says("NO_PROPOSAL_CHOSEN")),
        ("ESP without encryption and integrity", child((1, 11, 0), (5, 0, 0)), says("NO_PROPOSAL_CHOSEN")),
        ("IKE instead of ESP", auth(sa=wire.ike_sa(spi=b"\1" * 8)), says("NO_PROPOSAL_CHOSEN")),
        ("its own proposal twice, numbered alike",
         auth(sa=wire.proposal(wire.ESP, b"abcd", GOOD, last=2) + wire.proposal(wire.ESP, b"abcd", GOOD)), CLOSES),
    ],
}
