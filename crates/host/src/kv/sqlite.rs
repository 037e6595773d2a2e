//! The SQLite store, Spin's default: one table for all labels, one connection, one writer.
//!
//! The table and the settings are Spin's, so that Spin can use the file, too: a rollback journal, a
//! full sync, and a wait of five seconds for a lock that another process holds. As in Spin, a call
//! blocks the instance that makes it. If a counter is not 8 bytes or overflows, Spin's host panics.
//! This host returns an error.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{KeyValue, StoreError, StoreResult};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (\
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3) \
    ON CONFLICT (store, key) DO UPDATE SET value = ?3";
const SWAP: &str =
    "UPDATE spin_key_value SET value = ?3 WHERE store = ?1 AND key = ?2 AND value = ?4";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
const KEYS: &str = "SELECT key FROM spin_key_value WHERE store = ?1";
const GET_MANY: &str =
    "SELECT key, value FROM spin_key_value WHERE store = ?1 AND key IN rarray(?2)";
const DELETE_MANY: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key IN rarray(?2)";

/// An open database. Any number of labelled stores share it.
#[derive(Clone)]
pub struct Database(Arc<Mutex<Connection>>);

/// One label of a database.
struct Store {
    label: String,
    database: Database,
}

impl Database {
    /// Opens the file. If the file or its folder is missing, it is made.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let connection =
            Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Self::prepare(connection).with_context(|| format!("cannot use {}", path.display()))
    }

    /// A database that lasts as long as the process.
    pub fn in_memory() -> anyhow::Result<Self> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(connection: Connection) -> anyhow::Result<Self> {
        connection.execute(CREATE, [])?;
        rusqlite::vtab::array::load_module(&connection)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// The store under a label.
    pub fn store(&self, label: &str) -> Arc<dyn KeyValue> {
        Arc::new(Store {
            label: label.to_owned(),
            database: self.clone(),
        })
    }
}

impl Store {
    /// Does SQLite's blocking work on this thread. Other tasks of this thread move to another
    /// thread.
    fn run<T>(&self, work: impl FnOnce(&mut Connection, &str) -> StoreResult<T>) -> StoreResult<T> {
        tokio::task::block_in_place(|| {
            // If SQLite's work panics, its transaction is rolled back. So the connection stays
            // usable.
            let mut connection = self
                .database
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            work(&mut connection, &self.label)
        })
        .inspect_err(|error| tracing::warn!(store = self.label, %error, "key-value error"))
    }
}

#[async_trait]
impl KeyValue for Store {
    async fn get(&self, key: &str) -> StoreResult<Option<Vec<u8>>> {
        self.run(|db, label| read(db, label, key))
    }

    async fn set(&self, key: &str, value: &[u8]) -> StoreResult<()> {
        self.run(|db, label| write(db, label, key, value))
    }

    async fn delete(&self, key: &str) -> StoreResult<()> {
        self.run(|db, label| {
            db.prepare_cached(DELETE)?.execute([label, key])?;
            Ok(())
        })
    }

