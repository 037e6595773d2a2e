//! The interfaces of `wit/rollcall.wit`, and those of the key-value store.

wit_bindgen::generate!({
    path: "../../wit",
    world: "collector-interfaces",
    with: { "rollcall:stats/types@0.1.0": rollcall_tally::contract },
    generate_all,
});
