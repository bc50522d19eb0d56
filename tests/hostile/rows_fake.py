"""Hostile answers, when tandemd has asked: (what, octets of them, what tandemd then does). f is a Fake."""

import os

import wire
from keys import RFC3526_2048
from rows_auth import ANY
from rows_init import encr_attributes
from wire import P

GOES_ON = "takes no notice and takes the good answer that follows"
GIVES_UP = "drops the attempt; a good answer that follows is for nobody"
STOPS = "asks no more for it; what comes later may be better (RFC 7296 2.21.1)"
ASKS_AGAIN = "sends its IKE_SA_INIT again"
COMES_UP = "accepts it"
CLOSES = "closes the IKE SA"
STANDS = "the IKE SA stands"


def answer(**changes):
    return lambda f: f.init_answer(f.init_payloads(**changes))


def header(**changes):
    return lambda f: f.init_answer(**changes)


def refusal(kind, data=b"", **more):
    return lambda f: f.refusal(kind, data, **more)


def sa(transforms, number=1, spi=b"", **more):
    return answer(sa=wire.proposal(wire.IKE, spi, transforms, number, **more))


def ke(octets):
    return answer(ke=octets)


def looped(*kinds):
    """Ten times the same, or in turns: it must not dance for ever."""
    def made(f):
        for i in range(10):
            kind, data = kinds[i % len(kinds)]
            f.port.send(f.refusal(kind, data if data else os.urandom(20)))
            f.ground.serve_good_peer()
            if not any(wire.read_header(octets)[0].exchange == wire.INIT for octets in f.port.drain()):
                return []
        raise AssertionError("it has asked ten times")
    return made


def reflected(f):
    """Its own request."""
    return f.request


def request_back(f):
    """A request of ours instead of an answer, with its SPI."""
    return f.init_answer(flags=wire.INITIATOR, spi_r=bytes(8))


def auth(**changes):
    return lambda f: f.answer(wire.AUTH_X, f.auth_payloads(**changes))


def mac(change):
    return lambda f: f.answer(wire.AUTH_X, f.auth_payloads(auth=wire.auth(2, change(f.s.auth_data()))))


def sealed(exchange=wire.AUTH_X, **more):
    return lambda f: f.answer(exchange, f.auth_payloads(), **more)


def only(*payloads, exchange=wire.AUTH_X, **more):
    return lambda f: f.answer(exchange, list(payloads), **more)


def notified(kind, data=b"", exchange=wire.AUTH_X):
    return only(P(wire.NOTIFY, wire.notify(kind, data)), exchange=exchange)


def idr(kind, octets):
    return auth(idr=wire.ident(kind, octets))


def esp(transforms, spi=b"abcd", **more):
    return auth(sa=wire.proposal(wire.ESP, spi, transforms, **more))


def in_clear(f):
    return wire.message(f.s.header(wire.AUTH_X, mid=1, answer=True), f.auth_payloads())


def failed_in_clear(f):
    return wire.message(f.s.header(wire.AUTH_X, mid=1, answer=True),
                        [P(wire.NOTIFY, wire.notify("AUTHENTICATION_FAILED"))])


def back(f):
    """Its own AUTH as ours: the shared key would fit, the role must not."""
    return f.answer(wire.AUTH_X, f.auth_payloads(auth=wire.find(f.asked, wire.AUTH)))


def child(**changes):
    return lambda f: f.answer(wire.CHILD, f.child_payloads(**changes))


def rekey(**changes):
    return lambda f: f.answer(wire.CHILD, f.rekey_payloads(**changes))


def created(kind, data=b""):
    return notified(kind, data, wire.CHILD)


GOOD = wire.ike_transforms()
ESP = wire.esp_transforms()
PFS = wire.esp_transforms(wire.P256)

