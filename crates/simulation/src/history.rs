//! One history: clients send and send again, servers append and fold, readers ask; then everything heals and is judged.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use rollcall_ledger::limits::Limits;
use rollcall_tally::Hit;

use crate::faults::{IN_FLIGHT_MS_MAX, Theme};
use crate::judge;
use crate::record::{Answer, Fate, LEASE_MS_MAX, Record, Tight};
use crate::store::{SimClock, SimStore};
use crate::world::{ActorId, EPOCH_MS, Event, NODES, Reply, Shared, Waiting, World, fill};

/// A client sends again for so long.
const RETRY_MS: u64 = 60_000;
const ACK_WITHIN_MS: u64 = 4_000;
const FAULTS_UNTIL_MS: u64 = 70_000;
/// By then whatever was in flight has landed, and whoever was stalled has gone on.
const LANDED_MS: u64 = FAULTS_UNTIL_MS + 120_000;
/// Rounds of healing, at most.
const HEAL_ROUNDS_MAX: usize = 1_000;
/// ... in a store that stays slow, where a fold may take minutes.
const SLOW_HEAL_ROUNDS_MAX: usize = 3_000;

/// A ledger, as the actors of a history call it.
#[allow(async_fn_in_trait, reason = "one thread")]
pub trait Protocol {
    /// Whether it was acknowledged.
    async fn append(store: &SimStore, clock: &SimClock, id: Option<&str>, hits: Vec<Hit>) -> bool;
    async fn fold(store: &SimStore, clock: &SimClock);
    /// The hits that the status tells of.
    async fn status(store: &SimStore, clock: &SimClock) -> Option<u64>;
    /// Everything, of one snapshot.
    async fn read(store: &SimStore, clock: &SimClock) -> Option<Answer>;
}

/// How a history ended.
pub struct Outcome {
    /// What was wrong, in words; each once.
    pub bad: Vec<String>,
    pub trace: Vec<String>,
    pub calls: u64,
    pub hits: usize,
    pub acknowledged: usize,
    pub answers: usize,
}

/// The ledger's limits in this history.
pub fn limits(clock: &SimClock) -> Limits {
    Limits {
        shards: 3,
        ack_within_ms: ACK_WITHIN_MS,
        skip_after_ms: clock.tight.skip_after_ms,
        lease_ms: 3_000,
        lease_max_ms: LEASE_MS_MAX,
        keep_replaced_ms: 60_000,
        clean_after_ms: clock.tight.clean_after_ms(),
        query_wait_ms: 20_000,
        fold_segments: clock.tight.fold_segments,
        chunk: clock.tight.chunk,
        delete_chunk: clock.tight.chunk,
        clean_keys: clock.tight.clean_keys,
        // Only folds that were lost make one smaller.
        fold_read_ms: 120_000,
        ips: clock.tight.ips,
        ids_per_chunk: 2,
        // Retries, flight and skew together, and no more.
        ids_kept_ms: RETRY_MS + IN_FLIGHT_MS_MAX + 4_000 + clock.tight.skew_ms,
        ids_kept: 1,
        ..Limits::default()
    }
}

enum Plan {
    Client {
        batch: usize,
        ips: Vec<IpAddr>,
        last: bool,
    },
    Append {
        id: Option<String>,
        hits: Vec<Hit>,
        answer: Waiting,
        client: ActorId,
    },
    Fold,
    Query,
}

/// An actor that is still to come.
struct Planned {
    node: usize,
    name: String,
    plan: Plan,
}

/// What every actor has.
#[derive(Clone)]
struct Scene {
    world: Shared,
    record: Rc<RefCell<Record>>,
    plans: Rc<RefCell<BTreeMap<u64, Planned>>>,
    tight: Tight,
}

impl Scene {
    fn spawn(&self, after_us: u64, node: usize, name: String, plan: Plan) {
        let mut plans = self.plans.borrow_mut();
        let number = plans.last_key_value().map_or(0, |(last, _)| last + 1);
        plans.insert(number, Planned { node, name, plan });
        let mut world = self.world.borrow_mut();
        let at = world.now_us + after_us;
        world.at(at, Event::Spawn(number));
    }

