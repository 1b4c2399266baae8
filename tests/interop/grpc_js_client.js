// An unmodified grpc-js client that calls a RouteGuide server and checks the answers itself.
//
// Runs the one check it is asked for: exit code 0 when it holds, otherwise a stack trace. The checks are those of
// grpcio_client.py, under the same names.
"use strict";

const assert = require("node:assert/strict");
const { once } = require("node:events");
const fs = require("node:fs");
const net = require("node:net");
const { setTimeout: pause } = require("node:timers/promises");
const { parseArgs } = require("node:util");

const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

// Ends a call that would otherwise hang, long before the check as a whole is given up.
const CALL_SECONDS = 120;
const CHECK_SECONDS = 240;

const EARTH_RADIUS_METRES = 6_371_000;
const TRAIL = [409146138, -746188906];
const TRAIL_NAME = "Berkshire Valley Management Area Trail, Jefferson, NJ, USA";
const SOUTH_WEST = [400000000, -750000000];
const NORTH_EAST = [420000000, -730000000];
const [INT32_MIN, INT32_MAX] = [-(2 ** 31), 2 ** 31 - 1];
// The most that a server takes in one message unless it is told otherwise.
const MESSAGE_LIMIT = 4 * 1024 * 1024;

const CHECKS = {
  async get_feature_of_the_trail(guide) {
    const feature = await guide.getFeature(TRAIL);
    assert.equal(feature.name, TRAIL_NAME);
    assert.deepEqual(place(feature.location), TRAIL);
  },

  async get_feature_where_nothing_is_known(guide) {
    for (const nowhere of [[0, 0], [INT32_MIN, INT32_MAX], [INT32_MAX, INT32_MIN]]) {
      const feature = await guide.getFeature(nowhere);
      assert.equal(feature.name, "");
      assert.deepEqual(place(feature.location), nowhere);
    }
  },

  async list_features_of_a_rectangle(guide) {
    const features = await guide.featuresBetween(SOUTH_WEST, NORTH_EAST);
    assert.ok(features.length >= 100, `expected at least 100 features, found ${features.length}`);
    for (const feature of features) {
      const inside = [0, 1].every((axis) => {
        const e7 = place(feature.location)[axis];
        return SOUTH_WEST[axis] <= e7 && e7 <= NORTH_EAST[axis];
      });
      assert.ok(inside, `outside the rectangle: ${JSON.stringify(feature)}`);
    }
    assert.ok(features.some((feature) => feature.name === TRAIL_NAME));
  },

  async list_features_with_swapped_corners(guide) {
    const features = await guide.featuresBetween(SOUTH_WEST, NORTH_EAST);
    assert.ok(features.length >= 100, `expected at least 100 features, found ${features.length}`);
    assert.deepEqual(await guide.featuresBetween(NORTH_EAST, SOUTH_WEST), features);
    const [southEast, northWest] = [[SOUTH_WEST[0], NORTH_EAST[1]], [NORTH_EAST[0], SOUTH_WEST[1]]];
    assert.deepEqual(await guide.featuresBetween(southEast, northWest), features);
  },

  async list_features_of_a_single_point(guide) {
    const features = await guide.featuresBetween(TRAIL, TRAIL);
    assert.deepEqual(features.map((feature) => feature.name), [TRAIL_NAME]);
  },

  async record_route_of_10_known_points(guide) {
    const known = await guide.knownPlaces();
    const route = Array.from({ length: 10 }, () => pick(known));
    const summary = await guide.recordRoute(route);
    assert.deepEqual([summary.point_count, summary.feature_count], [10, 10]);
  },

  async record_route_of_100_000_points_in_a_frame_each(guide) {
    const stops = await guide.knownPlaces();
    const known = new Set(stops.map(String));
    const walker = [...TRAIL];
    const route = Array.from({ length: 100_000 }, (_, step) => {
      if (step % 1000 === 0) return pick(stops);
      walker.forEach((_, axis) => (walker[axis] += Math.floor(Math.random() * 2001) - 1000));
      return [...walker];
    });
    const summary = await guide.recordRoute(route);
    assert.equal(summary.point_count, 100_000);
    assert.equal(summary.feature_count, route.filter((stop) => known.has(String(stop))).length);
  },

  async record_route_of_no_points(guide) {
    const summary = await guide.recordRoute([]);
    assert.deepEqual([summary.point_count, summary.feature_count, summary.distance], [0, 0, 0]);
  },

  async route_chat_of_five_notes(guide) {
    const chat = guide.chat();
    [[0, 1], [0, 2], [0, 3], [0, 1], [0, 3]].forEach((at, index) => chat.say(at, `note ${index + 1}`));
    chat.end();
    const answers = await chat.answers();
    assert.deepEqual(answers.map((note) => [place(note.location), note.message]), [
      [[0, 1], "note 1"],
      [[0, 3], "note 3"],
    ]);
  },

  async route_chat_answers_while_it_is_open(guide) {
    const chat = guide.chat();
    for (let number = 0; number < 20; number += 1) {
      chat.say([0, 1], `note ${number}`);
      for (let earlier = 0; earlier < number; earlier += 1) {
        assert.equal((await chat.answer()).message, `note ${earlier}`);
      }
    }
    chat.end();
    assert.deepEqual(await chat.answers(), []);
  },

  async route_chat_shares_nothing_between_calls(guide) {
    for (let round = 0; round < 2; round += 1) {
      const chat = guide.chat();
      chat.say([0, 1], "is anybody here?");
      chat.end();
      assert.deepEqual(await chat.answers(), []);
    }
  },

  async route_chat_with_a_note_of_1_mib(guide) {
    const text = Array.from({ length: 1024 }, () => pick("abcdefgh")).join("").repeat(1024);
    const chat = guide.chat();
    chat.say([0, 1], text);
    chat.say([0, 1], "the end");
    chat.end();
    const answers = await chat.answers();
    assert.deepEqual(answers.map((note) => note.message === text), [true]);
  },

  // What docs/peers.md is about.
  async four_calls_and_one_that_fails(guide) {
    await guide.stillAnswers();
    const features = await guide.featuresBetween([409000000, -747000000], [410000000, -746000000]);
    assert.equal(features.length, 2);
    assert.equal((await guide.recordRoute([TRAIL, [409439900, -746707200]])).feature_count, 2);
    const chat = guide.chat();
    [[0, 1], [0, 2], [0, 1]].forEach((at, index) => chat.say(at, `note ${index + 1}`));
    chat.end();
    assert.deepEqual((await chat.answers()).map((note) => note.message), ["note 1"]);
    const request = Buffer.from("089aa68cc30110969f989cfdffffffff01", "hex");
    await rejectsWith(grpc.status.UNIMPLEMENTED, guide.raw(`/${guide.service}/DropFeature`, request));
    guide.stub.close();
  },

  async unknown_method_is_unimplemented(guide) {
    await rejectsWith(grpc.status.UNIMPLEMENTED, guide.raw(`/${guide.service}/DropFeature`, Buffer.alloc(0)));
    await guide.stillAnswers();
  },

  async unknown_service_is_unimplemented(guide) {
    await rejectsWith(grpc.status.UNIMPLEMENTED, guide.raw("/elsewhere.Guide/GetFeature", Buffer.alloc(0)));
    await guide.stillAnswers();
  },

  async deadline_ends_an_endless_chat(guide) {
    const chat = guide.chat(0.2);
    chat.say([0, 1], "take your time");
    await rejectsWith(grpc.status.DEADLINE_EXCEEDED, chat.answers());
    await guide.stillAnswers();
  },

  async cancelled_calls_leave_the_channel_alone(guide) {
    for (let round = 0; round < 20; round += 1) {
      const chat = guide.chat();
      chat.say([0, 1], "never mind");
      chat.say([0, 1], "or wait");
      assert.equal((await chat.answer()).message, "never mind");
      chat.call.cancel();
      await rejectsWith(grpc.status.CANCELLED, chat.answers());
      const list = guide.stub.ListFeatures({ lo: point(SOUTH_WEST), hi: point(NORTH_EAST) }, deadline());
      list.on("error", (error) => assert.equal(error.code, grpc.status.CANCELLED));
      await once(list, "data");
      list.cancel();
    }
    await guide.stillAnswers();
  },

  async metadata_does_no_harm(guide) {
    const metadata = new grpc.Metadata();
    metadata.add("x-plain", "a value, with commas, in it");
    metadata.add("x-plain", "a second value of the same name");
    metadata.add("x-raw-bin", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
    metadata.add("x-raw-bin", Buffer.alloc(0));
    metadata.add("x-raw-bin", Buffer.from([0]));
    assert.equal((await guide.getFeature(TRAIL, metadata)).name, TRAIL_NAME);
  },

  async twenty_routes_of_10_000_points_in_a_frame_each_in_bounded_memory(guide) {
    const route = Array.from({ length: 10_000 }, (_, step) => [TRAIL[0] + step, TRAIL[1] - step]);
    for (let call = 0; call < 20; call++) {
      assert.equal((await guide.recordRoute(route)).point_count, 10_000);
    }
    const [, kib] = fs.readFileSync(`/proc/${guide.serverPid}/status`, "ascii").match(/VmHWM:\s+(\d+)/);
    console.log(`${kib / 1024} MiB, of 64 allowed`);
    assert.ok(kib / 1024 <= 64, `the server has had ${kib / 1024} MiB resident`);
  },

  async concurrent_calls_over_one_channel(guide) {
    const features = await guide.featuresBetween(SOUTH_WEST, NORTH_EAST);
    const known = Array.from({ length: 100 }, () => pick(features));
    const unknown = Array.from({ length: 100 }, (_, e7) => ({ name: "", location: point([e7, e7]) }));
    const expected = [...known, ...unknown];
    const answers = await Promise.all(expected.map((feature) => guide.getFeature(place(feature.location))));
    assert.deepEqual(answers, expected);
  },

  async request_over_4_mib_is_resource_exhausted(guide) {
    const length = MESSAGE_LIMIT + 1024;
    const unknownField = Buffer.concat([Buffer.from([0x7a]), varint(length), Buffer.alloc(length)]);
    await rejectsWith(grpc.status.RESOURCE_EXHAUSTED, guide.raw(`/${guide.service}/GetFeature`, unknownField));
    await guide.stillAnswers();
  },

  async note_over_4_mib_is_resource_exhausted(guide) {
    const chat = guide.chat();
    chat.say([0, 1], "x".repeat(MESSAGE_LIMIT + 1024));
    await rejectsWith(grpc.status.RESOURCE_EXHAUSTED, chat.answers());
    await guide.stillAnswers();
  },

  async sigterm_lets_a_running_chat_end(guide) {
    const chat = guide.chat();
    chat.say([0, 1], "first");
    chat.say([0, 1], "second");
    assert.equal((await chat.answer()).message, "first");
    process.kill(guide.serverPid, "SIGTERM");
    await untilRefused(guide.address);
    chat.say([0, 1], "third");
    chat.end();
    assert.deepEqual((await chat.answers()).map((note) => note.message), ["first", "second"]);
  },
};

// The server's methods as promises, and what several checks do.
class Guide {
  constructor({ address, service, proto, "server-pid": serverPid }) {
    this.address = address;
    this.service = service;
    this.serverPid = Number(serverPid);
    const definition = protoLoader.loadSync(proto, { keepCase: true, defaults: true });
    const methods = Object.entries(grpc.loadPackageDefinition(definition).routeguide.RouteGuide.service);
    const underService = methods.map(([name, method]) => [name, { ...method, path: `/${service}/${name}` }]);
    const Stub = grpc.makeGenericClientConstructor(Object.fromEntries(underService), service);
    this.stub = new Stub(address, grpc.credentials.createInsecure());
  }

  getFeature(at, metadata = new grpc.Metadata()) {
    return promised((done) => this.stub.GetFeature(point(at), metadata, deadline(), done));
  }

  featuresBetween(lo, hi) {
    return this.stub.ListFeatures({ lo: point(lo), hi: point(hi) }, deadline()).toArray();
  }

  async knownPlaces() {
    const features = await this.featuresBetween([INT32_MIN, INT32_MIN], [INT32_MAX, INT32_MAX]);
    return features.map((feature) => place(feature.location));
  }

  // The summary of a route, its distance and time checked.
  async recordRoute(route) {
    const started = Date.now();
    let call;
    const answer = promised((done) => (call = this.stub.RecordRoute(deadline(), done)));
    const sent = (async () => {
      for (const stop of route) {
        if (!call.write(point(stop))) await once(call, "drain");
      }
      call.end();
    })();
    const [summary] = await Promise.all([answer, sent]);
    const metres = route.slice(1).reduce((sum, stop, index) => sum + distance(route[index], stop), 0);
    assert.ok(Math.abs(summary.distance - metres) <= 1, `expected ${metres} +/- 1 m, found ${summary.distance}`);
    assert.ok(summary.elapsed_time >= 0 && summary.elapsed_time <= (Date.now() - started) / 1000);
    return summary;
  }

  chat(seconds = CALL_SECONDS) {
    return new Chat(this.stub.RouteChat(deadline(seconds)));
  }

  // A unary call of any path whose messages are bytes.
  raw(path, bytes) {
    const same = (value) => value;
    return promised((done) => this.stub.makeUnaryRequest(path, same, same, bytes, new grpc.Metadata(), deadline(), done));
  }

  // A plain call over the channel that something has just gone wrong on.
  async stillAnswers() {
    assert.equal((await this.getFeature(TRAIL)).name, TRAIL_NAME);
  }
}

// A RouteChat whose notes are sent one by one and whose answers are awaited.
class Chat {
  constructor(call) {
    this.call = call;
    this.iterator = call[Symbol.asyncIterator]();
  }

  say(at, message) {
    this.call.write({ location: point(at), message });
  }

  end() {
    this.call.end();
  }

  async answer() {
    const { value, done } = await this.iterator.next();
    assert.ok(!done, "the server ended the chat");
    return value;
  }

  // All answers that are left; the call must end with OK.
  async answers() {
    const left = [];
    for (let next = await this.iterator.next(); !next.done; next = await this.iterator.next()) left.push(next.value);
    return left;
  }
}

function promised(start) {
  return new Promise((resolve, reject) => start((error, answer) => (error ? reject(error) : resolve(answer))));
}

async function rejectsWith(code, promise) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.code, code, `expected ${grpc.status[code]}, found ${error}`);
    return true;
  });
}

