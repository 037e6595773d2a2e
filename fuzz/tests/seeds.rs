//! Every seed of a target holds its properties.

use std::fs;
use std::path::Path;

use rollcall_fuzz::TARGETS;

#[test]
fn every_seed_holds_what_its_target_says() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(target.name);
        let seeds: Vec<_> = fs::read_dir(folder).unwrap().collect();
        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        for seed in seeds {
            let path = seed.unwrap().path();
            println!("{} {}", target.name, path.display());
            (target.run)(&fs::read(path).unwrap());
        }
    }
}
