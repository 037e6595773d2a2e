//! The data that the actors of a history share: the world, the judge's record, and the actors that
//! begin later.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use rollcall_tally::Hit;

use crate::call::Waiting;
use crate::limits::Tight;
use crate::record::Record;
use crate::world::{ActorId, Event, NODES, Shared};

/// The task of an actor.
pub enum Plan {
    Client {
        batch: usize,
        ips: Vec<IpAddr>,
        last: bool,
    },
    Append(Queued),
    Erase(IpAddr),
    /// Gives the document of this name this text.
    Change(&'static str, String),
    Fold,
    Query,
}

/// A batch that waits to be appended, and the client that waits for the answer.
pub struct Queued {
    pub id: Option<String>,
    pub hits: Vec<Hit>,
    pub answer: Waiting,
    pub client: ActorId,
}

/// The batches of a node, and the requests that brought them.
pub type Queue = Vec<(ActorId, Queued)>;

/// An actor that begins later.
pub struct Planned {
    pub node: usize,
    pub name: String,
    pub plan: Plan,
}

/// The data that every actor has.
#[derive(Clone)]
pub struct Scene {
    pub world: Shared,
    pub record: Rc<RefCell<Record>>,
    pub plans: Rc<RefCell<BTreeMap<u64, Planned>>>,
    /// For each node, the batches that its next append takes.
    pub queues: Rc<RefCell<[Queue; NODES]>>,
    pub tight: Tight,
}

impl Scene {
    pub fn spawn(&self, after_us: u64, node: usize, name: String, plan: Plan) {
        let mut plans = self.plans.borrow_mut();
        let number = plans.last_key_value().map_or(0, |(last, _)| last + 1);
        plans.insert(number, Planned { node, name, plan });
        let mut world = self.world.borrow_mut();
        let at = world.now_us + after_us;
        world.at(at, Event::Spawn(number));
    }

    pub fn draw<T>(&self, from: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        from(&mut self.world.borrow_mut().rng)
    }

    pub fn now_us(&self) -> u64 {
        self.world.borrow().now_us
    }
}
