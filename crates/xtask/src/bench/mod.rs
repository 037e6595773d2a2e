//! Measures the app on this machine as its users meet it, and prints one table. Every answer is
//! checked. A wrong answer ends the run.

mod app;
mod ask;
mod check;
mod data;
mod disk;
mod figures;
mod goals;
mod growth;
mod http;
mod ingest;
mod live;
mod machine;
mod peers;
mod process;
mod redis;
mod table;

use std::fs::{self, File};
use std::path::{self, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;

use self::app::App;
use self::data::Plan;
use self::goals::{Goal, JUDGED_HITS, WIDE_IPS};
use self::ingest::{Data, Import};
use self::live::Live;
use self::redis::Redis;
use self::table::Table;
use crate::components;
use crate::duckdb;
use crate::host::{self, Profile};
use crate::up::{self, Runtime};
use crate::workspace::Workspace;

/// How long each loop under load runs.
const LOAD_TIME: Duration = Duration::from_secs(20);
/// The folder of the app that makes the store calls of an append alone.
const REFERENCE: &str = "crates/reference";
/// The age of the newest hit at the start of the run.
const AGE_MS: u64 = 60_000;

#[derive(Args)]
pub struct Options {
    /// Measure DuckDB (from PyPI) and GoAccess (if it is installed) with the same hits
    #[arg(long)]
    peers: bool,
    /// The server for the app [default: spin if 4.1 or later is installed, else embedded]
    #[arg(long, value_enum)]
    runtime: Option<Runtime>,
    /// The embedded host to measure. It must be built [default: this workspace's, built optimised]
    #[arg(long, value_name = "FILE", conflicts_with = "runtime")]
    host: Option<PathBuf>,
    /// Hits to import
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(100..))]
    hits: u64,
    /// The number of IPs that call
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1..=16_000_000))]
    ips: u32,
    /// The number of paths that are called
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    paths: u32,
    /// The number of days over which the hits are spread
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=89))]
    days: u32,
}

/// A folder that is removed at the end.
struct Work(PathBuf);

impl Work {
    fn make(folder: PathBuf) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(&folder).context("an earlier run's folder cannot be removed")?;
        }
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} cannot be removed: {error}", self.0.display());
        }
    }
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let runtime = match options.host {
        Some(_) => Runtime::Embedded,
        None => up::choose(options.runtime)?,
    };
    let folder = workspace.target().join("bench");
    fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("lock"))?;
    // If another run is under way, this one waits. Otherwise each run would disturb the other.
    lock.lock()?;
    components::build_with_reference(workspace)?;
    let program = match (runtime, &options.host) {
        (Runtime::Spin, _) => PathBuf::from("spin"),
        (Runtime::Embedded, Some(host)) => path::absolute(host)?,
        (Runtime::Embedded, None) => host::build(workspace, Profile::Optimised)?,
    };
    let duckdb = options.peers.then(|| duckdb::prepare(workspace));

    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let plan = Plan {
        hits: options.hits,
        ips: options.ips,
        paths: options.paths,
        days: options.days,
        end_ms: now_ms - AGE_MS,
    };
    let work = Work::make(folder.join("work"))?;
    eprintln!("Making {} hits.", table::thousands(plan.hits as f64));
    let data = ingest::write(plan, &work.0)?;
    let mut table = Table {
        rows: Vec::new(),
        is_wide: plan.ips >= WIDE_IPS,
        is_judged: plan.hits >= JUDGED_HITS,
    };
    let setup = Setup {
        workspace,
        runtime,
        program,
        work: &work.0,
        plan,
        data: &data,
    };
    eprintln!("On SQLite:");
    setup.measure(&folder, &mut table)?;
    setup.import_on_redis(&mut table)?;
    setup.import_log(&mut table)?;
    let mut heading = setup.heading()?;
    if let Some(duckdb) = duckdb {
        eprintln!("Peers:");
        match duckdb {
            Ok(python) => {
                let name = peers::duckdb(&python, &work.0, &data, now_ms, &mut table)?;
                heading += &format!(" {name}.");
            }
            Err(error) => eprintln!("SKIPPED DuckDB: {error:#}"),
        }
        if let Some(name) = peers::goaccess(&work.0, &data, &mut table)? {
            heading += &format!(" {name}.");
        }
    }
    println!("{heading}\n\n{table}");
    Ok(())
}

struct Setup<'a> {
    workspace: &'a Workspace,
    runtime: Runtime,
    program: PathBuf,
    work: &'a Path,
    plan: Plan,
    data: &'a Data,
}

