//! The time, the store's values, the actors, and the calls in flight. Everything runs in one
//! thread. Every choice comes from the seed.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;

use fastrand::Rng;

use crate::call::{Op, Reply, Waiting, class, describe, result};
use crate::faults::{Fault, Mix};
use crate::wall_clock::WallClock;

pub const NODES: usize = 3;
/// The time at which a history begins. It is longer after 1970 than any limit is.
pub const EPOCH_MS: u64 = 20_834 * 24 * 3_600_000 - 60_000;

pub type Shared = Rc<RefCell<World>>;
pub type ActorId = usize;

pub enum Event {
    /// A call takes effect. Its caller gets the reply after this many microseconds, or never.
    Effect {
        actor: ActorId,
        op: Op,
        slot: Waiting,
        hears_after_us: Option<u64>,
        as_error: bool,
    },
    Resume(ActorId, Waiting, Reply),
    /// The driver makes a new actor.
    Spawn(u64),
    /// An actor is ended, unless it has finished.
    End(ActorId),
}

pub struct Actor {
    pub name: String,
    pub node: usize,
    pub dead: bool,
}

pub struct World {
    pub rng: Rng,
    pub now_us: u64,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    pending: BTreeMap<u64, Event>,
    sequence: u64,
    pub values: BTreeMap<String, Vec<u8>>,
    pub counters: BTreeMap<String, i64>,
    /// How often a value was changed or deleted. Leases are not counted.
    pub changes: u64,
    pub actors: Vec<Actor>,
    /// Actors that crashed since the driver last looked.
    pub crashed: Vec<ActorId>,
    wall_clocks: [WallClock; NODES],
    pub mix: Mix,
    latency_us: u64,
    /// The store is busy with large states until this time.
    busy_until_us: u64,
    pub faulty: bool,
    pub trace: Option<Vec<String>>,
    pub calls: u64,
    pub unique: u64,
}

impl World {
    pub fn new(seed: u64, trace: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mix = Mix::draw(&mut rng);
        let quick_us = [3_000, 20_000, 50_000][rng.usize(0..3)];
        Self {
            // Up to 1.5 s for the call, and as much for the reply.
            latency_us: mix.slow.map_or(quick_us, |_| 1_500_000),
            mix,
            busy_until_us: 0,
            rng,
            now_us: 0,
            events: BinaryHeap::new(),
            pending: BTreeMap::new(),
            sequence: 0,
            values: BTreeMap::new(),
            counters: BTreeMap::new(),
            changes: 0,
            actors: Vec::new(),
            crashed: Vec::new(),
            wall_clocks: Default::default(),
            faulty: true,
            trace: trace.then(Vec::new),
            calls: 0,
            unique: 0,
        }
    }

    pub fn at(&mut self, time_us: u64, event: Event) {
        self.sequence += 1;
        self.events
            .push(Reverse((time_us.max(self.now_us), self.sequence)));
        self.pending.insert(self.sequence, event);
    }

    /// Takes the next event up to this time, and moves the time to it. `None`: there is no such
    /// event.
    pub fn next(&mut self, until_us: u64) -> Option<Event> {
        let Reverse((time_us, sequence)) =
            *self.events.peek().filter(|next| next.0.0 <= until_us)?;
        self.events.pop();
        self.now_us = time_us;
        self.pending.remove(&sequence)
    }

    pub fn wall_ms(&self, node: usize) -> u64 {
        let off_us = self.wall_clocks[node].off_us(self.now_us);
        (EPOCH_MS * 1_000 + self.now_us).saturating_add_signed(off_us) / 1_000
    }

    /// Draws the clocks of the nodes. Any two differ by at most `skew_ms`. Some clocks jump within
    /// this range.
    pub fn set_wall_clocks(&mut self, skew_ms: u64, until_ms: u64) {
        self.wall_clocks =
            std::array::from_fn(|_| WallClock::draw(&mut self.rng, skew_ms, until_ms));
    }

