"""IKEv2 messages as octets (RFC 7296 3), free to be wrong: every length, count and next payload may lie.

A payload is a P; a list of them becomes octets by chain(). What a P does not say is made right."""

import struct
from dataclasses import dataclass

INIT, AUTH_X, CHILD, INFO, RESUME, INTERMEDIATE = 34, 35, 36, 37, 38, 43  # exchange types
OPENING = (INIT, RESUME)  # the first messages, in clear
SA, KE, IDI, IDR, CERT, CERTREQ, AUTH, NONCE, NOTIFY, DELETE, VENDOR, TSI, TSR, SK, CP, EAP, SKF = (
    33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 53)
INITIATOR, VERSION, RESPONSE = 0x08, 0x10, 0x20  # flags of the header
HEADER = 28

IKE, AH, ESP = 1, 2, 3
ENCR, PRF, INTEG, GROUP, ESN = 1, 2, 3, 4, 5
GCM16, HMAC_SHA256_PRF, X25519, P256, MODP2048 = 20, 5, 31, 19, 14

N = {"UNSUPPORTED_CRITICAL_PAYLOAD": 1, "INVALID_IKE_SPI": 4, "INVALID_MAJOR_VERSION": 5, "INVALID_SYNTAX": 7,
     "INVALID_MESSAGE_ID": 9, "INVALID_SPI": 11, "NO_PROPOSAL_CHOSEN": 14, "INVALID_KE_PAYLOAD": 17,
     "AUTHENTICATION_FAILED": 24, "SINGLE_PAIR_REQUIRED": 34, "NO_ADDITIONAL_SAS": 35,
     "INTERNAL_ADDRESS_FAILURE": 36, "FAILED_CP_REQUIRED": 37, "TS_UNACCEPTABLE": 38, "INVALID_SELECTORS": 39,
     "TEMPORARY_FAILURE": 43, "CHILD_SA_NOT_FOUND": 44, "INITIAL_CONTACT": 16384, "SET_WINDOW_SIZE": 16385,
     "IPCOMP_SUPPORTED": 16387, "COOKIE": 16390, "USE_TRANSPORT_MODE": 16391,
     "HTTP_CERT_LOOKUP_SUPPORTED": 16392, "REKEY_SA": 16393, "TICKET_NACK": 16412, "TICKET_OPAQUE": 16413,
     "FRAGMENTATION_SUPPORTED": 16430, "INTERMEDIATE_EXCHANGE_SUPPORTED": 16438}
NAMES = {number: name for name, number in N.items()}


def name_of(notify):
    return NAMES.get(notify, str(notify))


@dataclass
class P:
    """One payload; following, length and flags are made right where they are None."""
    type: int
    body: bytes = b""
    flags: int = 0
    length: int = None
    following: int = None


CRITICAL = 0x80


def chain(payloads):
    """(type of the first, octets)."""
    out = b""
    for i, p in enumerate(payloads):
        following = payloads[i + 1].type if i + 1 < len(payloads) else 0
        out += struct.pack(">BBH", following if p.following is None else p.following, p.flags,
                           (4 + len(p.body) if p.length is None else p.length) & 0xFFFF) + p.body
    return payloads[0].type if payloads else 0, out


@dataclass
class Header:
    spi_i: bytes
    spi_r: bytes
    exchange: int
    flags: int
    mid: int = 0
    version: int = 0x20
    length: int = None
    first: int = None


def message(header, payloads, tail=b""):
    """Header and chain in clear, tail behind them (counted in the length)."""
    first, octets = chain(payloads)
    return head(header, first, len(octets) + len(tail)) + octets + tail


def head(h, first, n):
    return (h.spi_i + h.spi_r + struct.pack(
        ">BBBBII", first if h.first is None else h.first, h.version, h.exchange, h.flags, h.mid & 0xFFFFFFFF,
        (HEADER + n if h.length is None else h.length) & 0xFFFFFFFF))


def read_header(octets):
    """(Header, type of the first payload); ValueError when it is none."""
    if len(octets) < HEADER:
        raise ValueError("short")
    first, version, exchange, flags, mid, length = struct.unpack(">BBBBII", octets[16:HEADER])
    return Header(octets[:8], octets[8:16], exchange, flags, mid, version, length, first), first


def read_chain(first, octets):
    """[P]; SK and SKF end it."""
    found = []
    while first:
        following, flags, length = struct.unpack(">BBH", octets[:4])
        if not 4 <= length <= len(octets):
            raise ValueError("length")
        found.append(P(first, octets[4:length], flags, length, following))
        octets = octets[length:]
        first = 0 if first in (SK, SKF) else following
    return found


def find(payloads, kind):
    return next((p.body for p in payloads if p.type == kind), None)


# --- bodies


def transform(kind, number, bits=0, attributes=None, last=0, length=None):
    attributes = attributes if attributes is not None else (
        struct.pack(">HH", 0x8000 | 14, bits) if bits else b"")
    return struct.pack(">BBHBBH", last, 0, 8 + len(attributes) if length is None else length, kind, 0,
                       number) + attributes


def proposal(protocol, spi, transforms, number=1, last=0, count=None, spi_size=None, length=None, marks=True):
    """transforms: (kind, number, bits) or octets. marks: each says whether another follows."""
    octets = b""
    for i, t in enumerate(transforms):
        made = t if isinstance(t, bytes) else transform(*t)
        if marks and not isinstance(t, bytes):
            made = bytes([3 if i + 1 < len(transforms) else 0]) + made[1:]
        octets += made
    return struct.pack(">BBHBBBB", last, 0, 8 + len(spi) + len(octets) if length is None else length, number,
                       protocol, len(spi) if spi_size is None else spi_size,
                       len(transforms) if count is None else count) + spi + octets


def ike_transforms(group=X25519):
    return [(ENCR, GCM16, 256), (PRF, HMAC_SHA256_PRF, 0), (GROUP, group, 0)]


def esp_transforms(group=None):
    return [(ENCR, GCM16, 128)] + ([(GROUP, group, 0)] if group else []) + [(ESN, 0, 0)]


def ike_sa(group=X25519, spi=b""):
    return proposal(IKE, spi, ike_transforms(group))


def ke(group, octets):
    return struct.pack(">HH", group, 0) + octets


def notify(kind, data=b"", protocol=0, spi=b"", spi_size=None):
    return struct.pack(">BBH", protocol, len(spi) if spi_size is None else spi_size,
                       N[kind] if isinstance(kind, str) else kind) + spi + data


def read_notify(body):
    """(type, data)"""
    _, spi_size, kind = struct.unpack(">BBH", body[:4])
    return kind, body[4 + spi_size:]


def delete(protocol, spis=(), spi_size=None, count=None):
    size = (len(spis[0]) if spis else 0) if spi_size is None else spi_size
    return struct.pack(">BBH", protocol, size, len(spis) if count is None else count) + b"".join(spis)


def ident(kind, octets):
    return bytes([kind, 0, 0, 0]) + octets


def auth(method, octets):
    return bytes([method, 0, 0, 0]) + octets


def address(text):
    return bytes(int(part) for part in text.split("."))


def selector(first, last, kind=7, protocol=0, ports=(0, 65535), length=None):
    octets = (address(first) if isinstance(first, str) else first) + (
        address(last) if isinstance(last, str) else last)
    return struct.pack(">BBHHH", kind, protocol, 8 + len(octets) if length is None else length,
                       *ports) + octets


def selectors(*made, count=None):
    return bytes([len(made) if count is None else count, 0, 0, 0]) + b"".join(made)
