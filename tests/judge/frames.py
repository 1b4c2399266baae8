"""Reads recorded connections with hyperframe and hpack, and prints what they hold.

The argument is a JSON file: an object with the bytes of each direction of each connection, in hexadecimal.
Standard output has the same object with lines in place of the bytes: a line for each frame, each header field and
each gRPC message. A direction that cannot be read to its end has a last line that says why.
"""

import json
import sys

from hpack import Decoder
from hyperframe.frame import Frame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Direction:
    def __init__(self):
        self.lines = []
        self.decoder = Decoder()
        self.block = b""
        self.grpc = set()
        self.bodies = {}

    def read(self, data):
        while data:
            frame, length = Frame.parse_frame_header(memoryview(data[:9]))
            if len(data) < 9 + length:
                raise ValueError(f"{length} bytes of payload were expected and {len(data) - 9} are there")
            frame.parse_body(memoryview(data[9 : 9 + length]))
            # hyperframe drops flags that its type does not define.
            undefined = data[4] & ~sum(flag.bit for flag in frame.defined_flags)
            data = data[9 + length :]
            self.frame(frame, length, undefined)

    def frame(self, frame, length, undefined):
        flags = undefined | sum(flag.bit for flag in frame.defined_flags if flag.name in frame.flags)
        self.lines.append(f"type {frame.type} flags {flags:#04x} stream {frame.stream_id} length {length}")
        name = type(frame).__name__
        if name in ("HeadersFrame", "ContinuationFrame"):
            self.block += frame.data
            if "END_HEADERS" in frame.flags:
                self.headers(frame.stream_id)
        elif name == "DataFrame" and frame.stream_id in self.grpc:
            self.body(frame.stream_id, frame.data)

    def headers(self, stream):
        fields = self.decoder.decode(self.block, raw=True)
        self.block = b""
        for name, value in fields:
            self.lines.append(f"  field {name.decode()}: {value.decode()}")
            if name == b"content-type" and value.startswith(b"application/grpc"):
                self.grpc.add(stream)

    def body(self, stream, data):
        body = self.bodies.get(stream, b"") + data
        while len(body) >= 5 and len(body) >= 5 + int.from_bytes(body[1:5], "big"):
            length = int.from_bytes(body[1:5], "big")
            self.lines.append(f"  message compressed {body[0]} length {length}")
            body = body[5 + length :]
        self.bodies[stream] = body


def lines(arrow, data):
    direction = Direction()
    try:
        if arrow == "->":
            if not data.startswith(PREFACE):
                raise ValueError("there is no preface")
            data = data[len(PREFACE) :]
        direction.read(data)
    except Exception as error:
        direction.lines.append(f"stopped: {type(error).__name__}: {error}")
    return direction.lines


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        connections = json.load(file)
    told = {
        name: {arrow: lines(arrow, bytes.fromhex(data)) for arrow, data in directions.items()}
        for name, directions in connections.items()
    }
    json.dump(told, sys.stdout)


main()
