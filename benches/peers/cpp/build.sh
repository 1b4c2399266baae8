#!/bin/sh
# Builds the gRPC C++ server into the directory given as first argument. Exit code 3: a tool is missing.
# Debian: g++ pkg-config libgrpc++-dev protobuf-compiler protobuf-compiler-grpc nlohmann-json3-dev
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
for tool in g++ pkg-config protoc grpc_cpp_plugin; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 3; }
done
pkg-config --exists grpc++ || { echo "libgrpc++-dev is not installed" >&2; exit 3; }
[ -e /usr/include/nlohmann/json.hpp ] || { echo "nlohmann-json3-dev is not installed" >&2; exit 3; }
mkdir -p "$out"
[ "$out/server" -nt "$here/server.cc" ] && exit 0
protoc -I "$here/../../../proto" --cpp_out="$out" --grpc_out="$out" \
    --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" route_guide.proto
# shellcheck disable=SC2046
g++ -std=c++17 -O3 -DNDEBUG -I "$out" "$here/server.cc" "$out/route_guide.pb.cc" "$out/route_guide.grpc.pb.cc" \
    -o "$out/server" $(pkg-config --cflags --libs grpc++ protobuf)
