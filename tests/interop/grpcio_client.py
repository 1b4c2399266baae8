"""An unmodified grpcio client that calls a RouteGuide server and checks the answers itself.

Runs the one check it is asked for: exit code 0 when it holds, otherwise a traceback.
"""

import argparse
import faulthandler
import os
import queue
import random
import signal
import socket
import time

import grpc

from route_guide import Schema, key, route_length

# Ends a call that would otherwise hang, long before the check as a whole is given up.
CALL_SECONDS = 120
CHECK_SECONDS = 240

TRAIL = (409146138, -746188906)
TRAIL_NAME = "Berkshire Valley Management Area Trail, Jefferson, NJ, USA"
SOUTH_WEST = (400000000, -750000000)
NORTH_EAST = (420000000, -730000000)
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
# The most that a server takes in one message unless it is told otherwise.
MESSAGE_LIMIT = 4 * 1024 * 1024


class Steps:
    """What several checks do. `self.GetFeature` and so on are the server's methods."""

    def __init__(self, arguments, channel):
        self.address = arguments.address
        self.service = arguments.service
        self.server_pid = arguments.server_pid
        self.schema = Schema(arguments.descriptors)
        self.channel = channel
        for name, method in self.schema.methods.items():
            call = getattr(channel, method.kind)(
                f"/{self.service}/{name}",
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.reply.FromString,
            )
            setattr(self, name, call)

    def point(self, place):
        return self.schema.Point(latitude=place[0], longitude=place[1])

    def rectangle(self, lo, hi):
        return self.schema.Rectangle(lo=self.point(lo), hi=self.point(hi))

    def features_between(self, lo, hi):
        return list(self.ListFeatures(self.rectangle(lo, hi), timeout=CALL_SECONDS))

    def known_places(self):
        return {key(f.location) for f in self.features_between((INT32_MIN, INT32_MIN), (INT32_MAX, INT32_MAX))}

    def record(self, route):
        """The summary of a route, its distance and time checked."""
        started = time.monotonic()
        summary = self.RecordRoute((self.point(place) for place in route), timeout=CALL_SECONDS)
        within(summary.distance, route_length(route), 1)
        equal(0 <= summary.elapsed_time <= time.monotonic() - started, True)
        return summary

    def fails_as_unimplemented(self, path):
        error = status_of(lambda: self.channel.unary_unary(path)(b"", timeout=CALL_SECONDS))
        equal(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.still_answers()

    def still_answers(self):
        """A plain call over the channel that something has just gone wrong on."""
        equal(self.GetFeature(self.point(TRAIL), timeout=CALL_SECONDS).name, TRAIL_NAME)


class Checks(Steps):
    """One method per check."""

    # GetFeature

    def get_feature_of_the_trail(self):
        feature = self.GetFeature(self.point(TRAIL), timeout=CALL_SECONDS)
        equal(feature.name, TRAIL_NAME)
        equal(key(feature.location), TRAIL)

    def get_feature_where_nothing_is_known(self):
        for place in ((0, 0), (INT32_MIN, INT32_MAX), (INT32_MAX, INT32_MIN)):
            feature = self.GetFeature(self.point(place), timeout=CALL_SECONDS)
            equal(feature.name, "")
            equal(feature.HasField("location"), True)
            equal(key(feature.location), place)

    # ListFeatures

    def list_features_of_a_rectangle(self):
        features = self.features_between(SOUTH_WEST, NORTH_EAST)
        at_least(len(features), 100)
        for feature in features:
            latitude, longitude = key(feature.location)
            inside = SOUTH_WEST[0] <= latitude <= NORTH_EAST[0] and SOUTH_WEST[1] <= longitude <= NORTH_EAST[1]
            equal((inside, feature.name), (True, feature.name))
        equal([f.name for f in features if key(f.location) == TRAIL], [TRAIL_NAME])

    def list_features_with_swapped_corners(self):
        features = self.features_between(SOUTH_WEST, NORTH_EAST)
        at_least(len(features), 100)
        equal(self.features_between(NORTH_EAST, SOUTH_WEST), features)
        south_east, north_west = (SOUTH_WEST[0], NORTH_EAST[1]), (NORTH_EAST[0], SOUTH_WEST[1])
        equal(self.features_between(south_east, north_west), features)

    def list_features_of_a_single_point(self):
        equal([feature.name for feature in self.features_between(TRAIL, TRAIL)], [TRAIL_NAME])

    # RecordRoute

    def record_route_of_10_known_points(self):
        route = random.choices(sorted(self.known_places()), k=10)
        summary = self.record(route)
        equal((summary.point_count, summary.feature_count), (10, 10))

    def record_route_of_100_000_points_in_a_frame_each(self):
        known = self.known_places()
        stops = sorted(known)
        route = []
        latitude, longitude = TRAIL
        for step in range(100_000):
            if step % 1000 == 0:
                route.append(random.choice(stops))
            else:
                latitude += random.randint(-1000, 1000)
                longitude += random.randint(-1000, 1000)
                route.append((latitude, longitude))
        summary = self.record(route)
        equal(summary.point_count, 100_000)
        equal(summary.feature_count, sum(place in known for place in route))

    def record_route_of_no_points(self):
        summary = self.record([])
        equal((summary.point_count, summary.feature_count, summary.distance), (0, 0, 0))

    # RouteChat

    def route_chat_of_five_notes(self):
        places = ((0, 1), (0, 2), (0, 3), (0, 1), (0, 3))
        chat = Chat(self, timeout=CALL_SECONDS)
        for number, place in enumerate(places, start=1):
            chat.say(place, f"note {number}")
        chat.end()
        answers = [(key(note.location), note.message) for note in chat.answers]
        equal(answers, [((0, 1), "note 1"), ((0, 3), "note 3")])
        equal(chat.answers.code(), grpc.StatusCode.OK)

    def route_chat_answers_while_it_is_open(self):
        chat = Chat(self, timeout=CALL_SECONDS)
        for number in range(20):
            chat.say((0, 1), f"note {number}")
            for earlier in range(number):
                equal(next(chat.answers).message, f"note {earlier}")
        chat.end()
        equal(list(chat.answers), [])

    def route_chat_shares_nothing_between_calls(self):
        for _ in range(2):
            chat = Chat(self, timeout=CALL_SECONDS)
            chat.say((0, 1), "is anybody here?")
            chat.end()
            equal(list(chat.answers), [])

    def route_chat_with_a_note_of_1_mib(self):
        text = "".join(random.choices("abcdefgh", k=1024)) * 1024
        chat = Chat(self, timeout=CALL_SECONDS)
        chat.say((0, 1), text)
        chat.say((0, 1), "the end")
        chat.end()
        equal([note.message == text for note in chat.answers], [True])

    # What docs/peers.md is about

    def four_calls_and_one_that_fails(self):
        hills = (409439900, -746707200)
        self.still_answers()
        equal(len(self.features_between((409000000, -747000000), (410000000, -746000000))), 2)
        equal(self.record([TRAIL, hills]).feature_count, 2)
        chat = Chat(self, timeout=CALL_SECONDS)
        for number, place in enumerate(((0, 1), (0, 2), (0, 1)), start=1):
            chat.say(place, f"note {number}")
        chat.end()
        equal([note.message for note in chat.answers], ["note 1"])
        call = self.channel.unary_unary(f"/{self.service}/DropFeature")
        request = self.point(TRAIL).SerializeToString()
        equal(status_of(lambda: call(request, timeout=CALL_SECONDS)).code(), grpc.StatusCode.UNIMPLEMENTED)

    # Everything around the four methods

    def unknown_method_is_unimplemented(self):
        self.fails_as_unimplemented(f"/{self.service}/DropFeature")

    def unknown_service_is_unimplemented(self):
        self.fails_as_unimplemented("/elsewhere.Guide/GetFeature")

    def deadline_ends_an_endless_chat(self):
        chat = Chat(self, timeout=0.2)
        chat.say((0, 1), "take your time")
        equal(status_of(lambda: list(chat.answers)).code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        chat.end()
        self.still_answers()

    def cancelled_calls_leave_the_channel_alone(self):
        for _ in range(20):
            chat = Chat(self, timeout=CALL_SECONDS)
            chat.say((0, 1), "never mind")
            chat.say((0, 1), "or wait")
            equal(next(chat.answers).message, "never mind")
            chat.answers.cancel()
            equal(status_of(lambda: list(chat.answers)).code(), grpc.StatusCode.CANCELLED)
            chat.end()
            stream = self.ListFeatures(self.rectangle(SOUTH_WEST, NORTH_EAST), timeout=CALL_SECONDS)
            next(stream)
            stream.cancel()
        self.still_answers()

    def metadata_does_no_harm(self):
        metadata = (
            ("x-plain", "a value, with commas, in it"),
            ("x-plain", "a second value of the same name"),
            ("x-raw-bin", bytes(range(256))),
            ("x-raw-bin", b""),
            ("x-raw-bin", b"\x00"),
        )
        feature, call = self.GetFeature.with_call(self.point(TRAIL), metadata=metadata, timeout=CALL_SECONDS)
        equal((feature.name, call.code()), (TRAIL_NAME, grpc.StatusCode.OK))

    def twenty_routes_of_10_000_points_in_a_frame_each_in_bounded_memory(self):
        route = [(TRAIL[0] + step, TRAIL[1] - step) for step in range(10_000)]
        for _ in range(20):
            equal(self.record(route).point_count, 10_000)
        at_most(peak_memory_mib(self.server_pid), 64)

    def concurrent_calls_over_one_channel(self):
        known = {key(f.location): f.name for f in self.features_between(SOUTH_WEST, NORTH_EAST)}
        places = [*random.choices(sorted(known), k=100), *((number, number) for number in range(100))]
        calls = [self.GetFeature.future(self.point(place), timeout=CALL_SECONDS) for place in places]
        for place, call in zip(places, calls):
            feature = call.result()
            equal((key(feature.location), feature.name), (place, known.get(place, "")))

    def request_over_4_mib_is_resource_exhausted(self):
        length = MESSAGE_LIMIT + 1024
        unknown_field = b"\x7a" + varint(length) + bytes(length)
        call = self.channel.unary_unary(f"/{self.service}/GetFeature")
        error = status_of(lambda: call(unknown_field, timeout=CALL_SECONDS))
        equal(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.still_answers()

    def note_over_4_mib_is_resource_exhausted(self):
        chat = Chat(self, timeout=CALL_SECONDS)
        chat.say((0, 1), "x" * (MESSAGE_LIMIT + 1024))
        equal(status_of(lambda: list(chat.answers)).code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        chat.end()
        self.still_answers()

    def sigterm_lets_a_running_chat_end(self):
        chat = Chat(self, timeout=CALL_SECONDS)
        chat.say((0, 1), "first")
        chat.say((0, 1), "second")
        equal(next(chat.answers).message, "first")
        os.kill(self.server_pid, signal.SIGTERM)
        wait_until_refused(self.address)
        chat.say((0, 1), "third")
        chat.end()
        equal([note.message for note in chat.answers], ["first", "second"])
        equal(chat.answers.code(), grpc.StatusCode.OK)


class Chat:
    """A RouteChat whose notes are sent one by one; `answers` is the call."""

    def __init__(self, checks, timeout):
        self.schema = checks.schema
        self.point = checks.point
        self.notes = queue.Queue()
        self.answers = checks.RouteChat(iter(self.notes.get, None), timeout=timeout)

    def say(self, place, message):
        self.notes.put(self.schema.RouteNote(location=self.point(place), message=message))

    def end(self):
        self.notes.put(None)


def status_of(call):
    """The error that `call` must raise; it carries the call's status."""
    try:
        answer = call()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"expected the call to fail, found {str(answer)[:200]!r}")


def wait_until_refused(address):
    """Returns when nobody listens at `address` any more."""
    host, port = address.split(":")
    give_up = time.monotonic() + CALL_SECONDS
    while time.monotonic() < give_up:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except ConnectionRefusedError:
            return
        except OSError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"{address} still takes connections {CALL_SECONDS} s after SIGTERM")


def varint(number):
    """A number as a protobuf varint."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def equal(found, expected):
    if found != expected:
        raise AssertionError(f"expected {str(expected)[:2000]!r}, found {str(found)[:2000]!r}")


def at_most(found, most):
    print(f"{found}, of {most} allowed")
    if found > most:
        raise AssertionError(f"expected at most {most}, found {found}")


def peak_memory_mib(pid):
    """The most memory that a process has had resident."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def at_least(found, least):
    if found < least:
        raise AssertionError(f"expected at least {least}, found {found}")


def within(found, expected, tolerance):
    if abs(found - expected) > tolerance:
        raise AssertionError(f"expected {expected} +/- {tolerance}, found {found}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="host:port of the server")
    parser.add_argument("--service", required=True, help="path of the service, without slashes")
    parser.add_argument("--descriptors", required=True, help="file with the FileDescriptorSet of route_guide.proto")
    parser.add_argument("--server-pid", type=int, help="the process that a check may stop")
    parser.add_argument("check", choices=[name for name in vars(Checks) if not name.startswith("__")])
    arguments = parser.parse_args()
    faulthandler.dump_traceback_later(CHECK_SECONDS, exit=True)
    with grpc.insecure_channel(arguments.address) as channel:
        getattr(Checks(arguments, channel), arguments.check)()
    print("holds:", arguments.check)


if __name__ == "__main__":
    main()
