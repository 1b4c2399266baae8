"""RouteGuide on grpcio, with its ordinary server: threads, and the C core below them.

    server.py --addr 127.0.0.1:0 --db FILE
"""

import argparse
import json
import math
import time
from concurrent import futures

import grpc
import route_guide_pb2 as pb
import route_guide_pb2_grpc as rpc

WINDOW = 1 << 20


def key(point):
    return point.latitude, point.longitude


def distance(start, end):
    """The great circle between two points in metres, by the haversine formula."""
    lat1, lon1, lat2, lon2 = (math.radians(e7 * 1e-7) for e7 in (*start, *end))
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371000 * math.atan2(math.sqrt(a), math.sqrt(1 - a))


class Guide(rpc.RouteGuideServicer):
    def __init__(self, entries):
        self.features = [pb.Feature(name=e["name"], location=pb.Point(**e["location"])) for e in entries]
        self.at = {key(f.location): f for f in self.features}

    def GetFeature(self, point, context):
        return self.at.get(key(point)) or pb.Feature(location=point)

    def ListFeatures(self, rectangle, context):
        south, north = sorted((rectangle.lo.latitude, rectangle.hi.latitude))
        west, east = sorted((rectangle.lo.longitude, rectangle.hi.longitude))
        for feature in self.features:
            latitude, longitude = key(feature.location)
            if south <= latitude <= north and west <= longitude <= east:
                yield feature

    def RecordRoute(self, points, context):
        start, count, known, length, last = time.monotonic(), 0, 0, 0.0, None
        for point in points:
            here = key(point)
            count += 1
            known += here in self.at
            if last is not None:
                length += distance(last, here)
            last = here
        if length > 0x7FFFFFFF:
            context.abort(grpc.StatusCode.OUT_OF_RANGE, "the route is longer than 2,147,483,647 metres")
        elapsed = int(time.monotonic() - start)
        return pb.RouteSummary(point_count=count, feature_count=known, distance=int(length), elapsed_time=elapsed)

    def RouteChat(self, notes, context):
        told = {}
        for note in notes:
            earlier = told.setdefault(key(note.location), [])
            yield from earlier
            earlier.append(note)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addr", default="127.0.0.1:0")
    parser.add_argument("--db", required=True)
    args = parser.parse_args()
    with open(args.db, encoding="utf-8") as file:
        guide = Guide(json.load(file))
    # A thread for each call that may be open at once: RouteChat holds its thread until it ends.
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=128),
        options=[("grpc.http2.lookahead_bytes", WINDOW), ("grpc.max_receive_message_length", 64 << 20)],
    )
    rpc.add_RouteGuideServicer_to_server(guide, server)
    port = server.add_insecure_port(args.addr)
    server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
