"""What the grpcio client and the grpcio server share: RouteGuide's messages and methods, and the geometry.

Nothing here is generated: the message classes and the method table come from the FileDescriptorSet that the
build of the crate under test has compiled, so both sides speak of one .proto file.
"""

import math

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

EARTH_RADIUS_METRES = 6_371_000
INT32_MAX = 2**31 - 1


class Schema:
    """Message classes as attributes (`schema.Point`) and the methods by name, with their kinds in grpcio's words."""

    def __init__(self, descriptor_set_file):
        with open(descriptor_set_file, "rb") as file:
            files = descriptor_pb2.FileDescriptorSet.FromString(file.read())
        pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            pool.Add(file)
        for name in ("Point", "Rectangle", "Feature", "RouteNote", "RouteSummary"):
            descriptor = pool.FindMessageTypeByName("routeguide." + name)
            setattr(self, name, message_factory.GetMessageClass(descriptor))
        self.methods = {
            method.name: Method(method)
            for method in pool.FindServiceByName("routeguide.RouteGuide").methods
        }


class Method:
    """One method: `kind` is one of unary_unary, unary_stream, stream_unary and stream_stream."""

    def __init__(self, descriptor):
        sides = (descriptor.client_streaming, descriptor.server_streaming)
        self.kind = "_".join("stream" if streaming else "unary" for streaming in sides)
        self.request = message_factory.GetMessageClass(descriptor.input_type)
        self.reply = message_factory.GetMessageClass(descriptor.output_type)


def key(point):
    """A point as a hashable pair, in E7 units."""
    return point.latitude, point.longitude


def route_length(points):
    """Metres along the great circles between the pairs of E7 integers in `points` (haversine formula)."""
    return math.fsum(distance(start, end) for start, end in zip(points, points[1:]))


def distance(start, end):
    """Metres between two pairs of E7 integers."""
    phi_1, lambda_1, phi_2, lambda_2 = (math.radians(e7 / 1e7) for e7 in (*start, *end))
    across = math.sin((phi_2 - phi_1) / 2) ** 2
    along = math.cos(phi_1) * math.cos(phi_2) * math.sin((lambda_2 - lambda_1) / 2) ** 2
    half_chord = min(1.0, math.sqrt(across + along))
    return 2 * EARTH_RADIUS_METRES * math.asin(half_chord)
