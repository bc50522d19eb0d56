"""Captures of a lab, and what they prove about ESP and IKE.

    python3 capture.py FILE      as JSON

Reads pcap files of Ethernet: ESP as IP protocol 50 and in UDP 4500, IKE on UDP 500 and 4500. The IV is taken
as the first eight octets of the payload, as AES-GCM has it (RFC 4106 3.1).
"""

import ipaddress
import json
import os
import struct
import sys

EXCHANGES = {34: "IKE_SA_INIT", 35: "IKE_AUTH", 36: "CREATE_CHILD_SA", 37: "INFORMATIONAL"}
MAGIC = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}  # nanoseconds in a unit of the stamps' fraction
RESPONSE = 0x20


def packets(path):
    """(nanoseconds, frame) of each complete record of a pcap file."""
    with open(path, "rb") as file:
        data = memoryview(file.read())
    unit = MAGIC.get(struct.unpack_from("<I", data)[0]) if len(data) >= 24 else None
    if unit is None or struct.unpack_from("<I", data, 20)[0] != 1:
        raise ValueError(f"{path} is not a little-endian pcap file of Ethernet")
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + kept]
        if len(frame) < kept:
            return  # tcpdump was ended in the middle of a record
        yield seconds * 1000000000 + fraction * unit, frame
        at += 16 + kept


def ip_parts(frame):
    """(source, destination, protocol, where it begins, where the packet ends), or None: no IP, or not its
    beginning. IPv6 without extension headers."""
    kind = bytes(frame[12:14])
    if kind == b"\x86\xdd" and len(frame) >= 54:
        return (bytes(frame[22:38]), bytes(frame[38:54]), frame[20], 54,
                54 + (frame[18] << 8 | frame[19]))
    if kind != b"\x08\x00" or len(frame) < 34 or (frame[20] & 0x1F) or frame[21]:
        return None  # a later fragment
    return (bytes(frame[26:30]), bytes(frame[30:34]), frame[23], 14 + (frame[14] & 15) * 4,
            14 + (frame[16] << 8 | frame[17]))


def carried(frame):
    """(source, destination, "esp" or "ike", octets) of a frame, or None when it carries neither."""
    found = ip_parts(frame)
    if not found:
        return None
    *ends, protocol, header, total = found
    if protocol == 50:
        return *ends, "esp", frame[header:total]
    if protocol != 17 or total < header + 8:
        return None
    ports = struct.unpack_from(">HH", frame, header)
    body = frame[header + 8:total]
    if 4500 in ports:
        if len(body) < 8:
            return None  # a keepalive
        is_ike = bytes(body[:4]) == b"\0\0\0\0"
        return (*ends, "ike", body[4:]) if is_ike else (*ends, "esp", body)
    return (*ends, "ike", body) if 500 in ports else None


def dotted(octets):
    return str(ipaddress.ip_address(octets))


class Esp:
    """One SPI towards one destination."""

    def __init__(self, source, destination):
        self.source, self.destination = source, destination
        self.packets = self.repeated_sequences = self.repeated_ivs = 0
        self.lowest, self.highest = 2**32, 0
        self.sequences, self.ivs = set(), set()

    def add(self, octets):
        sequence = struct.unpack_from(">I", octets, 4)[0]
        iv = bytes(octets[8:16])
        self.packets += 1
        self.repeated_sequences += sequence in self.sequences
        self.repeated_ivs += iv in self.ivs
        self.sequences.add(sequence)
        self.ivs.add(iv)
        self.lowest, self.highest = min(self.lowest, sequence), max(self.highest, sequence)

    def as_json(self):
        return {"from": dotted(self.source), "to": dotted(self.destination), "packets": self.packets,
                "lowest": self.lowest, "highest": self.highest,
                "repeated_sequences": self.repeated_sequences, "repeated_ivs": self.repeated_ivs}


def analyse(path, since_ns=0, until_ns=2**64):
    """ESP by SPI, and IKE exchanges: distinct requests, and how many of them were sent by whom."""
    esp, requests, responses = {}, {}, set()
    for stamp, frame in packets(path):
        found = carried(frame) if since_ns <= stamp < until_ns else None
        if not found:
            continue
        source, destination, kind, octets = found
        if kind == "esp" and len(octets) >= 16:
            spi = struct.unpack_from(">I", octets)[0]
            key = (destination, spi)
            if key not in esp:
                esp[key] = Esp(source, destination)
            esp[key].add(octets)
        elif kind == "ike" and len(octets) >= 28:
            initiator, _, exchange, flags, number = struct.unpack_from(">8s8sxxBBI", octets)
            if flags & RESPONSE:
                responses.add((initiator, exchange, number))
            else:  # a cookie or a new group makes another request of the same SPI and number 0
                requests.setdefault((initiator, exchange, number, source), []).append(bytes(octets))
    ike = {name: {} for name in EXCHANGES.values()}
    for (_, exchange, _, source) in requests:
        if exchange in EXCHANGES:
            by = ike[EXCHANGES[exchange]]
            by[dotted(source)] = by.get(dotted(source), 0) + 1
    return {"esp": {f"{spi:08x}": one.as_json() for (_, spi), one in sorted(esp.items())},
            "ike": {name: {"requests": sum(by.values()), "by": by} for name, by in ike.items()},
            "retransmitted_requests": sum(len(sent) - 1 for sent in requests.values())}


class Capture:
    """tcpdump on one interface of a lab's host. Life: start() .. stop(), then analyse(path)."""

    FILTER = "esp or udp port 500 or udp port 4500"

    def __init__(self, lab, host, device, path, only=FILTER):
        from labkit.proc import Proc
        self.lab, self.host, self.device, self.path, self.only = lab, host, device, path, only
        self.out = path + ".tcpdump.out"
        self.proc = Proc(f"tcpdump on {host} {device}", path + ".pid")

    def start(self):
        from labkit import wait
        # without immediate mode up to a second of frames is forgotten when it ends
        argv = ["tcpdump", "-Z", "root", "-i", self.device, "-n", "-U", "--immediate-mode", "-B", "16384",
                "-s", "200", "-w", self.path, self.only]
        self.proc.start(self.lab.argv_for(self.host, argv), self.out)
        wait.until(lambda: "listening on" in self._said(), 10, f"tcpdump listens on {self.device}")

    def _said(self):
        with open(self.out, encoding="utf-8", errors="replace") as text:
            return text.read()

    def stop(self):
        """RuntimeError when the kernel dropped frames: such a capture proves nothing."""
        self.proc.stop()
        if "0 packets dropped by kernel" not in self._said():
            raise RuntimeError(f"{self.proc.name} lost frames: {self._said()}")
        return self.path

    def analyse(self, since_ns=0, until_ns=2**64):
        return analyse(self.path, since_ns, until_ns)


def repeats(analysis):
    """(packets, repeated sequence numbers, repeated IVs) over all SPIs."""
    rows = analysis["esp"].values()
    return tuple(sum(row[key] for row in rows)
                 for key in ("packets", "repeated_sequences", "repeated_ivs"))


if __name__ == "__main__":
    if len(sys.argv) != 2 or not os.path.exists(sys.argv[1]):
        sys.exit(__doc__)
    print(json.dumps(analyse(sys.argv[1]), indent=1))
