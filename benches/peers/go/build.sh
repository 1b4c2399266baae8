#!/bin/sh
# Builds the grpc-go server and client into the directory given as first argument. Exit code 3: a tool is missing.
# Debian: golang-go golang-google-grpc-dev golang-goprotobuf-dev protobuf-compiler
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
for tool in go protoc protoc-gen-go; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 3; }
done
[ -d /usr/share/gocode/src/google.golang.org/grpc ] || { echo "golang-google-grpc-dev is not installed" >&2; exit 3; }
[ "$out/server" -nt "$here/server.go" ] && [ "$out/client" -nt "$here/client.go" ] && exit 0
mkdir -p "$out/src/routeguide"
protoc -I "$here/../../../proto" --go_out=plugins=grpc,import_path=routeguide:"$out/src/routeguide" route_guide.proto
for program in server client; do
    GO111MODULE=off GOPATH="$out:/usr/share/gocode" GOCACHE="$out/cache" go build -o "$out/$program" "$here/$program.go"
done
