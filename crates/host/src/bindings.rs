//! Wasmtime's bindings for Spin's own interfaces. The bindings of WASI come with Wasmtime.

wasmtime::component::bindgen!({
    path: [
        "../../wit/deps/spin-key-value@3.0.0",
        "../../wit/deps/spin-variables@3.0.0",
        "../../wit/deps/wasi-keyvalue-2024-10-17",
    ],
    inline: "
        package rollcall:host;

        world platform {
            import spin:key-value/key-value@3.0.0;
            import spin:variables/variables@3.0.0;
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/batch@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
        }
    ",
    imports: {
        default: async,
        "spin:key-value/key-value.[method]store.get-keys": async | store | trappable,
    },
    with: {
        "spin:key-value/key-value.store": crate::kv::handles::OpenStore,
        "wasi:keyvalue/store.bucket": crate::kv::handles::OpenStore,
        "wasi:keyvalue/atomics.cas": crate::kv::handles::OpenSwap,
    },
});