    fn draw<T>(&self, from: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        from(&mut self.world.borrow_mut().rng)
    }

    fn now_us(&self) -> u64 {
        self.world.borrow().now_us
    }
}

/// The history of a seed.
pub fn run<P: Protocol + 'static>(seed: u64, trace: bool) -> Outcome {
    let world: Shared = Rc::new(RefCell::new(World::new(seed, trace)));
    let tight = {
        let World { rng, mix, .. } = &mut *world.borrow_mut();
        let skip_after_ms = match mix.theme {
            Theme::SlowWriters | Theme::LateWriters => 5_100,
            _ => [5_100, 60_000][rng.usize(0..2)],
        };
        // As far apart as they may be, or nearly the same.
        let far_ms = skip_after_ms - ACK_WITHIN_MS - 100;
        let tight = Tight {
            fold_segments: [1, 3, 50][rng.usize(0..3)],
            chunk: [1, 3, 50][rng.usize(0..3)],
            ips: [1_000, 1_000, 1, 2][rng.usize(0..4)],
            skip_after_ms,
            skew_ms: [1_000, far_ms][rng.usize(0..2)],
            own_leases: mix.theme == Theme::SlowWriters || rng.f64() < 0.4,
            clean_keys: [1, 5, 500][rng.usize(0..3)],
            is_slow: false,
        };
        match mix.slow {
            None => tight,
            // All that a fold may take is more than a folder lives for.
            Some(_) => Tight {
                fold_segments: 50,
                chunk: [4, 8][rng.usize(0..2)],
                ips: 1_000,
                skew_ms: 1_000,
                own_leases: rng.f64() < 0.3,
                clean_keys: 20,
                is_slow: true,
                ..tight
            },
        }
    };
    world
        .borrow_mut()
        .set_wall_clocks(tight.skew_ms, FAULTS_UNTIL_MS);
    let scene = Scene {
        world,
        record: Rc::default(),
        plans: Rc::default(),
        tight,
    };
    let mut driver = Driver::<P> {
        scene: scene.clone(),
        running: BTreeMap::new(),
        protocol: std::marker::PhantomData,
    };
    let ips = begin(&scene);
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

/// Draws the workload.
fn begin(scene: &Scene) -> Vec<IpAddr> {
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
        // Now and then several at once.
        for i in 0..scene.draw(|rng| [1, 1, 2, 4][rng.usize(0..4)]) {
            let at = at + i * scene.draw(|rng| rng.u64(0..100_000));
            let node = scene.draw(|rng| rng.usize(0..NODES));
            scene.spawn(at, node, format!("fold@{node}"), Plan::Fold);
        }
    }
    ips
}

struct Driver<P> {
    scene: Scene,
    running: BTreeMap<ActorId, Pin<Box<dyn Future<Output = ()>>>>,
    protocol: std::marker::PhantomData<P>,
}

