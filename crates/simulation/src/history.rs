//! One history. Clients send batches, and send them again. Servers append and fold. Readers ask.
//! Then the faults end, everything heals, and the judge looks at the result.

use std::cell::RefCell;
use std::rc::Rc;

use crate::driver::Driver;
use crate::judge;
use crate::limits::Tight;
use crate::protocol::Protocol;
use crate::scene::Scene;
use crate::workload;
use crate::world::{Shared, World};

const FAULTS_UNTIL_MS: u64 = 70_000;
/// By this time, every call in flight has taken effect, and every stalled actor has gone on.
const LANDED_MS: u64 = FAULTS_UNTIL_MS + 120_000;

/// The result of a history.
pub struct Outcome {
    /// The errors that the judge found, in words. Each error is there once.
    pub bad: Vec<String>,
    pub trace: Vec<String>,
    pub calls: u64,
    pub hits: usize,
    pub acknowledged: usize,
    pub answers: usize,
}

/// Runs the history of a seed.
pub fn run<P: Protocol + 'static>(seed: u64, trace: bool) -> Outcome {
    let world: Shared = Rc::new(RefCell::new(World::new(seed, trace)));
    let tight = {
        let World { rng, mix, .. } = &mut *world.borrow_mut();
        Tight::draw(rng, mix)
    };
    world
        .borrow_mut()
        .set_wall_clocks(tight.skew_ms, FAULTS_UNTIL_MS);
    let scene = Scene {
        queues: Rc::default(),
        world,
        record: Rc::default(),
        plans: Rc::default(),
        tight,
    };
    let mut driver = Driver::<P>::new(scene.clone());
    let ips = workload::begin(&scene);
    driver.run_until(FAULTS_UNTIL_MS);
    scene.world.borrow_mut().faulty = false;
    driver.run_until(LANDED_MS);
    driver.heal(&ips);
    let last = driver.read();
    judge::settled(
        &scene.world.borrow(),
        &mut scene.record.borrow_mut(),
        last.as_ref(),
        tight,
    );
    let record = scene.record.borrow();
    let mut world = scene.world.borrow_mut();
    Outcome {
        bad: record.bad.clone(),
        trace: world.trace.take().unwrap_or_default(),
        calls: world.calls,
        hits: record.hits.len(),
        acknowledged: record
            .hits
            .values()
            .filter(|fate| fate.acknowledged_us.is_some())
            .count(),
        answers: record.answers,
    }
}
