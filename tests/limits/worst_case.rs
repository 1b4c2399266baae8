//! The arithmetic: how much one connection, one address and all may make a server hold with its default limits.

use h2grpc::limits::{BATCH, ClientLimits, Limits, SEND_BUFFER, WRITE_BUFFER};
use h2grpc::transcript::grouped;

use super::source::in_bytes;

/// What h2 keeps of one stream's DATA on a client until it has left: the default of its `max_send_buffer_size`.
const SEND_BUFFER_OF_CLIENT: usize = 400 * 1024;

/// What h2 takes of a call without the window being asked for: `MOST` of `src/call/unasked.rs`.
const UNASKED: usize = 4 * 1024;

pub fn text() -> String {
    let unasked = super::read("src/call/unasked.rs").unwrap_or_default();
    assert!(
        unasked.contains("const MOST: usize = 4 * 1024;"),
        "MOST of src/call/unasked.rs is not UNASKED of this file"
    );
    let limits = Limits::default();
    let calls = limits.max_concurrent_streams as usize;
    let heads = calls * limits.max_header_list as usize;
    let (messages, gathered) = (calls * limits.max_message, calls * (2 * BATCH + UNASKED));
    let (send_buffers, window) = (calls * SEND_BUFFER, limits.connection_window as usize);
    let (frames, write_buffers) = (limits.small_frame_budget, 2 * WRITE_BUFFER);
    let connection = messages + window + frames + heads + gathered + send_buffers + write_buffers;
    let (of_address, all) = (limits.max_connections_per_address, limits.max_connections);
    let per_minute = h2grpc::limits::MESSAGE_STEP * 60 / limits.message_timeout.as_secs();
    let client = ClientLimits::default();
    format!(
        "
## The worst case of a server

The limits of each call, multiplied: what one connection could make the server hold if nothing counted it all. The account of
memory does, and bounds it: see below.

| of one connection | how much | MiB |
|---|---|---:|
| messages that have begun and not ended | {calls} calls (`max_concurrent_streams`) of {message} (`max_message`) | {messages} |
| DATA that is not read yet | `connection_window`; for one call {stream_window} (`stream_window`) | {window} |
| overhead of small DATA frames that are not read yet | `small_frame_budget` | {frames} |
| metadata of requests | {calls} calls of {header_list} (`max_header_list`) | {heads} |
| answers that gather, or that h2 took without asking | {calls} calls of two `BATCH` and {unasked} | {gathered} |
| answers in h2, once the peer has opened its windows and does not read | {calls} calls of {send_buffer} (`SEND_BUFFER`) | {send_buffers} |
| bytes under HTTP/2 | two `WRITE_BUFFER`: the buffer may double | {write_buffers} |
| **sum** | | **{connection}** |

A message takes memory as its bytes arrive and never for what its prefix promises, so the peer must send what the first line has.
It need not do so fast: a call keeps its place with {per_minute} a minute (`MESSAGE_STEP` in `message_timeout`).

| of | connections | GiB |
|---|---:|---:|
| one address (`max_connections_per_address`) | {of_address} | {address_gib} |
| all (`max_connections`) | {all} | {all_gib} |

**What bounds it in all.** All of the above is charged to the account of its connection (`docs/memory.md`), and so are the fixed costs
of connections and calls, and what services charge with `CallContext::charge`, as RouteChat does with its notes. One connection
may hold {connection_memory} (`connection_memory`), all together what is handed out of `memory`: half of it, and half of a quarter of the
machine's memory by default. Beyond it the connections leave that hold most and move least. With `--max-memory 256M` a thousand
connections that make the server hold as much as they can have it resident with less than 320 MiB (`tests/memory.rs`).

These are not counted:

- what a handler holds and does not charge: the decoded message, which may be several times as large as its bytes, and whatever it
  stores;
- what a service by hand leaves unread that never chooses the shape of its call: `connection_window` and `small_frame_budget` bound it;
- the buffers that HPACK's table shares: up to 100 of 8 KiB for one connection, of a peer that puts much else between the fields that
  it adds to the table;
- up to 1,024 streams of a connection that were reset, which h2 remembers for a second;
- what the operating system holds: socket buffers, and connections in the listen queue;
- work: how many calls begin in a second is not limited. What a call costs the processor is up to its handler; `TURN` and
  `SENT_AT_A_STRETCH` see to it that the others have their turn.

## The worst case of a client

For the answers on one connection a client holds its window of {client_window} (`connection_window`) and up to {client_frames} of overhead in
small frames (`small_frame_budget`). For each call it holds one message of {client_message} (`max_message`), the metadata of one answer of
{client_list} (`max_header_list`), and what it sends: as for a server's answers two `BATCH`, {unasked}, {client_send_buffer} in h2, and the one message that
is being sent. A call that may be sent again keeps up to {retry} of its request (`retry_buffer`), a call with a single request message
that message whole. The number of calls is up to the program: those beyond the server's SETTINGS_MAX_CONCURRENT_STREAMS wait in the
client's memory.
",
        message = bytes(limits.max_message),
        messages = mib(messages),
        stream_window = bytes(limits.stream_window as usize),
        window = mib(window),
        frames = mib(frames),
        header_list = bytes(limits.max_header_list as usize),
        heads = mib(heads),
        unasked = bytes(UNASKED),
        gathered = mib(gathered),
        send_buffer = bytes(SEND_BUFFER),
        send_buffers = mib(send_buffers),
        write_buffers = mib(write_buffers),
        connection = mib(connection),
        per_minute = bytes(per_minute as usize),
        of_address = grouped(of_address),
        all = grouped(all),
        address_gib = grouped((connection * of_address).div_ceil(1 << 30)),
        all_gib = grouped((connection * all).div_ceil(1 << 30)),
        client_send_buffer = bytes(SEND_BUFFER_OF_CLIENT),
        connection_memory = bytes(limits.connection_memory),
        client_window = bytes(client.connection_window as usize),
        client_frames = bytes(client.small_frame_budget),
        client_message = bytes(client.max_message),
        client_list = bytes(client.max_header_list as usize),
        retry = bytes(client.retry_buffer),
    )
}

/// In MiB.
fn mib(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / f64::from(1 << 20))
}

fn bytes(bytes: usize) -> String {
    in_bytes(bytes as u128)
}