impl<P: Protocol + 'static> Driver<P> {
    fn run_until(&mut self, ms: u64) {
        loop {
            let event = self.scene.world.borrow_mut().next(ms * 1_000);
            let Some(event) = event else {
                break;
            };
            match event {
                Event::Effect {
                    actor,
                    op,
                    slot,
                    hears_after_us,
                    as_error,
                } => {
                    let mut world = self.scene.world.borrow_mut();
                    world.take_effect(actor, &op, slot, hears_after_us, as_error);
                }
                Event::Resume(actor, slot, reply) => {
                    let dead = self.scene.world.borrow().actors[actor].dead;
                    if !dead && fill(&slot, reply) {
                        self.poll(actor);
                    }
                }
                Event::Spawn(number) => self.spawn(number),
                Event::End(actor) => {
                    if self.running.contains_key(&actor) {
                        let mut world = self.scene.world.borrow_mut();
                        world.crash(actor, "as its time is over");
                    }
                }
            }
            for dead in std::mem::take(&mut self.scene.world.borrow_mut().crashed) {
                self.running.remove(&dead);
            }
        }
        let mut world = self.scene.world.borrow_mut();
        world.now_us = world.now_us.max(ms * 1_000);
    }

    fn spawn(&mut self, number: u64) {
        let Planned { node, name, plan } = self
            .scene
            .plans
            .borrow_mut()
            .remove(&number)
            .expect("planned");
        let actor = {
            let mut world = self.scene.world.borrow_mut();
            world.actors.push(crate::world::Actor {
                name,
                node,
                dead: false,
            });
            world.actors.len() - 1
        };
        let world = self.scene.world.clone();
        let slow = world.borrow().mix.slow;
        if let (Some(slow), Plan::Fold) = (slow, &plan) {
            let mut world = world.borrow_mut();
            let end_us = world.now_us + slow.life_us;
            world.at(end_us, Event::End(actor));
        }
        let store = SimStore {
            world: world.clone(),
            actor,
            own_lease: self.scene.tight.own_leases,
        };
        let clock = SimClock {
            world,
            actor,
            node,
            tight: self.scene.tight,
        };
        let scene = self.scene.clone();
        self.running
            .insert(actor, Box::pin(act::<P>(scene, actor, store, clock, plan)));
        self.poll(actor);
    }

    fn poll(&mut self, actor: ActorId) {
        // Taken out meanwhile: an actor that crashes in its own call must not be dropped while it runs.
        let Some(mut future) = self.running.remove(&actor) else {
            return;
        };
        let done = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if done == Poll::Pending && !self.scene.world.borrow().actors[actor].dead {
            self.running.insert(actor, future);
        }
    }

    /// One more batch, for every IP where the store is quick, then folds until nothing changes any more.
    fn heal(&mut self, ips: &[IpAddr]) {
        // What one segment touches is the least that a fold takes.
        let most = if self.scene.tight.is_slow {
            8
        } else {
            ips.len()
        };
        let plan = Plan::Client {
            batch: 999,
            ips: ips.iter().copied().take(most).collect(),
            last: true,
        };
        self.scene.spawn(0, 0, "client-last".to_owned(), plan);
        let mut now_ms = LANDED_MS + 5_000;
        self.run_until(now_ms);
        let mut quiet = 0;
        let rounds_max = match self.scene.tight.is_slow {
            true => SLOW_HEAL_ROUNDS_MAX,
            false => HEAL_ROUNDS_MAX,
        };
        for _ in 0..rounds_max {
            let before = self.scene.world.borrow().changes;
            let node = self.scene.draw(|rng| rng.usize(0..NODES));
            self.scene
                .spawn(0, node, format!("heal@{node}"), Plan::Fold);
            now_ms += self.scene.tight.heal_every_ms();
            self.run_until(now_ms);
            quiet = match self.scene.world.borrow().changes == before {
                true => quiet + 1,
                false => 0,
            };
            if quiet >= self.scene.tight.quiet_rounds() {
                return;
            }
        }
        self.scene
            .record
            .borrow_mut()
            .blame("it never comes to rest");
    }

    /// What a reader gets at the end.
    fn read(&mut self) -> Option<Answer> {
        let found = Rc::new(RefCell::new(None));
        let world = self.scene.world.clone();
        let actor = {
            let mut world = world.borrow_mut();
            world.actors.push(crate::world::Actor {
                name: "judge".to_owned(),
                node: 0,
                dead: false,
            });
            world.actors.len() - 1
        };
        let store = SimStore {
            world: world.clone(),
            actor,
            own_lease: self.scene.tight.own_leases,
        };
        let clock = SimClock {
            world: world.clone(),
            actor,
            node: 0,
            tight: self.scene.tight,
        };
        let into = found.clone();
        let read = async move {
            *into.borrow_mut() = P::read(&store, &clock).await;
        };
        self.running.insert(actor, Box::pin(read));
        self.poll(actor);
        let now_ms = world.borrow().now_us / 1_000;
        self.run_until(
            now_ms
                + if self.scene.tight.is_slow {
                    600_000
                } else {
                    30_000
                },
        );
        found.take()
    }
}

