"""Hostile requests inside of an IKE SA that is up: (what, send, outcome)."""

import os
import struct

import wire
from keys import VALUE, Exchange
from outcome import CLOSES, FINE, Outcome, dropped, ends, says
from rows_auth import ANY
from wire import P

FORGED = dropped("rx_integrity")
UNEXPECTED = dropped("rx_unexpected")
WINDOW = dropped("rx_window")


def ask(exchange, *payloads, **seal):
    return lambda s: s.sealed(exchange, list(payloads), **seal)


def info(*payloads, **seal):
    return ask(wire.INFO, *payloads, **seal)


def inner(exchange, first, octets):
    return lambda s: s.sealed(exchange, (first, octets))


def child(sa=None, nonce=32, ke=True, without=(), **changes):
    """CREATE_CHILD_SA for another child. ke: a good one of the group that the policy wants, octets, or None."""
    def made(s):
        value = wire.ke(wire.P256, Exchange(wire.P256).public) if ke is True else ke
        payloads = s.child_payloads(sa=sa, nonce=os.urandom(nonce) if isinstance(nonce, int) else nonce,
                                    group=wire.P256, ke=value, **changes)
        return s.sealed(wire.CHILD, [p for p in payloads if p.type not in without])
    return made


def rekey(protocol, spi, **more):
    return child(rekey=wire.notify("REKEY_SA", b"", protocol, spi, **more))


def rekey_ike(sa=None, ke=None, nonce=32, without=(), spi=b"\7" * 8, group=wire.X25519):
    def made(s):
        payloads = [P(wire.SA, wire.ike_sa(group, spi) if sa is None else sa), P(wire.NONCE, os.urandom(nonce)),
                    P(wire.KE, wire.ke(group, Exchange(group).public) if ke is None else ke)]
        return s.sealed(wire.CHILD, [p for p in payloads if p.type not in without])
    return made


def delete(*args, **more):
    return info(P(wire.DELETE, wire.delete(*args, **more)))


def noted(*args, **more):
    return info(P(wire.NOTIFY, wire.notify(*args, **more)))


def before_and_again(s):
    """A request, and another one with the number of the first."""
    s.ask(wire.INFO, [])
    return s.sealed(wire.INFO, [P(wire.DELETE, wire.delete(wire.IKE))], mid=s.mid - 1)


def one_too_many(s):
    """Another child for the same selectors, beside as many as a peer may have (one is there)."""
    for _ in range(31):
        s.ask(wire.CHILD, s.child_payloads(nonce=os.urandom(32), group=wire.P256,
                                           ke=wire.ke(wire.P256, Exchange(wire.P256).public)))
    return child()(s)


def replayed(s):
    """The very same octets: the same answer, and nothing happens twice."""
    octets = s.sealed(wire.INFO, [])
    s.port.send(octets)
    s.answer_to(s.mid)
    return octets


def auth_again(s):
    return s.sealed(wire.AUTH_X, s.auth_payloads())


def reflected(s):
    """tandemd's own answer, sent back to it."""
    s.port.send(s.sealed(wire.INFO, []))
    octets = s.wait(lambda h, _: h.flags & wire.RESPONSE)
    s.mid += 1
    return octets


def in_clear(exchange, *payloads, **changes):
    return lambda s: wire.message(s.header(exchange, **changes), list(payloads))


def fragment(number, total, forge=True, octets=50):
    def made(s):
        if forge:
            return wire.message(s.header(wire.INFO), [P(wire.SKF, struct.pack(">HH", number, total) + bytes(octets))])
        return s.sealed(wire.INFO, (wire.DELETE if number == 1 else 0, os.urandom(octets)), skf=(number, total))
    return made


def own_spi(s):
    return s.child_spi


GOOD = wire.esp_transforms(wire.P256)
X25519_ZERO = wire.ke(wire.X25519, bytes(32))

