"""tandemd asked by its socket, without a process for each question (proto/schema/control.proto)."""

import socket
import struct

SHOW_IKE, CLEAR_IKE, REKEY_IKE, REKEY_IPSEC, CLEAR_IPSEC, IKE_STATISTICS = 2, 10, 16, 17, 11, 95
ERROR, DONE = 4, 5


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """A number, or octets with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(octets):
    """(number, value) of each field of a message."""
    at = 0

    def take():
        nonlocal at
        number = shift = 0
        while True:
            octet = octets[at]
            at += 1
            number |= (octet & 0x7F) << shift
            shift += 7
            if not octet & 0x80:
                return number

    while at < len(octets):
        key = take()
        if key & 7 == 0:
            yield key >> 3, take()
        elif key & 7 == 2:
            size = take()
            yield key >> 3, octets[at:at + size]
            at += size
        else:
            raise ValueError(f"wire type {key & 7}")


class Control:
    """Life: one connection, open .. close()."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.socket.connect(path)

    def ask(self, command, body=b""):
        """The bodies of all parts of the answer: [(field number, octets)]."""
        request = field(1, 1) + field(command, body)
        self.socket.sendall(struct.pack(">I", len(request)) + request)
        parts, more = [], True
        while more:
            answer = list(fields(self._take(struct.unpack(">I", self._take(4))[0])))
            more = dict(answer).get(2, 0)
            parts += [(number, value) for number, value in answer if number > 3]
        for number, value in parts:
            if number == ERROR:
                raise RuntimeError(value.decode(errors="replace"))
        return parts

    def _take(self, octets):
        out = b""
        while len(out) < octets:
            more = self.socket.recv(octets - len(out))
            if not more:
                raise RuntimeError("tandemd closed the connection")
            out += more
        return out

    def touched(self, command, body):
        """How many objects a request did something to."""
        return sum(dict(fields(part)).get(2, 0) for number, part in self.ask(command, body) if number == DONE)

    def held(self):
        """{name: number} of what it holds and of its counters, in one."""
        found = {}
        for _, part in self.ask(IKE_STATISTICS):
            for _, counter in fields(part):
                known = dict(fields(counter))
                found[known[1].decode()] = known.get(2, 0)
        return found

    def close(self):
        self.socket.close()
