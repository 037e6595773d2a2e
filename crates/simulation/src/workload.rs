//! The workload of a history: which clients, readers and folders there are, and when each begins.

use std::net::{IpAddr, Ipv4Addr};

use crate::faults::Theme;
use crate::scene::{Plan, Scene};
use crate::world::NODES;

/// Draws the workload. Returns the IPs of its hits.
pub fn begin(scene: &Scene) -> Vec<IpAddr> {
    let is_slow = scene.tight.is_slow;
    let ips = match is_slow {
        true => 200,
        false => scene.draw(|rng| [1, 2, 3, 8][rng.usize(0..4)]),
    };
    let ips: Vec<IpAddr> = (1..=ips)
        .map(|i| Ipv4Addr::new(192, 0, 2, i).into())
        .collect();
    let theme = scene.world.borrow().mix.theme;
    let horizon_us = match theme {
        Theme::SlowWriters => 5_000_000,
        _ => scene.draw(|rng| [4_000_000, 15_000_000, 45_000_000][rng.usize(0..3)]),
    };
    let batches = if is_slow { 30..=40 } else { 3..=12 };
    for batch in 0..scene.draw(|rng| rng.usize(batches)) {
        let at = scene.draw(|rng| rng.u64(0..horizon_us));
        let plan = Plan::Client {
            batch,
            ips: ips.clone(),
            last: false,
        };
        scene.spawn(at, 0, format!("client{batch}"), plan);
    }
    let queries = match scene.tight.ips {
        1_000 if theme == Theme::LateMarks => 10,
        1_000 => scene.draw(|rng| rng.usize(0..=4)),
        _ => 0,
    };
    for i in 0..queries {
        let at = scene.draw(|rng| rng.u64(0..horizon_us * 3 / 2));
        scene.spawn(
            at,
            scene.draw(|rng| rng.usize(0..NODES)),
            format!("query{i}"),
            Plan::Query,
        );
    }
    let folds = match theme {
        Theme::SlowWriters => 12..=20,
        _ => 6..=20,
    };
    for _ in 0..scene.draw(|rng| rng.usize(folds)) {
        let until = scene.draw(|rng| [horizon_us * 3 / 2, horizon_us * 4][rng.usize(0..2)]);
        let at = scene.draw(|rng| rng.u64(0..until));
        // Sometimes several folds begin at once.
        for i in 0..scene.draw(|rng| [1, 1, 2, 4][rng.usize(0..4)]) {
            let at = at + i * scene.draw(|rng| rng.u64(0..100_000));
            let node = scene.draw(|rng| rng.usize(0..NODES));
            scene.spawn(at, node, format!("fold@{node}"), Plan::Fold);
        }
    }
    for i in 0..scene.draw(|rng| [0, 0, 1, 3][rng.usize(0..4)]) {
        let at = scene.draw(|rng| rng.u64(0..horizon_us * 3 / 2));
        let node = scene.draw(|rng| rng.usize(0..NODES));
        let ip = scene.draw(|rng| ips[rng.usize(0..ips.len())]);
        scene.spawn(at, node, format!("erase{i}@{node}"), Plan::Erase(ip));
    }
    for i in 0..scene.draw(|rng| [0, 0, 2, 5][rng.usize(0..4)]) {
        let at = scene.draw(|rng| rng.u64(0..horizon_us * 3 / 2));
        let node = scene.draw(|rng| rng.usize(0..NODES));
        let name = scene.draw(|rng| ["views/a", "views/b"][rng.usize(0..2)]);
        let plan = Plan::Change(name, format!("text {i}"));
        scene.spawn(at, node, format!("change{i}@{node}"), plan);
    }
    ips
}
