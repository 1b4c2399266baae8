// RouteGuide on an unmodified grpc-js server. Prints `listening on 127.0.0.1:PORT`; ends on SIGTERM, or when its
// standard input closes.
"use strict";

const fs = require("node:fs");
const { parseArgs } = require("node:util");

const grpc = require("@grpc/grpc-js");
const protoLoader = require("@grpc/proto-loader");

const option = { type: "string" };
const { values } = parseArgs({ options: { proto: option, db: option } });
const features = JSON.parse(fs.readFileSync(values.db, "utf8"));
const key = ({ latitude, longitude }) => `${latitude} ${longitude}`;
const known = new Map(features.map((feature) => [key(feature.location), feature]));

const implementation = {
  GetFeature({ request }, done) {
    done(null, known.get(key(request)) ?? { name: "", location: request });
  },

  ListFeatures(call) {
    const { lo, hi } = call.request;
    const within = (axis, location) => {
      const [low, high] = [lo[axis], hi[axis]].sort((a, b) => a - b);
      return low <= location[axis] && location[axis] <= high;
    };
    for (const feature of features) {
      if (within("latitude", feature.location) && within("longitude", feature.location)) call.write(feature);
    }
    call.end();
  },

  RecordRoute(call, done) {
    const summary = { point_count: 0, feature_count: 0, distance: 0, elapsed_time: 0 };
    let last;
    call.on("data", (point) => {
      summary.point_count += 1;
      if (known.has(key(point))) summary.feature_count += 1;
      if (last) summary.distance += metres(last, point);
      last = point;
    });
    call.on("end", () => done(null, { ...summary, distance: Math.trunc(summary.distance) }));
  },

  RouteChat(call) {
    const told = new Map();
    call.on("data", (note) => {
      const earlier = told.get(key(note.location)) ?? [];
      earlier.forEach((note) => call.write(note));
      told.set(key(note.location), [...earlier, note]);
    });
    call.on("end", () => call.end());
  },
};

// Metres between two points (haversine formula).
function metres(start, end) {
  const radians = (e7) => (e7 / 1e7) * (Math.PI / 180);
  const [phi1, phi2] = [radians(start.latitude), radians(end.latitude)];
  const across = Math.sin((phi2 - phi1) / 2) ** 2;
  const along = Math.cos(phi1) * Math.cos(phi2) * Math.sin(radians(end.longitude - start.longitude) / 2) ** 2;
  return 2 * 6_371_000 * Math.asin(Math.sqrt(across + along));
}

const definition = protoLoader.loadSync(values.proto, { keepCase: true, defaults: true });
const server = new grpc.Server();
server.addService(grpc.loadPackageDefinition(definition).routeguide.RouteGuide.service, implementation);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`listening on 127.0.0.1:${port}`);
});
const stop = () => server.tryShutdown(() => process.exit(0));
process.on("SIGTERM", stop);
process.stdin.on("end", stop).resume();
