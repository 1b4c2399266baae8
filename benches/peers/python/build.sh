#!/bin/sh
# Makes grpcio's server ready in the directory given as first argument: a virtual environment with grpcio from PyPI.
# Exit code 3: a tool is missing. Debian: python3-venv
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
command -v python3 >/dev/null || { echo "python3 is not installed" >&2; exit 3; }
mkdir -p "$out"
if [ ! -x "$out/venv/bin/python" ] || ! "$out/venv/bin/python" -c 'import grpc_tools' 2>/dev/null; then
    python3 -m venv "$out/venv" >/dev/null || { echo "python3-venv is not installed" >&2; exit 3; }
    "$out/venv/bin/pip" install --quiet grpcio grpcio-tools
fi
"$out/venv/bin/python" -m grpc_tools.protoc -I "$here/../../../proto" --python_out="$out" --grpc_python_out="$out" route_guide.proto
cp "$here/server.py" "$out/server.py"
printf '#!/bin/sh\nexec "%s/venv/bin/python" "%s/server.py" "$@"\n' "$out" "$out" >"$out/server"
chmod +x "$out/server"