    pub fn note(&mut self, actor: ActorId, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let name = self
                .actors
                .get(actor)
                .map_or("-", |actor| actor.name.as_str());
            trace.push(format!(
                "{:10.3} {name:<14} {}",
                self.now_us as f64 / 1e6,
                text()
            ));
        }
    }

    pub fn crash(&mut self, id: ActorId, why: &str) {
        if !self.actors[id].dead {
            self.note(id, || format!("CRASH {why}"));
            self.actors[id].dead = true;
            self.crashed.push(id);
        }
    }

    fn effect(&mut self, op: &Op) -> Reply {
        self.calls += 1;
        match op {
            Op::Get(key) => Reply::Value(self.values.get(key).cloned()),
            Op::Exists(key) => Reply::Exists(self.values.contains_key(key)),
            Op::Set(key, value) => {
                let before = self.values.insert(key.clone(), value.clone());
                self.note_change(key, before.as_ref() != Some(value));
                Reply::Done
            }
            Op::Delete(key) => {
                let before = self.values.remove(key);
                self.note_change(key, before.is_some());
                Reply::Done
            }
            Op::Increment(key, delta) => {
                if *delta == 0 {
                    return Reply::Counter(self.counters.get(key).copied().unwrap_or(0));
                }
                let counter = self.counters.entry(key.clone()).or_default();
                *counter += delta;
                Reply::Counter(*counter)
            }
        }
    }

    fn note_change(&mut self, key: &str, is_another: bool) {
        self.changes += u64::from(is_another && !key.starts_with("lease"));
    }

    /// Makes a call take effect now.
    pub fn take_effect(
        &mut self,
        actor: ActorId,
        op: &Op,
        slot: Waiting,
        hears_after_us: Option<u64>,
        as_error: bool,
    ) {
        let reply = self.effect(op);
        let heard = hears_after_us.is_some() && !self.actors[actor].dead;
        self.note(actor, || {
            let how = match (heard, as_error) {
                (false, _) => "  (its caller hears nothing of it)",
                (true, true) => "  (told as an error)",
                (true, false) => "",
            };
            format!("{}{}{how}", describe(op), result(&reply))
        });
        if let Some(after_us) = hears_after_us.filter(|_| heard) {
            let reply = if as_error { Reply::Failed } else { reply };
            self.at(self.now_us + after_us, Event::Resume(actor, slot, reply));
        }
    }

    /// An actor makes a call. Whether, when and how the call takes effect is drawn now.
    pub fn call(&mut self, actor: ActorId, op: Op, slot: &Waiting) {
        let slot = slot.clone();
        let to = |rng: &mut Rng, latency: u64| rng.u64(latency / 5..=latency);
        let (there, back) = (
            to(&mut self.rng, self.latency_us),
            to(&mut self.rng, self.latency_us),
        );
        let there = there + self.works_for_us(there, &op);
        let fault = match self.faulty {
            true => self.mix.strike(&mut self.rng, class(&op)),
            false => None,
        };
        let now = self.now_us;
        let late = self.mix.stall_us(&mut self.rng);
        let mut effect = |at: u64, op: Op, hears_after_us: Option<u64>, as_error: bool| {
            let slot = slot.clone();
            self.sequence += 1;
            self.events.push(Reverse((at, self.sequence)));
            let event = Event::Effect {
                actor,
                op,
                slot,
                hears_after_us,
                as_error,
            };
            self.pending.insert(self.sequence, event);
        };
        let text = describe(&op);
        match fault {
            None => effect(now + there, op, Some(back), false),
            Some(Fault::ErrorAfter) => effect(now + there, op, Some(back), true),
            Some(Fault::SlowCall) => {
                effect(now + late, op, Some(back), false);
                self.note(actor, || {
                    format!("SLOW {text}: in flight for {:.1} s", late as f64 / 1e6)
                });
            }
            Some(Fault::SlowReturn) => effect(now + there, op, Some(late), false),
            Some(Fault::ErrorBefore) => {
                self.note(actor, || format!("ERROR {text}, without effect"));
                self.at(now + there, Event::Resume(actor, slot, Reply::Failed));
            }
            Some(Fault::ErrorLate) => {
                effect(now + late, op, None, false);
                self.note(actor, || {
                    format!("ERROR {text}, in flight for {:.1} s", late as f64 / 1e6)
                });
                self.at(now + there, Event::Resume(actor, slot, Reply::Failed));
            }
            Some(fault @ (Fault::Crash | Fault::NodeCrash)) => {
                if self.rng.f64() < 0.6 {
                    let at = if self.rng.bool() { there } else { late };
                    self.at(
                        now + at,
                        Event::Effect {
                            actor,
                            op,
                            slot,
                            hears_after_us: None,
                            as_error: false,
                        },
                    );
                }
                self.crash(actor, &format!("at {text}"));
                if fault == Fault::NodeCrash {
                    self.crash_node(self.actors[actor].node);
                }
            }
        }
    }

    /// The time from the arrival of a call until the store has done it. The store may do other
    /// calls first.
    fn works_for_us(&mut self, there: u64, op: &Op) -> u64 {
        let (Some(slow), Op::Get(key) | Op::Set(key, _) | Op::Delete(key)) = (self.mix.slow, op)
        else {
            return 0;
        };
        if !key.starts_with("ip:") {
            return 0;
        }
        let arrives_us = self.now_us + there;
        self.busy_until_us = self.busy_until_us.max(arrives_us) + slow.state_us;
        self.busy_until_us - arrives_us
    }

    fn crash_node(&mut self, node: usize) {
        for id in 0..self.actors.len() {
            let actor = &self.actors[id];
            if actor.node == node && !actor.name.starts_with("client") {
                self.crash(id, "with its node");
            }
        }
    }
}