async fn act<P: Protocol>(scene: Scene, me: ActorId, store: SimStore, clock: SimClock, plan: Plan) {
    match plan {
        Plan::Client { batch, ips, last } => client(&scene, me, &clock, batch, &ips, last).await,
        Plan::Append {
            id,
            hits,
            answer,
            client,
        } => {
            let ok = P::append(&store, &clock, id.as_deref(), hits).await;
            let mut world = scene.world.borrow_mut();
            let now = world.now_us;
            world.at(now, Event::Resume(client, answer, Reply::Answered(ok)));
        }
        Plan::Fold => P::fold(&store, &clock).await,
        Plan::Query => {
            let told_before = scene.record.borrow().told;
            if let Some(hits) = P::status(&store, &clock).await {
                judge::status(&mut scene.record.borrow_mut(), hits, told_before);
            }
            let asked_us = scene.now_us();
            if let Some(answer) = P::read(&store, &clock).await {
                judge::answer(&mut scene.record.borrow_mut(), &answer, asked_us);
            }
        }
    }
}

/// Sends a batch, and again until it is acknowledged or the client gives up.
async fn client(
    scene: &Scene,
    me: ActorId,
    clock: &SimClock,
    batch: usize,
    ips: &[IpAddr],
    last: bool,
) {
    use rollcall_ledger::Clock as _;
    let count = if last {
        ips.len()
    } else {
        let most = if scene.tight.is_slow { 12 } else { 3 };
        scene.draw(|rng| rng.usize(1..=most))
    };
    let hits: Vec<Hit> = (0..count)
        .map(|i| {
            hit(
                if last {
                    ips[i]
                } else {
                    scene.draw(|rng| ips[rng.usize(0..ips.len())])
                },
                batch,
                i,
            )
        })
        .collect();
    for hit in &hits {
        scene
            .record
            .borrow_mut()
            .hits
            .insert(hit.path.clone(), Fate::default());
    }
    // Without an id a client may not send again.
    let id = scene
        .draw(|rng| rng.f64() < 0.8)
        .then(|| format!("batch {batch}"));
    let tries = if id.is_some() && !last {
        scene.draw(|rng| rng.usize(1..=6))
    } else {
        1
    };
    let first_us = scene.now_us();
    for i in 0..tries {
        if scene.now_us() - first_us > RETRY_MS * 1_000 {
            return;
        }
        let node = scene.draw(|rng| rng.usize(0..NODES));
        let answer = Waiting(Rc::default());
        let plan = Plan::Append {
            id: id.clone(),
            hits: hits.clone(),
            answer: answer.clone(),
            client: me,
        };
        scene.spawn(0, node, format!("append{batch}.{i}@{node}"), plan);
        let patience_us = scene.draw(|rng| [2, 6, 15][rng.usize(0..3)]) * 1_000_000;
        let give_up = Event::Resume(me, answer.clone(), Reply::Elapsed);
        let until = scene.now_us() + patience_us;
        scene.world.borrow_mut().at(until, give_up);
        if matches!(answer.await, Reply::Answered(true)) {
            let now = scene.now_us();
            for hit in &hits {
                scene
                    .record
                    .borrow_mut()
                    .hits
                    .entry(hit.path.clone())
                    .or_default()
                    .acknowledged_us = Some(now);
            }
            scene
                .world
                .borrow_mut()
                .note(me, || "acknowledged".to_owned());
            if scene.draw(|rng| rng.f64() < 0.3) {
                scene.spawn(0, node, format!("fold@{node}"), Plan::Fold);
            }
            return;
        }
        clock
            .sleep_ms(scene.draw(|rng| [100, 1_000, 5_000, 20_000][rng.usize(0..4)]))
            .await;
    }
}

fn hit(ip: IpAddr, batch: usize, i: usize) -> Hit {
    Hit {
        ip,
        timestamp_ms: EPOCH_MS + batch as u64,
        method: "GET".to_owned(),
        path: format!("/{batch}.{i}"),
        status: None,
        response_time_us: None,
        bytes: None,
        country: None,
        user_agent: None,
    }
}
