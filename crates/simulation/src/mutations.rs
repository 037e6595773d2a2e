// The safeguards of the ledger, each with what takes it out. Read by build.rs and by the tests.

/// A ledger with one safeguard less.
pub struct Mutation {
    pub name: &'static str,
    /// What then goes wrong, in the judge's words.
    pub harm: &'static str,
    /// File, text that is there, text instead.
    pub changes: &'static [(&'static str, &'static str, &'static str)],
}

pub const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "no_fold_number_in_names",
        harm: "an answer counts a hit twice",
        changes: &[
            (
                "keys.rs",
                "format!(\"ip:{ip}:{k}\")",
                "{ let _ = k; format!(\"ip:{ip}\") }",
            ),
            // Or what was just written would be deleted as replaced, and be missed for that alone.
            (
                "fold.rs",
                "        if base.k > 0 {
            replaced.push(keys::root(base.k));",
                "        replaced.retain(|key| !key.starts_with(\"ip:\"));
        if base.k > 0 {
            replaced.push(keys::root(base.k));",
            ),
        ],
    },
    Mutation {
        name: "number_taken_after_the_base_is_read",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "fold.rs",
            "        let k = held.store().await?.increment(keys::FOLD, 1).await?;
        went_back(keys::FOLD, k, mark.k + 1)?;
        let base = self.base_below(held, k, mark.k).await?;
",
            "        let seen = held.store().await?.increment(keys::FOLD, 0).await?;
        let base = self.base_below(held, seen + 1, mark.k).await?;
        let k = held.store().await?.increment(keys::FOLD, 1).await?;
",
        )],
    },
    Mutation {
        name: "no_second_look_at_the_counter",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "fold.rs",
            "increment(keys::FOLD, 0).await? != root.k",
            "increment(keys::FOLD, 0).await? == 0",
        )],
    },
    Mutation {
        name: "a_slow_writer_acknowledges",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "append.rs",
            "took_ms > self.limits.ack_within_ms",
            "took_ms == u64::MAX",
        )],
    },
    Mutation {
        name: "a_hole_is_dropped_too_early",
        harm: "an acknowledged hit is lost",
        changes: &[("fold.rs", "> self.limits.skip_after_ms", "> 2_000")],
    },
    Mutation {
        name: "the_stamp_is_taken_before_the_number",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "append.rs",
            "let stamp_ms = self.clock.wall_ms();",
            "let stamp_ms = started.1;",
        )],
    },
    Mutation {
        name: "the_clock_is_read_after_the_log",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "fold.rs",
            "        let (open, skipped) = self.still_open(",
            "        let before_ms = before_ms.max(self.clock.wall_ms());
        let (open, skipped) = self.still_open(",
        )],
    },
    Mutation {
        name: "batch_ids_are_forgotten_by_the_folders_clock",
        harm: "a hit is counted twice",
        changes: &[
            (
                "batch_ids.rs",
                "pub fn finish(mut self, k: u64,",
                "pub fn finish(mut self, before_ms: u64, k: u64,",
            ),
            (
                "batch_ids.rs",
                "let newest_ms = self.newest_ms();",
                "let newest_ms = before_ms.max(self.newest_ms());",
            ),
            ("fold.rs", "ids.finish(k,", "ids.finish(before_ms, k,"),
        ],
    },
    Mutation {
        name: "no_plan",
        harm: "a key is left behind: ip",
        changes: &[(
            "fold.rs",
            "        held.store().await?.set(&key, encode(&key, &plan)?).await?;
",
            "        let _ = plan;
",
        )],
    },
    Mutation {
        name: "a_store_error_is_read_as_a_missing_key",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "query.rs",
            "let bytes = self.store.get(key).await?;",
            "let bytes = self.store.get(key).await.unwrap_or(None);",
        )],
    },
    Mutation {
        name: "a_query_does_not_look_at_the_log",
        harm: "an answer lacks what was acknowledged before it was asked",
        changes: &[(
            "query.rs",
            "if missing.is_empty() {",
            "if missing.len() < usize::MAX {",
        )],
    },
    Mutation {
        name: "a_query_trusts_the_mark",
        harm: "an answer lacks what was acknowledged before it was asked",
        changes: &[(
            "query.rs",
            "!self.is_replaced(mark.k).await?",
            "self.mark().await? == mark",
        )],
    },
    Mutation {
        name: "a_status_trusts_the_mark",
        harm: "a status took back what another had told",
        changes: &[(
            "query.rs",
            "!self.is_replaced(root.k).await?",
            "self.mark().await? == mark",
        )],
    },
    Mutation {
        name: "the_mark_is_set_before_the_deletions",
        harm: "a key is left behind: ip",
        changes: &[
            (
                "fold.rs",
                "        self.delete_all(held, &root.todo).await?;
        for i in &root.due {
            let list = keys::replaced(*i);
            held.store().await?;
            if let Some(replaced) = self.get::<Vec<String>>(&list).await? {
                self.delete_all(held, &replaced).await?;
                held.store().await?.delete(&list).await?;
            }
        }
",
                "",
            ),
            (
                "fold.rs",
                "            .set(keys::MARK, encode(keys::MARK, &mark)?)
            .await?;
        self.trim(low).await?;
",
                "            .set(keys::MARK, encode(keys::MARK, &mark)?)
            .await?;
        self.delete_all(held, &root.todo).await?;
        for i in &root.due {
            let list = keys::replaced(*i);
            held.store().await?;
            if let Some(replaced) = self.get::<Vec<String>>(&list).await? {
                self.delete_all(held, &replaced).await?;
                held.store().await?.delete(&list).await?;
            }
        }
        self.trim(low).await?;
",
            ),
        ],
    },
];