    async fn keys(&self) -> StoreResult<Vec<String>> {
        self.run(|db, label| {
            let mut statement = db.prepare_cached(KEYS)?;
            let rows = statement.query_map([label], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    async fn get_many(&self, keys: Vec<String>) -> StoreResult<Vec<(String, Option<Vec<u8>>)>> {
        self.run(|db, label| {
            let mut statement = db.prepare_cached(GET_MANY)?;
            let rows = statement.query_map(params![label, array(keys)], |row| row.try_into())?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    async fn set_many(&self, values: Vec<(String, Vec<u8>)>) -> StoreResult<()> {
        self.run(|db, label| {
            let transaction = db.transaction()?;
            for (key, value) in values {
                write(&transaction, label, &key, &value)?;
            }
            Ok(transaction.commit()?)
        })
    }

    async fn delete_many(&self, keys: Vec<String>) -> StoreResult<()> {
        self.run(|db, label| {
            db.prepare_cached(DELETE_MANY)?
                .execute(params![label, array(keys)])?;
            Ok(())
        })
    }

    async fn increment(&self, key: &str, delta: i64) -> StoreResult<i64> {
        self.run(|db, label| {
            let transaction = db.transaction()?;
            let counter = match read(&transaction, label, key)? {
                Some(bytes) => {
                    i64::from_le_bytes(bytes.try_into().map_err(|_| not_a_counter(key))?)
                }
                None => 0,
            };
            let sum = counter
                .checked_add(delta)
                .ok_or_else(|| not_a_counter(key))?;
            write(&transaction, label, key, &sum.to_le_bytes())?;
            transaction.commit()?;
            Ok(sum)
        })
    }

    async fn swap(&self, key: &str, seen: Option<Vec<u8>>, value: Vec<u8>) -> StoreResult<bool> {
        self.run(|db, label| match seen {
            Some(seen) => {
                let rows = db
                    .prepare_cached(SWAP)?
                    .execute(params![label, key, value, seen])?;
                Ok(rows == 1)
            }
            None => write(db, label, key, &value).map(|()| true),
        })
    }
}

fn read(db: &Connection, label: &str, key: &str) -> StoreResult<Option<Vec<u8>>> {
    let mut statement = db.prepare_cached(GET)?;
    Ok(statement
        .query_row([label, key], |row| row.get(0))
        .optional()?)
}

fn write(db: &Connection, label: &str, key: &str, value: &[u8]) -> StoreResult<()> {
    db.prepare_cached(SET)?
        .execute(params![label, key, value])?;
    Ok(())
}

fn array(keys: Vec<String>) -> Rc<Vec<Value>> {
    Rc::new(keys.into_iter().map(Value::from).collect())
}

fn not_a_counter(key: &str) -> StoreError {
    StoreError(format!(
        "the value of {key:?} is not a counter, or would overflow"
    ))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_set_is_got_until_it_is_deleted() {
        let store = Database::in_memory().unwrap().store("default");
        assert_eq!(store.get("a").await.unwrap(), None);
        store.set("a", b"1").await.unwrap();
        store.set("a", b"2").await.unwrap();
        assert_eq!(store.get("a").await.unwrap().unwrap(), b"2");
        assert!(store.exists("a").await.unwrap());
        assert_eq!(store.keys().await.unwrap(), ["a"]);
        store.delete("a").await.unwrap();
        store.delete("a").await.unwrap();
        assert!(!store.exists("a").await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn batches_leave_missing_keys_out() {
        let store = Database::in_memory().unwrap().store("default");
        let pairs = vec![
            ("a".to_owned(), b"1".to_vec()),
            ("b".to_owned(), b"2".to_vec()),
        ];
        store.set_many(pairs).await.unwrap();
        let keys = || vec!["b".to_owned(), "ghost".to_owned()];
        assert_eq!(
            store.get_many(keys()).await.unwrap(),
            [("b".to_owned(), Some(b"2".to_vec()))]
        );
        store.delete_many(keys()).await.unwrap();
        assert_eq!(store.keys().await.unwrap(), ["a"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn concurrent_increments_all_count() {
        let store = Database::in_memory().unwrap().store("default");
        let adds = (0..100).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.increment("n", 2).await.unwrap() })
        });
        futures::future::join_all(adds).await;
        assert_eq!(store.increment("n", 0).await.unwrap(), 200);
        assert_eq!(store.increment("n", -201).await.unwrap(), -1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_is_full_or_read_only_is_an_error_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("kv.db")).unwrap();
        let store = database.store("default");
        let say = |pragma: &str| {
            let connection = database.0.lock().unwrap();
            connection
                .query_row(pragma, [], |_| Ok(()))
                .optional()
                .unwrap();
        };
        store.set("a", b"1").await.unwrap();
        store.increment("n", 1).await.unwrap();
        let large = || vec![7; 64 * 1024];
        // The limit cannot be smaller than the present number of pages.
        say("PRAGMA max_page_count = 1");
        assert!(store.set("b", &large()).await.is_err());
        let pairs = vec![("b".to_owned(), b"2".to_vec()), ("c".to_owned(), large())];
        assert!(store.set_many(pairs).await.is_err());
        say("PRAGMA max_page_count = 1000000");
        say("PRAGMA query_only = 1");
        assert!(store.set("a", b"2").await.is_err());
        assert!(store.increment("n", 0).await.is_err());
        assert!(store.delete("a").await.is_err());
        say("PRAGMA query_only = 0");
        assert_eq!(store.get("a").await.unwrap().unwrap(), b"1");
        assert_eq!(store.keys().await.unwrap().len(), 2);
        assert_eq!(store.increment("n", 1).await.unwrap(), 2);
        store.set("b", &large()).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_value_that_is_no_counter_is_an_error_and_stays() {
        let store = Database::in_memory().unwrap().store("default");
        store.set("n", b"abc").await.unwrap();
        assert!(store.increment("n", 1).await.is_err());
        assert_eq!(store.get("n").await.unwrap().unwrap(), b"abc");
        store.increment("m", i64::MAX).await.unwrap();
        assert!(store.increment("m", 1).await.is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_swap_needs_the_seen_value_except_to_create() {
        let store = Database::in_memory().unwrap().store("default");
        assert!(store.swap("a", None, b"1".to_vec()).await.unwrap());
        assert!(store.swap("a", None, b"2".to_vec()).await.unwrap());
        assert!(
            !store
                .swap("a", Some(b"1".to_vec()), b"3".to_vec())
                .await
                .unwrap()
        );
        assert!(
            store
                .swap("a", Some(b"2".to_vec()), b"3".to_vec())
                .await
                .unwrap()
        );
        assert_eq!(store.get("a").await.unwrap().unwrap(), b"3");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn labels_do_not_share_keys_and_the_file_keeps_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/kv.db");
        let database = Database::open(&path).unwrap();
        database.store("one").set("a", b"1").await.unwrap();
        assert_eq!(database.store("two").get("a").await.unwrap(), None);
        drop(database);
        let database = Database::open(&path).unwrap();
        assert_eq!(database.store("one").get("a").await.unwrap().unwrap(), b"1");
    }

    #[test]
    fn commits_are_synced_in_full() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("kv.db")).unwrap();
        let connection = database.0.lock().unwrap();
        let level: i64 = connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap();
        let journal: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!((level, journal.as_str()), (2, "delete"));
    }
}