TABLE = {
    "window": [
        ("the next number but one", lambda s: s.sealed(wire.INFO, [], mid=s.mid + 1), WINDOW),
        ("a number of long ago", lambda s: s.sealed(wire.INFO, [], mid=0), WINDOW),
        ("the last number with another content", before_and_again, WINDOW),
        ("the last request again", replayed, FINE),
        ("2^32 - 1", lambda s: s.sealed(wire.INFO, [], mid=2**32 - 1), WINDOW),
        ("an answer that nobody asked for", info(answer=True), WINDOW),
        ("an answer with a number of the future", info(answer=True, mid=77), WINDOW),
        ("its own answer, reflected", reflected, dropped()),
        ("IKE_AUTH once more", auth_again, UNEXPECTED),
        ("IKE_SA_INIT with its SPIs", lambda s: wire.message(s.header(wire.INIT, mid=0), s.init_payloads()),
         UNEXPECTED),
        ("IKE_INTERMEDIATE", ask(wire.INTERMEDIATE), UNEXPECTED),
        ("exchange 0", ask(0), UNEXPECTED),
        ("exchange 200", ask(200), UNEXPECTED),
        ("exchange 255", ask(255), UNEXPECTED),
        ("as if of the other side", info(header={"flags": 0}), dropped("rx_unknown_spi")),
    ],
    "forgeries": [
        ("a delete in clear", in_clear(wire.INFO, P(wire.DELETE, wire.delete(wire.IKE))), dropped()),
        ("INVALID_IKE_SPI in clear, as an answer",
         in_clear(wire.INFO, P(wire.NOTIFY, wire.notify("INVALID_IKE_SPI")),
                  flags=wire.INITIATOR | wire.RESPONSE), dropped()),
        ("INVALID_IKE_SPI in clear", in_clear(wire.INFO, P(wire.NOTIFY, wire.notify("INVALID_IKE_SPI"))), dropped()),
        ("INVALID_SPI in clear, without an SA",
         in_clear(wire.INFO, P(wire.NOTIFY, wire.notify("INVALID_SPI", b"abcd")), spi_r=bytes(8), mid=0), dropped()),
        ("AUTHENTICATION_FAILED in clear",
         in_clear(wire.AUTH_X, P(wire.NOTIFY, wire.notify("AUTHENTICATION_FAILED")), mid=1,
                  flags=wire.INITIATOR | wire.RESPONSE), dropped()),
        ("a turned bit", info(flip=-1), FORGED),
        ("a fragment 0 of 2", fragment(0, 2), dropped()),
        ("a fragment 3 of 2", fragment(3, 2), dropped()),
        ("a fragment 1 of 0", fragment(1, 0), dropped()),
        ("a fragment 1 of 65535, forged", fragment(1, 65535), dropped()),
        ("a fragment 65535 of 65535, sealed", fragment(65535, 65535, False), dropped()),
        ("a fragment 1 of 2, sealed", fragment(1, 2, False), dropped()),
        ("a fragment of 9000 octets", fragment(1, 2, octets=9000), dropped()),
    ],
    "chain": [
        ("nothing: a probe", info(), FINE),
        ("unknown", info(P(200, b"abcd")), FINE),
        ("unknown and critical", info(P(200, b"abcd", wire.CRITICAL)), says("UNSUPPORTED_CRITICAL_PAYLOAD")),
        ("known and critical", info(P(wire.VENDOR, b"abcd", wire.CRITICAL)), FINE),
        ("a length of three", inner(wire.INFO, wire.NOTIFY, b"\0\0\0\3"), CLOSES),
        ("a length of zero", inner(wire.INFO, wire.NOTIFY, bytes(8)), CLOSES),
        ("a length of 65535", inner(wire.INFO, wire.NOTIFY, b"\0\0\xff\xff" + bytes(4)), CLOSES),
        ("nothing follows, but there is", inner(wire.INFO, 0, bytes(8)), CLOSES),
        ("something follows, but there is not", inner(wire.INFO, wire.NOTIFY, b""), CLOSES),
        ("an envelope in the envelope", info(P(wire.SK, bytes(40))), CLOSES),
        ("150 notifications", info(*[P(wire.NOTIFY, wire.notify(40000))] * 150), CLOSES),
        ("padding longer than the text", info(pad=b"\x80"), CLOSES),
        ("padding of 255 octets", info(pad=bytes(255) + b"\xff"), FINE),
    ],
    "notifications": [
        ("an SPI of 255 octets that is not there", noted("INITIAL_CONTACT", b"", 3, b"", 255), CLOSES),
        ("INVALID_SPI of an SPI we do not have", noted("INVALID_SPI", b"abcd"), FINE),
        ("INVALID_SPI of no octets", noted("INVALID_SPI"), FINE),
        ("INVALID_SYNTAX in a request", noted("INVALID_SYNTAX"), FINE),
        ("an unknown error", noted(8191), FINE),
        ("an unknown status", noted(65535, os.urandom(500)), FINE),
        ("a window of 2^32 - 1", noted("SET_WINDOW_SIZE", b"\xff" * 4), FINE),
        ("a cookie", noted("COOKIE", bytes(64)), FINE),
        ("INITIAL_CONTACT again", noted("INITIAL_CONTACT"), FINE),
        ("a message ID sync that nobody agreed on", noted(16422, bytes(12)), FINE),
        ("an update of addresses that nobody agreed on", noted(16400), Outcome(True, (None, "40"))),
        ("a redirect that nobody agreed on", noted(16407, b"\1\4\xc0\0\2\x63" + bytes(8)), FINE),
    ],
    "delete": [
        ("of a child we do not have", delete(wire.ESP, [b"\xde\xad\xbe\xef"]), FINE),
        ("of AH that we do not have", delete(wire.AH, [b"\xde\xad\xbe\xef"]), FINE),
        ("of our SPI instead of the peer's", lambda s: delete(wire.ESP, [s.peer_child_spi])(s), FINE),
        ("of 300 children", delete(wire.ESP, [struct.pack(">I", 1000 + i) for i in range(300)]), FINE),
        ("it counts too much", delete(wire.ESP, [b"abcd"], count=65535), FINE),
        ("it counts nothing", delete(wire.ESP, [b"abcd"], count=0), FINE),
        ("SPIs of eight octets", delete(wire.ESP, [bytes(8)]), FINE),
        ("SPIs of no octets, 65535 of them", delete(wire.ESP, spi_size=0, count=65535), FINE),
        ("of protocol 9", delete(9, [b"abcd"]), FINE),
        ("of the IKE SA by an SPI", delete(wire.IKE, [bytes(8)]), FINE),
        ("three octets", info(P(wire.DELETE, b"\3\4\0")), FINE),
        ("of the child", lambda s: delete(wire.ESP, [s.child_spi])(s), FINE),
        ("of the child, three times in one",
         lambda s: info(*[P(wire.DELETE, wire.delete(wire.ESP, [s.child_spi] * 2))] * 3)(s), FINE),
        ("of the IKE SA and of a child", info(P(wire.DELETE, wire.delete(wire.ESP, [b"abcd"])),
                                              P(wire.DELETE, wire.delete(wire.IKE))), ends()),
        ("of the IKE SA", delete(wire.IKE), ends()),
    ],
    "a new child": [
        ("as it should be", child(), FINE),
        ("the thirty-third alike", one_too_many, says("NO_ADDITIONAL_SAS")),
        ("nothing", ask(wire.CHILD), CLOSES),
        ("no SA", child(without=(wire.SA,)), CLOSES),
        ("no nonce", child(without=(wire.NONCE,)), CLOSES),
        ("no TSr", child(without=(wire.TSR,)), CLOSES),
        ("an empty SA", child(sa=b""), CLOSES),
        ("a nonce of 15 octets", child(nonce=15), CLOSES),
        ("a nonce of 257 octets", child(nonce=257), CLOSES),
        ("no group though one is due", child(sa=wire.proposal(wire.ESP, b"abcd", wire.esp_transforms()), ke=None),
         says("NO_PROPOSAL_CHOSEN")),
        ("a group without a KE", child(ke=None), says("INVALID_KE_PAYLOAD")),
        ("another group in KE", child(ke=wire.ke(wire.X25519, bytes(32))), says("INVALID_KE_PAYLOAD")),
        ("a KE off the curve", child(ke=wire.ke(wire.P256, b"\7" * VALUE[wire.P256])), says("INVALID_SYNTAX")),
        ("a KE of one octet", child(ke=wire.ke(wire.P256, b"\7")), says("INVALID_SYNTAX")),
        ("an SPI of zero", child(sa=wire.proposal(wire.ESP, bytes(4), GOOD)), CLOSES),
        ("an SPI of 255 octets that is not there", child(sa=wire.proposal(wire.ESP, b"abcd", GOOD, spi_size=255)),
         CLOSES),
        ("ciphers that nobody wants", child(sa=wire.proposal(wire.ESP, b"abcd", [(1, 3, 0), (4, 19, 0), (5, 0, 0)])),
         says("NO_PROPOSAL_CHOSEN")),
        ("0 selectors", child(tsi=wire.selectors()), CLOSES),
        ("70 selectors", child(tsi=wire.selectors(*[ANY] * 70)), CLOSES),
        ("a range that runs backwards", child(tsr=wire.selectors(wire.selector("9.9.9.9", "1.1.1.1"))), CLOSES),
        ("IPv6 for IPv4", child(tsr=wire.selectors(wire.selector(bytes(16), b"\xff" * 16, 8))),
         says("TS_UNACCEPTABLE")),
        ("not our networks", child(tsr=wire.selectors(wire.selector("172.16.0.0", "172.16.0.9"))),
         says("TS_UNACCEPTABLE")),
    ],
    "rekey": [
        ("of a child we do not have", rekey(wire.ESP, b"\xde\xad\xbe\xef"), says("CHILD_SA_NOT_FOUND")),
        ("of our SPI instead of the peer's", lambda s: rekey(wire.ESP, s.peer_child_spi)(s),
         says("CHILD_SA_NOT_FOUND")),
        ("of SPI zero", rekey(wire.ESP, bytes(4)), says("CHILD_SA_NOT_FOUND")),
        ("of an AH that is ESP", lambda s: rekey(wire.AH, s.child_spi)(s), says("CHILD_SA_NOT_FOUND")),
        ("of an SPI of three octets", rekey(wire.ESP, b"abc"), CLOSES),
        ("of no SPI", rekey(wire.ESP, b""), CLOSES),
        ("of the child, as it should be", lambda s: rekey(wire.ESP, s.child_spi)(s), FINE),
        ("of the IKE SA to SPI zero", rekey_ike(spi=bytes(8)), CLOSES),
        ("of the IKE SA to no SPI", rekey_ike(spi=b""), CLOSES),
        ("of the IKE SA to an SPI of four octets", rekey_ike(spi=b"abcd"), CLOSES),
        ("of the IKE SA without KE", rekey_ike(without=(wire.KE,)), CLOSES),
        ("of the IKE SA without a nonce", rekey_ike(without=(wire.NONCE,)), CLOSES),
        ("of the IKE SA with an empty KE", rekey_ike(ke=wire.ke(wire.X25519, b"")), CLOSES),
        ("of the IKE SA with another group in KE", rekey_ike(ke=wire.ke(wire.P256, bytes(64))),
         says("INVALID_KE_PAYLOAD")),
        ("of the IKE SA with a KE of zeros", rekey_ike(ke=X25519_ZERO), says("INVALID_SYNTAX")),
        ("of the IKE SA with a KE off the curve",
         rekey_ike(group=wire.P256, ke=wire.ke(wire.P256, b"\7" * 64)), says("INVALID_SYNTAX")),
        ("of the IKE SA with 3DES", rekey_ike(sa=wire.proposal(wire.IKE, b"\7" * 8, [(1, 3, 0), (2, 2, 0),
                                                                                    (3, 2, 0), (4, 2, 0)])),
         says("NO_PROPOSAL_CHOSEN")),
        ("of the IKE SA with a nonce of 15", rekey_ike(nonce=15), CLOSES),
    ],
}
