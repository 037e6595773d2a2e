//! Runs the actors of a history, event by event. When the faults have ended, it folds until nothing
//! changes any more.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::actors::act;
use crate::call::fill;
use crate::protocol::Protocol;
use crate::record::Answer;
use crate::scene::{Plan, Planned, Scene};
use crate::store::{SimClock, SimStore};
use crate::world::{Actor, ActorId, Event, NODES};

/// The most rounds of healing.
const HEAL_ROUNDS_MAX: usize = 2_000;
/// The same for a store that stays slow, where a fold may take minutes.
const SLOW_HEAL_ROUNDS_MAX: usize = 4_000;

pub struct Driver<P> {
    scene: Scene,
    running: BTreeMap<ActorId, Pin<Box<dyn Future<Output = ()>>>>,
    protocol: PhantomData<P>,
}

impl<P: Protocol + 'static> Driver<P> {
    pub fn new(scene: Scene) -> Self {
        Self {
            scene,
            running: BTreeMap::new(),
            protocol: PhantomData,
        }
    }

    pub fn run_until(&mut self, ms: u64) {
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
            world.actors.push(Actor {
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
        // The future is taken out while it is polled. If an actor crashes during its own call, its
        // future must not be dropped while it runs.
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

    /// Sends one more batch, and then folds until nothing changes any more. If the store is quick,
    /// the batch has a hit of every IP that was not erased.
    pub fn heal(&mut self, ips: &[IpAddr]) {
        // A fold takes at least one whole segment. So the last segment in a slow store has few IPs.
        let most = if self.scene.tight.is_slow {
            8
        } else {
            ips.len()
        };
        let is_erased = |ip: &IpAddr| {
            let record = self.scene.record.borrow();
            record.erasures.iter().any(|erasure| erasure.ip == *ip)
        };
        let others = ips.iter().copied().filter(|ip| !is_erased(ip));
        let plan = Plan::Client {
            batch: 999,
            ips: others.take(most).collect(),
            last: true,
        };
        self.scene.spawn(0, 0, "client-last".to_owned(), plan);
        let mut now_ms = self.scene.now_us() / 1_000 + 5_000;
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

    /// The answer that a reader gets at the end. `None`: there is no answer.
    pub fn read(&mut self) -> Option<Answer> {
        let found = Rc::new(RefCell::new(None));
        let world = self.scene.world.clone();
        let actor = {
            let mut world = world.borrow_mut();
            world.actors.push(Actor {
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