INIT = [
    ("nothing but a header", header(length=28), GOES_ON),
    ("a length that lies", header(length=2**31), GOES_ON),
    ("version 1", header(version=0x10), GOES_ON),
    ("version 3", header(version=0x30), GOES_ON),
    ("as if from the initiator", header(flags=wire.INITIATOR | wire.RESPONSE), GOES_ON),
    ("not as an answer", header(flags=0), GOES_ON),
    ("message ID 1", header(mid=1), GOES_ON),
    ("another initiator's SPI", header(spi_i=b"\1" * 8), GOES_ON),
    ("as IKE_AUTH", header(exchange=wire.AUTH_X), GOES_ON),
    ("its own request, reflected", reflected, GOES_ON),
    ("a request instead", request_back, GOES_ON),
    ("an unknown critical payload", answer(more=[P(200, b"abcd", wire.CRITICAL)]), GOES_ON),
    ("octets behind the end", lambda f: f.init_answer(tail=b"xyz"), GOES_ON),
    ("the cookie of 65 octets", refusal("COOKIE", bytes(65)), GOES_ON),
    ("the cookie of no octets", refusal("COOKIE", b""), GOES_ON),
    ("the group of one octet", refusal("INVALID_KE_PAYLOAD", b"\0"), GOES_ON),
    ("no responder's SPI", header(spi_r=bytes(8)), GOES_ON),
    ("a cookie", refusal("COOKIE", bytes(20)), ASKS_AGAIN),
    ("a cookie of 64 octets", refusal("COOKIE", bytes(64)), ASKS_AGAIN),
    ("cookies without end", looped(("COOKIE", b"")), STOPS),
    ("another group that we offer", refusal("INVALID_KE_PAYLOAD", b"\0\x13"), ASKS_AGAIN),
    ("groups without end", looped(("INVALID_KE_PAYLOAD", b"\0\x13"), ("INVALID_KE_PAYLOAD", b"\0\x1f")), STOPS),
    ("cookies and groups without end", looped(("COOKIE", b""), ("INVALID_KE_PAYLOAD", b"\0\x13"),
                                             ("COOKIE", b""), ("INVALID_KE_PAYLOAD", b"\0\x1f")), STOPS),
    ("the group that we sent", refusal("INVALID_KE_PAYLOAD", b"\0\x1f"), GOES_ON),
    ("down to a group that we do not offer", refusal("INVALID_KE_PAYLOAD", b"\0\1"), GOES_ON),
    ("down to group 0", refusal("INVALID_KE_PAYLOAD", b"\0\0"), GOES_ON),
    ("no proposal chosen", refusal("NO_PROPOSAL_CHOSEN"), GOES_ON),
    ("an error that nobody knows", refusal(8191), GOES_ON),
    ("no SA", answer(without=(wire.SA,)), GOES_ON),
    ("no KE", answer(without=(wire.KE,)), GOES_ON),
    ("no nonce", answer(without=(wire.NONCE,)), GOES_ON),
    ("a nonce of 15 octets", answer(nonce=bytes(15)), GOES_ON),
    ("a nonce of 257 octets", answer(nonce=bytes(257)), GOES_ON),
    ("two proposals", answer(sa=wire.proposal(wire.IKE, b"", GOOD, last=2) +
                             wire.proposal(wire.IKE, b"", GOOD, 2)), GOES_ON),
    ("two ciphers at once", sa([(1, 20, 256), *GOOD]), GOES_ON),
    ("3DES and the 768-bit group", sa([(1, 3, 0), (2, 2, 0), (3, 2, 0), (4, 1, 0)]), GOES_ON),
    ("a shorter key than we offer", sa([(1, 20, 128), *GOOD[1:]]), GOES_ON),
    ("no key length", answer(sa=encr_attributes(b"")), GOES_ON),
    ("no PRF", sa([GOOD[0], GOOD[2]]), GOES_ON),
    ("down to another group in the SA", sa(wire.ike_transforms(wire.MODP2048), 3), GOES_ON),
    ("another group in the KE", ke(wire.ke(wire.P256, bytes(64))), GOES_ON),
    ("x25519 of zeros", ke(wire.ke(wire.X25519, bytes(32))), GIVES_UP),
    ("x25519 of 31 octets", ke(wire.ke(wire.X25519, bytes(31))), GIVES_UP),
    ("modp p - 1 for x25519", ke(wire.ke(wire.X25519, (RFC3526_2048 - 1).to_bytes(256, "big"))), GIVES_UP),
]

