//! Rules of the "gRPC Connection Backoff Protocol".

use super::rule::{Rule, Source, rules};

rules! { ConnectionBackoff;

    INITIAL "backoff.initial" "INITIAL_BACKOFF"
        "The first pause between the beginnings of two attempts to connect is one second."
        kept ["src/client/backoff.rs::attempt"]
        tests ["src/client/backoff.rs::pauses_grow_from_a_second_to_two_minutes"]
        nowhere "it is about time between connections";

    MULTIPLIER "backoff.multiplier" "MULTIPLIER"
        "Each pause is 1.6 times as long as the one before."
        kept ["src/policy/growth.rs::jittered"]
        tests [
            "src/client/backoff.rs::pauses_grow_from_a_second_to_two_minutes",
            "tests/lossless.rs::peer_that_accepts_and_closes_is_dialled_as_the_back_off_says",
        ]
        nowhere "it is about time between connections";

    MAX "backoff.max" "MAX_BACKOFF"
        "No pause is longer than 120 seconds, apart from the jitter."
        kept ["src/policy/growth.rs::jittered"]
        tests ["src/client/backoff.rs::pauses_grow_from_a_second_to_two_minutes"]
        nowhere "it is about time between connections";

    JITTER "backoff.jitter" "JITTER"
        "A pause is made up to a fifth shorter or longer by chance, so that clients do not come all at once."
        kept ["src/policy/growth.rs::pause"]
        tests [
            "src/policy/retry.rs::a_pause_is_within_a_fifth_of_its_rule",
            "src/client/backoff.rs::pauses_grow_from_a_second_to_two_minutes",
        ]
        nowhere "it is about time between connections";

    MIN_CONNECT_TIMEOUT "backoff.min-connect-timeout" "MIN_CONNECT_TIMEOUT"
        "An attempt to connect has 20 seconds, and longer where the pause is longer."
        kept ["src/client/subchannel.rs::connect"]
        tests ["tests/lossless.rs::peer_that_accepts_and_stays_silent_is_unavailable_after_the_connect_timeout"]
        nowhere "it is about time before a connection has bytes";

    FROM_THE_BEGINNING "backoff.from-the-beginning" "Proposed Backoff Algorithm"
        "A pause is counted from the beginning of the attempt that failed."
        kept ["src/client/backoff.rs::attempt", "src/client/subchannel.rs::connect"]
        tests ["tests/lossless.rs::peer_that_accepts_and_closes_is_dialled_as_the_back_off_says"]
        nowhere "it is about time between connections";

    NOT_MORE_OFTEN "backoff.not-more-often" "Proposed Backoff Algorithm"
        "A server is not dialled substantially more often than these pauses allow."
        kept ["src/client/subchannel.rs::connect", "src/client/subchannel.rs::run_always"]
        tests [
            "tests/lossless.rs::peer_that_accepts_and_closes_is_dialled_as_the_back_off_says",
            "tests/retries.rs::server_that_turns_every_connection_away_is_dialled_as_the_back_off_says",
        ]
        nowhere "it is about time between connections";

    RESET_ON_SETTINGS "backoff.reset-on-settings" "Reset Backoff"
        "An attempt has succeeded when the server's SETTINGS have come. Then the pauses begin anew."
        kept ["src/client/connection.rs::settled", "src/client/subchannel.rs::connect"]
        tests [
            "tests/lossless.rs::peer_that_takes_the_preface_and_closes_without_settings_is_dialled_as_the_back_off_says",
        ]
        golden ["get-feature"];
}
