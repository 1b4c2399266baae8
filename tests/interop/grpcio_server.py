"""RouteGuide on an unmodified grpcio server, for the client under test.

Prints `listening on 127.0.0.1:PORT`, then a line of JSON for each thing a client might report wrongly. Ends on
SIGTERM, or when its standard input closes, so that it never outlives the test that started it.
"""

import argparse
import concurrent.futures
import json
import os
import signal
import sys
import threading
import time

import grpc

from route_guide import INT32_MAX, Schema, key, route_length

MOST_NOTES_OF_A_CALL = 10_000
FEATURES_BEFORE_AN_ABORT = 3


def main():
    # Waited for, and not handled: a handler that runs while this thread begins to wait for a threading.Event finds that
    # Event's own lock taken, and waits for ever.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    arguments = parse_arguments()
    schema = Schema(arguments.descriptors)
    with open(arguments.db, encoding="utf-8") as file:
        guide = Guide(schema, json.load(file), arguments.abort)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=32), options=arguments.option)
    for service in ("routeguide.RouteGuide", "RouteGuide"):
        server.add_generic_rpc_handlers((guide.handlers(service),))
    port = server.add_insecure_port(f"127.0.0.1:{arguments.port}")

    threading.Thread(target=end_with_standard_input, daemon=True).start()
    server.start()
    print(f"listening on 127.0.0.1:{port}", flush=True)
    signal.sigwait([signal.SIGTERM])
    server.stop(grace=10).wait()


def end_with_standard_input():
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--descriptors", required=True, help="file with the FileDescriptorSet of route_guide.proto")
    parser.add_argument("--db", required=True, help="JSON array of features, in the tutorial's format")
    parser.add_argument("--port", type=int, default=0, help="port to listen on, a free one unless it is given")
    parser.add_argument(
        "--option",
        type=option,
        action="append",
        metavar="NAME=NUMBER",
        help="setting of grpcio's server, such as grpc.max_concurrent_streams=1; repeatable",
    )
    parser.add_argument(
        "--abort",
        nargs=2,
        metavar=("CODE", "MESSAGE"),
        help=f"end every call with this status; a ListFeatures only after {FEATURES_BEFORE_AN_ABORT} features",
    )
    return parser.parse_args()


def option(text):
    """A setting of grpcio as it wants it."""
    name, number = text.split("=")
    return name, int(number)


class Guide:
    """The four methods over a list of features."""

    def __init__(self, schema, entries, abort):
        self.schema = schema
        self.features = [self.feature(entry["name"], entry["location"]) for entry in entries]
        self.by_location = {}
        for feature in self.features:
            self.by_location.setdefault(key(feature.location), feature)
        self.status = abort and (grpc.StatusCode[abort[0]], abort[1])

    def feature(self, name, location):
        return self.schema.Feature(name=name, location=self.schema.Point(**location))

    def handlers(self, service):
        """All methods under one service path."""
        implementations = {
            "GetFeature": self.get_feature,
            "ListFeatures": self.list_features,
            "RecordRoute": self.record_route,
            "RouteChat": self.route_chat,
        }
        table = {}
        for name, method in self.schema.methods.items():
            wrap = getattr(grpc, method.kind + "_rpc_method_handler")
            table[name] = wrap(
                implementations[name],
                request_deserializer=method.request.FromString,
                response_serializer=method.reply.SerializeToString,
            )
        return grpc.method_handlers_generic_handler(service, table)

    def get_feature(self, point, context):
        report("get_feature", at=key(point), peer=context.peer())
        self.abort_if_told(context)
        unnamed = self.schema.Feature(location=self.schema.Point(latitude=point.latitude, longitude=point.longitude))
        return self.by_location.get(key(point), unnamed)

    def list_features(self, rectangle, context):
        south, north = sorted((rectangle.lo.latitude, rectangle.hi.latitude))
        west, east = sorted((rectangle.lo.longitude, rectangle.hi.longitude))
        inside = [
            feature
            for feature in self.features
            if south <= feature.location.latitude <= north and west <= feature.location.longitude <= east
        ]
        if self.status:
            inside = inside[:FEATURES_BEFORE_AN_ABORT]
        report("list_features", names=[feature.name for feature in inside])
        yield from inside
        self.abort_if_told(context)

    def record_route(self, points, context):
        started = time.monotonic()
        self.abort_if_told(context)
        route = [key(point) for point in points]
        metres = int(route_length(route))
        if metres > INT32_MAX:
            context.abort(grpc.StatusCode.OUT_OF_RANGE, f"a route of {metres} m does not fit int32")
        summary = {
            "point_count": len(route),
            "feature_count": sum(point in self.by_location for point in route),
            "distance": metres,
            "elapsed_time": int(time.monotonic() - started),
        }
        report("record_route", **summary)
        return self.schema.RouteSummary(**summary)

    def route_chat(self, notes, context):
        self.abort_if_told(context)
        stored = {}
        for count, note in enumerate(notes):
            if count >= MOST_NOTES_OF_A_CALL:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"more than {MOST_NOTES_OF_A_CALL} notes in a call")
            earlier = stored.setdefault(key(note.location), [])
            report("route_chat", at=key(note.location), message=note.message[:80], answers=len(earlier))
            yield from earlier
            earlier.append(note)

    def abort_if_told(self, context):
        if self.status:
            context.abort(*self.status)


def report(method, **facts):
    """One line of JSON; one write, so that the lines of concurrent calls stay whole."""
    sys.stdout.write(json.dumps({"method": method, **facts}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
