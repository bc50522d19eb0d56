"""Hostile IKE_SA_INIT requests: (what, octets of it, outcome) by category. s is a Session that has said nothing."""

import os
import struct

import wire
from keys import RFC3526_2048, VALUE
from outcome import FINE, dropped, ends, refuses
from wire import P

BAD = dropped("rx_malformed")
STRANGE = dropped("rx_unknown_spi")
NO_PROPOSAL = refuses("NO_PROPOSAL_CHOSEN")
NACK = ends()  # TICKET_NACK
DEAF = dropped("rx_bad_ke")


def sa(body):
    return lambda s: s.init_octets(s.init_payloads(sa=body))


def ke(group, value):
    """A value for a group that the offer names."""
    return lambda s: s.init_octets(s.init_payloads(sa=wire.ike_sa(group), ke=wire.ke(group, value)))


def nonce(octets):
    return lambda s: s.init_octets(s.init_payloads(nonce=os.urandom(octets)))


def noted(*bodies):
    return lambda s: s.init_octets(s.init_payloads(notifies=bodies))


def more(*payloads):
    return lambda s: s.init_octets(s.init_payloads(more=payloads))


def resumption(*tickets, nonce=True, more=()):
    """IKE_SESSION_RESUME with these tickets (RFC 5723 4.3.2)."""
    def made(s):
        payloads = [P(wire.NONCE, s.nonce)] if nonce else []
        payloads += [P(wire.NOTIFY, wire.notify("TICKET_OPAQUE", ticket)) for ticket in tickets]
        return s.init_octets(payloads + list(more), exchange=wire.RESUME)
    return made


def without(*types):
    return lambda s: s.init_octets(s.init_payloads(without=types))


def header(**changes):
    return lambda s: s.init_octets(**changes)


def lie(which, length):
    """One payload says that length; a negative one is added to what it has."""
    def made(s):
        payloads = s.init_payloads()
        payloads[which].length = 4 + len(payloads[which].body) + length if length < 0 else length
        return s.init_octets(payloads)
    return made


def following(which, kind):
    def made(s):
        payloads = s.init_payloads()
        payloads[which].following = kind
        return s.init_octets(payloads)
    return made


def flagged(flags):
    def made(s):
        payloads = s.init_payloads()
        for p in payloads:
            p.flags = flags
        return s.init_octets(payloads)
    return made


def cut(octets):
    return lambda s: s.init_octets()[:octets]


def patched(at, octets):
    """These octets in the place of what is there."""
    def made(s):
        whole = s.init_octets()
        return whole[:at] + octets + whole[at + len(octets):]
    return made


def offer(*transforms, **changes):
    return sa(wire.proposal(wire.IKE, b"", list(transforms), **changes))


def proposals(*numbers):
    """So many good ones, counted like that."""
    return sa(b"".join(wire.proposal(wire.IKE, b"", wire.ike_transforms(), number=number,
                                     last=2 if i + 1 < len(numbers) else 0)
                       for i, number in enumerate(numbers)))


def encr_attributes(attributes):
    """The good proposal, but for the attributes of its cipher."""
    octets = wire.transform(wire.ENCR, wire.GCM16, attributes=attributes, last=3)
    return wire.proposal(wire.IKE, b"", [octets, wire.transform(wire.PRF, wire.HMAC_SHA256_PRF, last=3),
                                         wire.transform(wire.GROUP, wire.X25519)])


def encr(attributes):
    return sa(encr_attributes(attributes))


def attribute(kind, value, short=True):
    return struct.pack(">HH", 0x8000 | kind, value) if short else struct.pack(">HH", kind, len(value)) + value


def many_transforms(n):
    wanted = wire.ike_transforms()
    return offer(*[(wire.GROUP, 60000 + i, 0) for i in range(n - len(wanted))], *wanted)


def modp(number):
    return ke(wire.MODP2048, number.to_bytes(256, "big"))


GOOD = wire.ike_transforms()
P256_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1

