//! Every attack: its name, the file that it is in, and how the server is started that it meets. The tests run all of
//! them, and so does the program in `benches/peers` that measures what they cost.

/// How the server of an attack is started, and what it may cost others.
pub struct Terms {
    /// The server's arguments.
    pub arguments: &'static [&'static str],
    /// What the shell does before it becomes the server.
    pub limit: Option<&'static str>,
    /// Calls beside it are dear without optimization: an answer to a note then costs thirty times as much.
    pub dear: bool,
}

/// A server with its default limits.
pub const USUAL: Terms = Terms { arguments: &[], limit: None, dear: false };

/// A server with little memory for its clients.
pub const LITTLE: Terms = Terms { arguments: &["--max-memory", "64M"], ..USUAL };

/// Hands all attacks to another macro, in the order of docs/threats.md.
macro_rules! every_attack {
    ($to:ident) => {
        $to! {
            rapid_reset: streams, USUAL;
            resets_of_handlers_that_run: streams, USUAL;
            resets_of_handlers_that_wait: streams, USUAL;
            made_you_reset: streams, USUAL;
            made_you_reset_and_the_resets_are_not_read: streams, USUAL;
            streams_beyond_the_limit: streams, USUAL;
            continuation_flood: streams, USUAL;
            empty_headers_flood: streams, USUAL;
            fields_without_names: heads, USUAL;
            empty_data_flood: streams, USUAL;
            small_frame_flood: messages, USUAL;
            small_frames_that_are_read: messages, USUAL;
            settings_flood: control, USUAL;
            settings_flood_whose_acknowledgements_are_not_read: control, USUAL;
            ping_flood: control, USUAL;
            ping_flood_whose_answers_are_not_read: control, USUAL;
            ping_ack_flood: control, USUAL;
            priority_flood: control, USUAL;
            window_update_flood: control, USUAL;
            unknown_frame_flood: control, USUAL;
            hpack_bomb: heads, USUAL;
            heads_over_the_limit_are_answered_with_431: heads, USUAL;
            metadata_flood: heads, USUAL;
            statuses_beyond_the_peers_header_limit: heads, USUAL;
            log_flood: heads, USUAL;
            slow_heads: slow, USUAL;
            slow_bodies: slow, USUAL;
            lengths_that_are_just_allowed_and_never_come: messages, USUAL;
            slow_readers: slow, USUAL;
            zero_window_with_many_streams: slow, USUAL;
            window_open_and_socket_never_read: slow, USUAL;
            route_chats_quadratic_answers: chats, Terms { dear: true, ..USUAL };
            route_chats_whose_answers_are_not_read: chats, LITTLE;
            notes_without_end: chats, Terms { arguments: &["--max-notes", "1000000"], ..USUAL };
            open_calls_on_many_connections: memory, LITTLE;
            messages_that_are_almost_whole: memory, LITTLE;
            notes_of_many_calls: memory, LITTLE;
            bytes_that_pin_the_buffers_they_came_in: memory, USUAL;
            huge_length_prefix: messages, USUAL;
            deep_nesting: messages, USUAL;
            descriptor_exhaustion: crowd, Terms { limit: Some("ulimit -n 100"), ..USUAL };
            more_connections_than_allowed: crowd, Terms { arguments: &["--max-connections", "30"], ..USUAL };
        }
    };
}
pub(crate) use every_attack;