impl Setup<'_> {
    fn start(&self, name: &str, runtime_config: Option<&Path>) -> Result<App> {
        let app = self.serve(self.workspace.root(), name, runtime_config)?;
        // The first question opens the store.
        app.client()?.ask("/admin/global-stats?timeRange=all")?;
        Ok(app)
    }

    /// Serves the manifest of a folder.
    fn serve(&self, folder: &Path, name: &str, runtime_config: Option<&Path>) -> Result<App> {
        let state = self.work.join(name);
        let cache = self.workspace.target().join("host-cache");
        App::start(
            folder,
            self.runtime,
            &self.program,
            &state,
            &cache,
            runtime_config,
        )
    }

    /// Measures a handler that makes the store calls of an append alone.
    fn store_calls_alone(&self, time: Duration) -> Result<f64> {
        let folder = self.workspace.root().join(REFERENCE);
        let app = self.serve(&folder, "reference", None)?;
        Live::new(&app, self.plan, 0, time)?.one_hit_rate()
    }

    fn measure(&self, kept: &Path, table: &mut Table) -> Result<()> {
        let (counts, hits) = (&self.data.counts, self.plan.hits);
        // A small run only shows that the measurement works.
        let (time, patience) = match hits < JUDGED_HITS / 10 {
            true => (LOAD_TIME / 20, Duration::ZERO),
            false => (LOAD_TIME, disk::CLEANED_WITHIN),
        };
        // First, while nothing else runs.
        let store_calls_alone = self.store_calls_alone(time)?;
        let app = self.start("sqlite", None)?;
        let import = ingest::import(&app, self.data)?;
        let file_size = disk::file_size(&app)?;
        self.add_rates(
            [&goals::IMPORT_ACKNOWLEDGED, &goals::IMPORT],
            &import,
            table,
        );
        let mut peak = app.memory()?.peak;
        ask::cold(&app, counts, table)?;
        growth::compare(kept, self.runtime, &self.plan, table)?;
        ask::kept(&app, counts, table)?;
        peak = peak.max(app.memory()?.peak);
        ask::export(&app, counts, table)?;
        disk::live(&app, file_size, hits, patience, table)?;
        let live = Live::new(&app, self.plan, hits, time)?;
        live.one_hit(table)?;
        table.refer(goals::ONE_HIT.what, goals::STORE_CALLS, store_calls_alone);
        live.steady(table)?;
        live.burst((hits / 10).min(100_000) as usize, table)?;
        peak = peak.max(app.memory()?.peak);
        table.add(&goals::MEMORY, peak as f64 / 1_024.0, "");
        Ok(())
    }

    fn import_on_redis(&self, table: &mut Table) -> Result<()> {
        if !redis::is_installed()? {
            eprintln!("SKIPPED Redis: redis-server is not installed");
            return Ok(());
        }
        eprintln!("On Redis:");
        let redis = Redis::start(&self.work.join("redis"))?;
        let app = self.start("on-redis", Some(redis.runtime_config()))?;
        let import = ingest::import(&app, self.data)?;
        let goals = [&goals::IMPORT_REDIS_ACKNOWLEDGED, &goals::IMPORT_REDIS];
        self.add_rates(goals, &import, table);
        Ok(())
    }

    /// Imports the access log, just before GoAccess reads it.
    fn import_log(&self, table: &mut Table) -> Result<()> {
        eprintln!("The import of a log, on SQLite:");
        let rollcall = match self.runtime {
            Runtime::Embedded => self.program.clone(),
            Runtime::Spin => host::build(self.workspace, Profile::Optimised)?,
        };
        let app = self.start("of-a-log", None)?;
        let import = ingest::import_log(&app, self.data, &rollcall, &self.work.join("records"))?;
        let goals = [&goals::IMPORT_LOG_ACKNOWLEDGED, &goals::IMPORT_LOG];
        self.add_rates(goals, &import, table);
        Ok(())
    }

    /// Adds the rates of an import: until it was acknowledged, and until it was folded.
    fn add_rates(&self, goals: [&'static Goal; 2], import: &Import, table: &mut Table) {
        for (goal, time) in goals.into_iter().zip([import.acknowledged, import.folded]) {
            table.add(goal, self.plan.hits as f64 / time.as_secs_f64(), "");
        }
    }

    /// The line above the table: the hits, the server, the machine and the date.
    fn heading(&self) -> Result<String> {
        let number = |count: u32| table::thousands(f64::from(count));
        Ok(format!(
            "{} hits of {} IPs on {} paths in {} days. {}. {}. {}.",
            table::thousands(self.plan.hits as f64),
            number(self.plan.ips),
            number(self.plan.paths),
            self.plan.days,
            machine::server(self.runtime)?,
            machine::describe()?,
            Timestamp::now().strftime("%Y-%m-%d"),
        ))
    }
}
