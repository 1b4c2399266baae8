//! Rules of "Status codes and their use in gRPC".

use super::rule::{Rule, Source, rules};

rules! { StatusCodes;

    NOT_FOUND "code.not-found" "Codes"
        "5 is NOT_FOUND: the thing that was asked for does not exist."
        kept ["src/wire/code.rs::name"]
        tests ["src/wire/code.rs::the_seventeen_codes_have_their_names_and_numbers"];
}