// Resolves when nobody listens at the address any more.
async function untilRefused(address) {
  const [host, port] = address.split(":");
  const giveUp = Date.now() + CALL_SECONDS * 1000;
  while (Date.now() < giveUp) {
    const outcome = await new Promise((resolve) => {
      const socket = net.connect({ host, port: Number(port) });
      socket.on("connect", () => resolve("connected"));
      socket.on("error", (error) => resolve(error.code));
      socket.on("close", () => resolve("closed"));
      socket.on("connect", () => socket.destroy());
    });
    if (outcome === "ECONNREFUSED") return;
    await pause(20);
  }
  assert.fail(`${address} still takes connections ${CALL_SECONDS} s after SIGTERM`);
}

function deadline(seconds = CALL_SECONDS) {
  return { deadline: Date.now() + seconds * 1000 };
}

function point([latitude, longitude]) {
  return { latitude, longitude };
}

function place({ latitude, longitude }) {
  return [latitude, longitude];
}

function pick(choices) {
  return choices[Math.floor(Math.random() * choices.length)];
}

// Metres between two pairs of E7 integers (haversine formula).
function distance(start, end) {
  const [phi1, lambda1, phi2, lambda2] = [...start, ...end].map((e7) => (e7 / 1e7) * (Math.PI / 180));
  const across = Math.sin((phi2 - phi1) / 2) ** 2;
  const along = Math.cos(phi1) * Math.cos(phi2) * Math.sin((lambda2 - lambda1) / 2) ** 2;
  return 2 * EARTH_RADIUS_METRES * Math.asin(Math.min(1, Math.sqrt(across + along)));
}

function varint(number) {
  const groups = [];
  for (; number > 0x7f; number = Math.floor(number / 128)) groups.push((number % 128) | 0x80);
  return Buffer.from([...groups, number]);
}

async function main() {
  const option = { type: "string" };
  const { values, positionals } = parseArgs({
    options: { address: option, service: option, proto: option, "server-pid": option },
    allowPositionals: true,
  });
  const [check] = positionals;
  assert.ok(Object.hasOwn(CHECKS, check), `no check is called ${check}`);
  setTimeout(() => {
    console.error(`${check} did not end within ${CHECK_SECONDS} s`);
    process.exit(1);
  }, CHECK_SECONDS * 1000).unref();
  await CHECKS[check](new Guide(values));
  console.log("holds:", check);
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