TABLE = {
    "header": [
        ("nothing at all", cut(0), dropped()),
        ("one octet", cut(1), dropped()),
        ("half a header", cut(16), dropped()),
        ("a header less an octet", cut(27), dropped()),
        ("a header and no more", cut(28), BAD),
        ("less than its length says", cut(60), BAD),
        ("a length of zero", header(length=0), BAD),
        ("a length of the header", header(length=28), BAD),
        ("a length of 2^32 - 1", header(length=2**32 - 1), BAD),
        ("octets behind the end", lambda s: s.init_octets() + b"x", BAD),
        # V2-007: no IKEv1 for a gateway of version 2
        ("version 1.0", header(version=0x10), dropped("rx_version")),
        ("version 0.0", header(version=0), dropped("rx_version")),
        ("version 3.0", header(version=0x30), refuses("INVALID_MAJOR_VERSION")),
        ("version 15.15", header(version=0xFF), refuses("INVALID_MAJOR_VERSION")),
        ("version 2.15", header(version=0x2F), FINE),
        ("no initiator's SPI", header(spi_i=bytes(8)), BAD),
        ("a responder's SPI at once", header(spi_r=b"\1" * 8), STRANGE),
        ("message ID 1", patched(20, struct.pack(">I", 1)), BAD),
        ("message ID 2^32 - 1", patched(20, struct.pack(">I", 2**32 - 1)), BAD),
        ("an answer to nothing", header(flags=wire.INITIATOR | wire.RESPONSE), STRANGE),
        ("an answer of a responder to nothing", header(flags=wire.RESPONSE), STRANGE),
        ("not of an initiator", header(flags=0), BAD),
        ("every reserved flag", header(flags=0xC7 | wire.INITIATOR), FINE),
        ("a higher version is spoken", header(flags=wire.INITIATOR | wire.VERSION), FINE),
        ("exchange 0", header(exchange=0), dropped()),
        ("main mode inside of version 2", header(exchange=2), dropped()),
        ("IKE_AUTH before IKE_SA_INIT", header(exchange=wire.AUTH_X), dropped()),
        ("CREATE_CHILD_SA of nothing", header(exchange=wire.CHILD), dropped()),
        ("INFORMATIONAL of nothing", header(exchange=wire.INFO), dropped()),
        ("IKE_SESSION_RESUME without a ticket", header(exchange=wire.RESUME), ends()),  # TICKET_NACK
        ("exchange 255", header(exchange=255), dropped()),
    ],
    "resumption": [
        ("a ticket of garbage", resumption(os.urandom(200)), NACK),
        ("a ticket of no octets", resumption(b""), NACK),
        ("a ticket of one octet", resumption(b"\1"), NACK),
        ("a ticket of zeros, with its version", resumption(b"\1" + bytes(200)), NACK),
        ("a ticket of 1200 octets", resumption(b"\1" + os.urandom(1199)), NACK),
        ("two tickets", resumption(os.urandom(90), os.urandom(90)), NACK),
        ("a ticket and a key exchange", resumption(os.urandom(90), more=[P(wire.KE, wire.ke(31, bytes(32)))]), NACK),
        ("a ticket and no nonce", resumption(os.urandom(90), nonce=False), BAD),
    ],
    "chain": [
        ("nothing follows, but there is", header(first=0), BAD),
        ("the first is of another type", header(first=wire.SA), BAD),
        ("no payloads", lambda s: s.init_octets([]), BAD),
        ("a length of zero", patched(30, bytes(2)), BAD),
        ("a length of three", lie(0, 3), BAD),
        ("a length of four", lie(0, 4), BAD),
        ("a length one short", lie(2, -1), BAD),
        ("a length of 65535", lie(1, 65535), BAD),
        ("the last says that more follows", following(-1, wire.VENDOR), BAD),
        ("the first says that nothing follows", following(0, 0), BAD),
        ("300 vendor IDs", more(*[P(wire.VENDOR, b"x")] * 300), BAD),
        ("five octets behind the last", lambda s: s.init_octets(tail=b"xxxxx"), BAD),
        ("unknown, not critical", more(P(200, b"abcd")), FINE),
        ("unknown and critical", more(P(200, b"abcd", wire.CRITICAL)),
         refuses("UNSUPPORTED_CRITICAL_PAYLOAD")),
        ("all known ones are critical", flagged(wire.CRITICAL), FINE),
        ("every reserved flag of a payload", flagged(0x7F), FINE),
        ("in another order", lambda s: s.init_octets(s.init_payloads()[::-1]), FINE),
        ("an envelope in clear", more(P(wire.SK, bytes(60))), FINE),
        ("IDs, selectors and a delete in it",
         more(P(wire.IDI, wire.ident(1, b"\1\2\3\4")), P(wire.TSI, b""), P(wire.DELETE, b"\1\0\0\0")), FINE),
        ("no SA", without(wire.SA), BAD),
        ("no KE", without(wire.KE), BAD),
        ("no nonce", without(wire.NONCE), BAD),
    ],
    "proposals": [
        ("an empty SA", sa(b""), BAD),
        ("half a proposal", sa(wire.ike_sa()[:5]), BAD),
        ("number 0", proposals(0), BAD),
        ("number 255", proposals(255), BAD),
        ("number 1 twice", proposals(1, 1), BAD),
        ("numbers 2, 1", proposals(2, 1), BAD),
        ("numbers 1, 2", proposals(1, 2), FINE),
        ("32 proposals", proposals(*range(1, 33)), FINE),
        ("33 proposals", proposals(*range(1, 34)), BAD),
        ("more is said to follow", offer(*GOOD, last=2), BAD),
        ("a mark that is none", offer(*GOOD, last=1), BAD),
        ("a length of zero", offer(*GOOD, length=0), BAD),
        ("a length of 65535", offer(*GOOD, length=65535), BAD),
        ("an SPI of four octets", sa(wire.proposal(wire.IKE, b"abcd", GOOD)), BAD),
        ("an SPI of zeros", sa(wire.proposal(wire.IKE, bytes(8), GOOD)), BAD),
        ("an SPI of 255 octets that is not there", offer(*GOOD, spi_size=255), BAD),
        ("no transforms", offer(), NO_PROPOSAL),
        ("it counts no transforms", offer(*GOOD, count=0), BAD),
        ("it counts 255 transforms", offer(*GOOD, count=255), BAD),
        ("it counts one too few", offer(*GOOD, count=2), BAD),
        ("a transform of length zero", offer(wire.transform(1, 20, 256, length=0)), BAD),
        ("a transform of length seven", offer(wire.transform(1, 20, length=7)), BAD),
        ("a transform of length 65535", offer(wire.transform(1, 20, length=65535)), BAD),
        ("the last transform says more", offer(wire.transform(1, 20, 256, last=3)), BAD),
        ("an unknown type", offer(*GOOD, (250, 1, 0)), NO_PROPOSAL),
        ("every algorithm unknown", offer((1, 60000, 0), (2, 60000, 0), (4, 60000, 0)), NO_PROPOSAL),
        ("no encryption", offer((1, 11, 0), (2, 5, 0), (3, 12, 0), (4, 31, 0)), NO_PROPOSAL),
        ("3DES and the 768-bit group", offer((1, 3, 0), (2, 2, 0), (3, 2, 0), (4, 1, 0)), NO_PROPOSAL),
        ("no group", offer(*GOOD[:2]), NO_PROPOSAL),
        ("group NONE", offer(*GOOD[:2], (4, 0, 0)), NO_PROPOSAL),
        ("no PRF", offer(GOOD[0], GOOD[2]), NO_PROPOSAL),
        ("integrity beside GCM", offer(*GOOD, (3, 12, 0)), NO_PROPOSAL),
        ("no key length", encr(b""), NO_PROPOSAL),
        ("a key of 0 bits", encr(attribute(14, 0)), NO_PROPOSAL),
        ("a key of 17 bits", encr(attribute(14, 17)), NO_PROPOSAL),
        ("a key of 65535 bits", encr(attribute(14, 65535)), NO_PROPOSAL),
        ("two key lengths", encr(attribute(14, 256) + attribute(14, 128)), NO_PROPOSAL),
        ("a key length in the long form", encr(attribute(14, b"\1\0", False)), NO_PROPOSAL),
        ("an attribute beyond its transform", encr(struct.pack(">HH", 14, 65535)), BAD),
        ("half an attribute", encr(b"\x80\x0e"), BAD),
        ("an unknown attribute", encr(attribute(14, 256) + attribute(99, 1)), NO_PROPOSAL),
        ("ESP in IKE_SA_INIT", sa(wire.proposal(wire.ESP, b"abcd", GOOD)), NO_PROPOSAL),
        ("protocol 200", sa(wire.proposal(200, b"", GOOD)), NO_PROPOSAL),
        ("60 transforms, the good ones last", many_transforms(60), FINE),
    ],
    "key exchange": [
        ("a group that we do not want", lambda s: s.init_octets(s.init_payloads(ke=wire.ke(19, bytes(64)))),
         refuses("INVALID_KE_PAYLOAD")),
        ("a group that nobody knows", lambda s: s.init_octets(s.init_payloads(ke=wire.ke(60000, b"x"))),
         refuses("INVALID_KE_PAYLOAD")),
        ("group 0", lambda s: s.init_octets(s.init_payloads(ke=wire.ke(0, bytes(32)))), BAD),
        ("a KE of three octets", lambda s: s.init_octets(s.init_payloads(ke=b"\0\x1f\0")), BAD),
        ("no value", ke(31, b""), BAD),
        ("x25519 of one octet", ke(31, b"\x09"), DEAF),
        ("x25519 of 31 octets", ke(31, bytes(31)), DEAF),
        ("x25519 of 33 octets", ke(31, b"\x09" + bytes(32)), DEAF),
        ("x25519 of zeros", ke(31, bytes(32)), DEAF),
        ("x25519, the point 1", ke(31, b"\1" + bytes(31)), DEAF),
        ("x25519, a point of order 8",
         ke(31, bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")), DEAF),
        ("x25519, the prime", ke(31, (2**255 - 19).to_bytes(32, "little")), DEAF),
        ("P-256 off the curve", ke(19, b"\7" * VALUE[19]), DEAF),
        ("P-256 of zeros", ke(19, bytes(VALUE[19])), DEAF),
        ("P-256 beyond the field", ke(19, P256_PRIME.to_bytes(32, "big") * 2), DEAF),
        ("P-256 of 63 octets", ke(19, b"\7" * 63), DEAF),
        ("P-256 of 65 octets, with the mark", ke(19, b"\4" + b"\7" * 64), DEAF),
        ("P-256, compressed", ke(19, b"\2" + b"\7" * 32), DEAF),
        ("modp 0", modp(0), DEAF),
        ("modp 1", modp(1), DEAF),
        ("modp p - 1", modp(RFC3526_2048 - 1), DEAF),
        ("modp p", modp(RFC3526_2048), DEAF),
        ("modp 2^2048 - 1", modp(2**2048 - 1), DEAF),
        ("modp of 255 octets", ke(14, b"\2" * 255), DEAF),
        ("modp of 257 octets", ke(14, b"\2" * 257), DEAF),
        ("modp of 1000 octets", ke(14, b"\2" * 1000), DEAF),
    ],
    "nonce": [
        ("none inside", nonce(0), BAD),
        ("15 octets", nonce(15), BAD),
        ("16 octets", nonce(16), FINE),
        ("256 octets", nonce(256), FINE),
        ("257 octets", nonce(257), BAD),
        ("1200 octets", nonce(1200), BAD),
    ],
    "notifications": [
        ("three octets", noted(b"\0\0\0"), BAD),
        ("an SPI of 255 octets that is not there", noted(wire.notify("INITIAL_CONTACT", spi_size=255)), BAD),
        ("ESP with an SPI of three octets", noted(wire.notify("INVALID_SPI", b"", wire.ESP, b"abc")), BAD),
        ("an empty cookie", noted(wire.notify("COOKIE")), BAD),
        ("a cookie of 65 octets", noted(wire.notify("COOKIE", bytes(65))), BAD),
        ("a cookie of 1200 octets", noted(wire.notify("COOKIE", bytes(1200))), BAD),
        ("a cookie that nobody asked for", noted(wire.notify("COOKIE", bytes(64))), FINE),
        ("two cookies", noted(wire.notify("COOKIE", b"a" * 20), wire.notify("COOKIE", b"b" * 20)), FINE),
        ("a rekey without SPI", noted(wire.notify("REKEY_SA")), BAD),
        ("another group without a group", noted(wire.notify("INVALID_KE_PAYLOAD", b"\0")), BAD),
        ("a window of three octets", noted(wire.notify("SET_WINDOW_SIZE", b"\0\0\1")), BAD),
        ("it refuses before we spoke", noted(wire.notify("NO_PROPOSAL_CHOSEN")), FINE),
        ("NAT detection of no octets", noted(wire.notify(16388), wire.notify(16389)), FINE),
        ("40 NAT detections", noted(*[wire.notify(16388, bytes(20))] * 40), FINE),
        ("hash algorithms of three octets", noted(wire.notify(16431, b"\0\1\0")), FINE),
        ("a status that nobody knows", noted(wire.notify(40000, bytes(800))), FINE),
    ],
}
