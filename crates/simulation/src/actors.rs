//! The actors of a history: clients, writers, folders and readers.

use std::net::IpAddr;
use std::rc::Rc;

use rollcall_tally::Hit;

use crate::call::{Reply, Waiting};
use crate::judge;
use crate::limits::RETRY_MS;
use crate::protocol::Protocol;
use crate::record::{Changed, Erasure, Fate};
use crate::scene::{Plan, Queued, Scene};
use crate::store::{SimClock, SimStore};
use crate::world::{ActorId, EPOCH_MS, Event, NODES};

/// Carries out the plan of an actor.
pub async fn act<P: Protocol>(
    scene: Scene,
    me: ActorId,
    store: SimStore,
    clock: SimClock,
    plan: Plan,
) {
    match plan {
        Plan::Client { batch, ips, last } => client(&scene, me, &clock, batch, &ips, last).await,
        Plan::Append(batch) => append::<P>(&scene, me, &store, &clock, batch).await,
        Plan::Erase(ip) => erase::<P>(&scene, me, &store, &clock, ip).await,
        Plan::Change(name, text) => change::<P>(&scene, me, &store, &clock, name, text).await,
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

/// Appends a batch, with those that other requests of the node put into the queue meanwhile. If one
/// of them took this batch first, does nothing. The batch of a request that crashed is dropped.
async fn append<P: Protocol>(
    scene: &Scene,
    me: ActorId,
    store: &SimStore,
    clock: &SimClock,
    batch: Queued,
) {
    use rollcall_ledger::Clock as _;
    scene.queues.borrow_mut()[clock.node].push((me, batch));
    clock
        .sleep_ms(scene.draw(|rng| [0, 0, 4, 1_000][rng.usize(0..4)]))
        .await;
    let mut queued = std::mem::take(&mut scene.queues.borrow_mut()[clock.node]);
    queued.retain(|(request, _)| !scene.world.borrow().actors[*request].dead);
    if queued.is_empty() {
        return;
    }
    let (mut batches, mut clients) = (Vec::new(), Vec::new());
    for (_, batch) in queued {
        batches.push((batch.id, batch.hits));
        clients.push((batch.client, batch.answer));
    }
    let newest = P::append(store, clock, batches).await;
    let mut world = scene.world.borrow_mut();
    let now = world.now_us;
    for (before, (client, answer)) in (0..).zip(clients.into_iter().rev()) {
        let number = newest.map(|newest| newest - before);
        world.at(now, Event::Resume(client, answer, Reply::Answered(number)));
    }
}

/// Sends a batch until it is acknowledged or the client gives up.
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
        scene.record.borrow_mut().hits.insert(
            hit.path.clone(),
            Fate {
                timestamp_ms: hit.timestamp_ms,
                is_last: last,
                acknowledged_us: None,
            },
        );
    }
    // If the batch has no id, the client may not send it again.
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
        let plan = Plan::Append(Queued {
            id: id.clone(),
            hits: hits.clone(),
            answer: answer.clone(),
            client: me,
        });
        scene.spawn(0, node, format!("append{batch}.{i}@{node}"), plan);
        let patience_us = scene.draw(|rng| [2, 6, 15][rng.usize(0..3)]) * 1_000_000;
        let give_up = Event::Resume(me, answer.clone(), Reply::Elapsed);
        let until = scene.now_us() + patience_us;
        scene.world.borrow_mut().at(until, give_up);
        if let Reply::Answered(Some(number)) = answer.await {
            let now = scene.now_us();
            let paths = hits.iter().map(|hit| hit.path.clone()).collect();
            scene.record.borrow_mut().receipts.insert(number, paths);
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

/// Erases an IP, and records the erasure if it is acknowledged.
async fn erase<P: Protocol>(
    scene: &Scene,
    me: ActorId,
    store: &SimStore,
    clock: &SimClock,
    ip: IpAddr,
) {
    let asked_us = scene.now_us();
    scene.record.borrow_mut().has_other_segments = true;
    let Some(until_ms) = P::erase(store, clock, ip).await else {
        return;
    };
    let acknowledged_us = scene.now_us();
    scene.record.borrow_mut().erasures.push(Erasure {
        ip,
        asked_us,
        acknowledged_us,
        until_ms,
    });
    let mut world = scene.world.borrow_mut();
    world.note(me, || "acknowledged".to_owned());
}

/// Changes a document, and records whether the change was acknowledged.
async fn change<P: Protocol>(
    scene: &Scene,
    me: ActorId,
    store: &SimStore,
    clock: &SimClock,
    name: &'static str,
    text: String,
) {
    let asked_us = scene.now_us();
    scene.record.borrow_mut().has_other_segments = true;
    if !P::change(store, clock, name, &text).await {
        return;
    }
    let acknowledged_us = scene.now_us();
    scene.record.borrow_mut().changes.push(Changed {
        name,
        text,
        asked_us,
        acknowledged_us,
    });
    let mut world = scene.world.borrow_mut();
    world.note(me, || "acknowledged".to_owned());
}

/// The ages of the hits. A day begins one minute after the history begins. So some hits are in
/// buckets that are then merged into coarser ones.
const AGES_MS: [u64; 5] = [
    0,
    60_000,
    149 * 60_000,
    60 * 3_600_000,
    (90 * 24 + 12) * 3_600_000,
];
const COUNTRIES: [Option<&str>; 4] = [None, None, Some("DE"), Some("FR")];

fn hit(ip: IpAddr, batch: usize, i: usize) -> Hit {
    Hit {
        ip,
        timestamp_ms: EPOCH_MS + batch as u64 - AGES_MS[(batch + i) % AGES_MS.len()],
        method: "GET".to_owned(),
        path: format!("/{batch}.{i}"),
        status: None,
        response_time_us: None,
        bytes: None,
        country: COUNTRIES[(batch + 3 * i) % COUNTRIES.len()].map(str::to_owned),
        user_agent: None,
        told: Default::default(),
    }
}