AUTH = [
    ("in clear", in_clear, GOES_ON),
    ("AUTHENTICATION_FAILED in clear", failed_in_clear, GOES_ON),
    ("a turned bit", sealed(flip=-1), GOES_ON),
    ("message ID 2", sealed(mid=2), GOES_ON),
    ("as a request", lambda f: f.s.sealed(wire.AUTH_X, f.auth_payloads(), mid=1), GOES_ON),
    ("as INFORMATIONAL", sealed(wire.INFO), GOES_ON),
    ("as CREATE_CHILD_SA", sealed(wire.CHILD), GOES_ON),
    ("no AUTH", auth(without=(wire.AUTH,)), GIVES_UP),
    ("no IDr", auth(without=(wire.IDR,)), GIVES_UP),
    ("AUTHENTICATION_FAILED", notified("AUTHENTICATION_FAILED"), GIVES_UP),
    ("an error that nobody knows", notified(8191), GIVES_UP),
    ("nothing inside", only(), GIVES_UP),
    ("a payload that lies", lambda f: f.answer(wire.AUTH_X, (wire.IDR, b"\0\0\xff\xff")), GIVES_UP),
    ("padding longer than the text", sealed(pad=b"\xff"), GIVES_UP),
    ("a turned bit of the AUTH", mac(lambda m: bytes([m[0] ^ 1]) + m[1:]), CLOSES),
    ("an AUTH of no octets", mac(lambda m: b""), CLOSES),
    ("an AUTH of zeros", mac(lambda m: bytes(32)), CLOSES),
    ("our own AUTH, reflected", back, CLOSES),
    ("method 0", lambda f: f.answer(wire.AUTH_X, f.auth_payloads(auth=wire.auth(0, f.s.auth_data()))), CLOSES),
    ("method 13, nobody", lambda f: f.answer(wire.AUTH_X, f.auth_payloads(auth=wire.auth(13, b""))), CLOSES),
    ("somebody else's address", idr(1, b"\xc0\0\2\1"), CLOSES),
    ("a name", idr(2, b"who.example"), CLOSES),
    ("another cipher for the child", esp([(1, 20, 256), (5, 0, 0)]), STANDS),
    ("no cipher for the child", esp([(1, 11, 0), (5, 0, 0)]), STANDS),
    ("two ciphers for the child", esp([(1, 20, 128), *ESP]), STANDS),
    ("an SPI of zero", esp(ESP, bytes(4)), STANDS),
    ("wider selectors than we asked for", auth(tsi=wire.selectors(ANY), tsr=wire.selectors(ANY)), STANDS),
    ("0 selectors", auth(tsi=wire.selectors()), STANDS),
    ("backward selectors", auth(tsr=wire.selectors(wire.selector("10.9.9.9", "10.1.1.1"))), STANDS),
    ("no selectors", auth(without=(wire.TSI, wire.TSR)), STANDS),
    ("no child", auth(without=(wire.SA, wire.TSI, wire.TSR),
                      more=[P(wire.NOTIFY, wire.notify("NO_PROPOSAL_CHOSEN"))]), STANDS),
]

REKEY_CHILD = [
    ("nothing inside", only(exchange=wire.CHILD), CLOSES),
    ("as INFORMATIONAL", only(exchange=wire.INFO), GOES_ON),
    ("NO_PROPOSAL_CHOSEN", created("NO_PROPOSAL_CHOSEN"), STANDS),
    ("NO_ADDITIONAL_SAS", created("NO_ADDITIONAL_SAS"), STANDS),
    ("TEMPORARY_FAILURE", created("TEMPORARY_FAILURE"), STANDS),
    ("CHILD_SA_NOT_FOUND", created("CHILD_SA_NOT_FOUND"), STANDS),
    ("another group that nobody offered", created("INVALID_KE_PAYLOAD", b"\0\1"), STANDS),
    ("an error that nobody knows", created(8191), STANDS),
    ("another cipher", child(sa=wire.proposal(wire.ESP, b"abcd", [(1, 20, 256), *PFS[1:]])), STANDS),
    ("without the group", child(sa=wire.proposal(wire.ESP, b"abcd", ESP)), STANDS),
    ("a KE off the curve", child(ke=wire.ke(wire.P256, b"\7" * 64)), STANDS),
    ("a nonce of 15 octets", child(nonce=bytes(15)), STANDS),
    ("wider selectors", child(tsi=wire.selectors(ANY), tsr=wire.selectors(ANY)), STANDS),
    ("a payload that lies", lambda f: f.answer(wire.CHILD, (wire.SA, b"\0\0\xff\xff")), CLOSES),
    ("an unknown critical payload", child(more=[P(200, b"abcd", wire.CRITICAL)]), CLOSES),
]

REKEY_IKE = [
    ("NO_PROPOSAL_CHOSEN", created("NO_PROPOSAL_CHOSEN"), STANDS),
    ("TEMPORARY_FAILURE", created("TEMPORARY_FAILURE"), STANDS),
    ("SPI zero", rekey(spi=bytes(8)), STANDS),
    ("an SPI of four octets", rekey(spi=b"abcd"), STANDS),
    ("a KE of zeros", rekey(ke=wire.ke(wire.X25519, bytes(32))), STANDS),
    ("another group in the KE", rekey(ke=wire.ke(wire.P256, bytes(64))), CLOSES),
    ("no nonce", rekey(without=(wire.NONCE,)), STANDS),
    ("3DES", rekey(sa=wire.proposal(wire.IKE, b"\7" * 8, [(1, 3, 0), (2, 2, 0), (3, 2, 0), (4, 1, 0)])), STANDS),
]

TABLE = {"IKE_SA_INIT": INIT, "IKE_AUTH": AUTH, "rekey of the child": REKEY_CHILD, "rekey of the IKE SA": REKEY_IKE}
