"""What two IKEv2 peers compute (RFC 7296 2.13 to 2.18): secrets, key material, AUTH, the envelope of AES-GCM.

One suite: AES-256-GCM with a 16-octet tag, HMAC-SHA-256 as the PRF, any of three groups."""

import hashlib
import hmac
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import wire

KEY, SALT, HASH, IV, TAG = 32, 4, 32, 8, 16
RFC3526_2048 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF", 16)
VALUE = {wire.X25519: 32, wire.P256: 64, wire.MODP2048: 256}  # octets of a KE payload's value


def prf(key, *parts):
    return hmac.digest(key, b"".join(parts), hashlib.sha256)


def prf_plus(key, seed, octets):
    out, last, count = b"", b"", 1
    while len(out) < octets:
        last = prf(key, last, seed, bytes([count]))
        out += last
        count += 1
    return out[:octets]


class Exchange:
    """One key pair of a group."""

    def __init__(self, group):
        self.group = group
        if group == wire.X25519:
            self._own = x25519.X25519PrivateKey.generate()
            self.public = self._own.public_key().public_bytes(serialization.Encoding.Raw,
                                                              serialization.PublicFormat.Raw)
        elif group == wire.P256:
            self._own = ec.generate_private_key(ec.SECP256R1())
            self.public = self._own.public_key().public_bytes(
                serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]
        else:
            self._own = int.from_bytes(os.urandom(32), "big")
            self.public = pow(2, self._own, RFC3526_2048).to_bytes(256, "big")

    def shared(self, peer):
        if self.group == wire.X25519:
            return self._own.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
        if self.group == wire.P256:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + peer)
            return self._own.exchange(ec.ECDH(), point)
        return pow(int.from_bytes(peer, "big"), self._own, RFC3526_2048).to_bytes(256, "big")


class Keys:
    """Of one IKE SA. ours: are we its initiator?"""

    def __init__(self, ours, shared, nonces, spis, old_d=None):
        self.ours = ours
        seed = prf(old_d, shared, *nonces) if old_d else prf(b"".join(nonces), shared)
        octets = prf_plus(seed, b"".join((*nonces, *spis)), HASH + 2 * (KEY + SALT) + 2 * HASH)
        sizes = (HASH, KEY + SALT, KEY + SALT, HASH, HASH)
        parts = []
        for size in sizes:
            parts.append(octets[:size])
            octets = octets[size:]
        self.d, ei, er, pi, pr = parts
        self.out, self.into = (ei, er) if ours else (er, ei)
        self.p_own, self.p_peer = (pi, pr) if ours else (pr, pi)
        self.iv = 0

    def psk_auth(self, psk, own, octets, nonce, id_body):
        """The AUTH data of one side: over its IKE_SA_INIT, the other's nonce and its own ID."""
        key = self.p_own if own else self.p_peer
        return prf(prf(psk, b"Key Pad for IKEv2"), octets, nonce, prf(key, id_body))

    def seal(self, header, first, plain, pad=b"\0", skf=None, cut=0, flip=None, extra=b""):
        """A message with an SK payload (or SKF: (number, total)) that holds plain. pad: the padding with its
        length octet. cut: so many octets too short; flip: an octet to spoil; extra: behind the envelope."""
        self.iv += 1
        iv = struct.pack(">Q", self.iv)
        fields = struct.pack(">HH", *skf) if skf else b""
        body = len(fields) + IV + len(plain) + len(pad) + TAG
        aad = wire.head(header, wire.SKF if skf else wire.SK, 4 + body - cut + len(extra)) + struct.pack(
            ">BBH", first, 0, 4 + body - cut) + fields
        sealed = AESGCM(self.out[:KEY]).encrypt(self.out[KEY:] + iv, plain + pad, aad)
        whole = bytearray(aad + iv + sealed)
        if flip is not None:
            whole[flip] ^= 0x40
        return bytes(whole[:len(whole) - cut]) + extra

    def open(self, octets):
        """(Header, [P]) of a message from the peer; ValueError when it is not authentic."""
        return wire.read_header(octets)[0], wire.read_chain(octets[wire.HEADER], self.plain(octets))

    def plain(self, octets):
        """What the envelope holds."""
        _, first = wire.read_header(octets)
        skip = 4 if first == wire.SKF else 0
        if first not in (wire.SK, wire.SKF):
            raise ValueError("not protected")
        at = wire.HEADER + 4 + skip
        try:
            plain = AESGCM(self.into[:KEY]).decrypt(self.into[KEY:] + octets[at:at + IV], octets[at + IV:],
                                                    octets[:at])
        except InvalidTag as why:
            raise ValueError("not authentic") from why
        return plain[:len(plain) - 1 - plain[-1]]
