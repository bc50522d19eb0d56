"""Just enough protobuf for tests: reads dataplane.proto itself, so no generated code and no package.

encode(schema, "Request", {"id": 1, "hello": {}}) and decode(schema, "Output", octets) use plain
dicts; repeated fields are lists, bytes are bytes, enums are their names or numbers.
"""
import re


def parse(path):
    text = re.sub(r"//[^\n]*", "", open(path, encoding="utf-8").read())
    messages, enums = {}, {}
    for kind, name, body in re.findall(r"\b(message|enum)\s+(\w+)\s*\{((?:[^{}]|\{[^{}]*\})*)\}", text):
        if kind == "enum":
            enums[name] = {k: int(v) for k, v in re.findall(r"(\w+)\s*=\s*(\d+)\s*;", body)}
            continue
        fields = {}
        for rep, ftype, fname, num in re.findall(
            r"(?:^|[;{\s])(repeated\s+)?(\w+)\s+(\w+)\s*=\s*(\d+)\s*;", body
        ):
            fields[fname] = (int(num), ftype, bool(rep))
        messages[name] = fields
    return messages, enums


def varint(v):
    out = bytearray()
    v &= (1 << 64) - 1
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def encode(schema, name, values):
    messages, enums = schema
    out = bytearray()
    for key, value in values.items():
        num, ftype, rep = messages[name][key]
        for v in value if rep else [value]:
            if ftype in ("bytes", "string"):
                v = v.encode() if isinstance(v, str) else bytes(v)
                out += varint(num << 3 | 2) + varint(len(v)) + v
            elif ftype in messages:
                sub = encode(schema, ftype, v)
                out += varint(num << 3 | 2) + varint(len(sub)) + sub
            else:
                if ftype in enums and isinstance(v, str):
                    v = enums[ftype][v]
                out += varint(num << 3) + varint(int(v))
    return bytes(out)


def read_varint(b, at):
    v = shift = 0
    while True:
        c = b[at]
        at += 1
        v |= (c & 127) << shift
        shift += 7
        if c < 128:
            return v, at


def decode(schema, name, b):
    messages, enums = schema
    fields = messages[name]
    by_num = {num: (key, ftype, rep) for key, (num, ftype, rep) in fields.items()}
    out = {}
    for key, (num, ftype, rep) in fields.items():
        if rep:
            out[key] = []
        elif ftype not in messages:
            out[key] = {"string": "", "bytes": b"", "bool": False}.get(ftype, 0)
    at = 0
    while at < len(b):
        tag, at = read_varint(b, at)
        key, ftype, rep = by_num[tag >> 3]
        if tag & 7 == 2:
            n, at = read_varint(b, at)
            raw, at = b[at : at + n], at + n
            if ftype == "string":
                v = raw.decode()
            elif ftype in messages:
                v = decode(schema, ftype, raw)
            elif ftype == "bytes":
                v = raw
            else:  # packed numbers
                pos = 0
                while pos < len(raw):
                    v, pos = read_varint(raw, pos)
                    out[key].append(v)
                continue
        else:
            v, at = read_varint(b, at)
            if ftype == "bool":
                v = bool(v)
        if rep:
            out[key].append(v)
        else:
            out[key] = v
    return out
