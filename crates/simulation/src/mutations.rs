// The safeguards of the ledger, each with the change that removes it. build.rs and the tests read
// this file.

/// A change that removes one safeguard from the ledger, while this mutant runs.
pub struct Mutation {
    pub name: &'static str,
    /// The error that this causes, in the judge's words.
    pub harm: &'static str,
    /// For each change: the file, the old text, the new text. `MUTANT` in the new text is whether
    /// this mutant runs. If not, the new text must do what the old one did.
    pub changes: &'static [(&'static str, &'static str, &'static str)],
}

pub const MUTATIONS: &[Mutation] = &[
    Mutation {
        name: "no_fold_number_in_names",
        harm: "an answer counts a hit twice",
        changes: &[
            (
                "keys.rs",
                "format!(\"ip:{k}:{ip}\")",
                "if MUTANT { format!(\"ip:{ip}\") } else { format!(\"ip:{k}:{ip}\") }",
            ),
            // Without this change, cleaning would delete the value just written as a replaced one.
            // The mutant would then fail for this reason alone.
            (
                "stored/plan.rs",
                "self.is_written.then(",
                "(self.is_written && !(MUTANT && matches!(self.of, Versioned::Ip(_)))).then(",
            ),
            (
                "stored/plan.rs",
                "self.before > 0",
                "self.before > 0 && !(MUTANT && matches!(self.of, Versioned::Ip(_)))",
            ),
        ],
    },
    Mutation {
        name: "number_taken_after_the_base_is_read",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "fold/mod.rs",
            "        let k = held.store().await?.increment(keys::FOLD, 1).await?;
        went_back(keys::FOLD, k, head.k + 1)?;
        held.fold_as(k);
        let base = self.base_below(held, k, head.k).await?;
",
            "        let (k, base) = if MUTANT {
            let seen = held.store().await?.increment(keys::FOLD, 0).await?;
            let base = self.base_below(held, seen + 1, head.k).await?;
            let k = held.store().await?.increment(keys::FOLD, 1).await?;
            held.fold_as(k);
            (k, base)
        } else {
            let k = held.store().await?.increment(keys::FOLD, 1).await?;
            went_back(keys::FOLD, k, head.k + 1)?;
            held.fold_as(k);
            (k, self.base_below(held, k, head.k).await?)
        };
",
        )],
    },
    Mutation {
        name: "no_second_look_at_the_counter",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "fold/commit.rs",
            "increment(keys::FOLD, 0).await? != root.k",
            "increment(keys::FOLD, 0).await? != root.k && !MUTANT",
        )],
    },
    Mutation {
        name: "a_slow_writer_acknowledges",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "append.rs",
            "took_ms > self.limits.ack_within_ms",
            "took_ms > self.limits.ack_within_ms && !MUTANT",
        )],
    },
    Mutation {
        name: "a_hole_is_dropped_too_early",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "fold/log.rs",
            "> self.limits.skip_after_ms",
            "> if MUTANT { 2_000 } else { self.limits.skip_after_ms }",
        )],
    },
    Mutation {
        name: "the_stamp_is_taken_before_the_number",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "append.rs",
            "let stamp_ms = self.clock.wall_ms();",
            "let stamp_ms = if MUTANT { started.1 } else { self.clock.wall_ms() };",
        )],
    },
    Mutation {
        name: "an_append_writes_under_numbers_that_it_did_not_take",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "append.rs",
            "let first = (last + 1).saturating_sub(count);",
            "let first = if MUTANT { last } else { (last + 1).saturating_sub(count) };",
        )],
    },
    Mutation {
        name: "the_clock_is_read_after_the_log",
        harm: "an acknowledged hit is lost",
        changes: &[(
            "fold/log.rs",
            "let before_ms = pending.before_ms;",
            "let before_ms = match MUTANT {
            true => pending.before_ms.max(self.clock.wall_ms()),
            false => pending.before_ms,
        };",
        )],
    },
    Mutation {
        name: "batch_ids_are_forgotten_by_the_folders_clock",
        harm: "a hit is counted twice",
        changes: &[
            (
                "fold/batch_ids.rs",
                "pub fn finish(mut self, k: u64,",
                "pub fn finish(mut self, before_ms: u64, k: u64,",
            ),
            (
                "fold/batch_ids.rs",
                "let newest_ms = self.newest_ms();",
                "let newest_ms = self.newest_ms().max(if MUTANT { before_ms } else { 0 });",
            ),
            (
                "fold/apply.rs",
                ".finish(k,",
                ".finish(pending.before_ms, k,",
            ),
        ],
    },
    Mutation {
        name: "no_plan",
        harm: "a key is left behind: ip",
        changes: &[(
            "fold/outbox.rs",
            "while let Some(part) = self.parts_to_write.pop_first() {",
            "while let Some(part) = (if MUTANT { None } else { self.parts_to_write.pop_first() }) {",
        )],
    },
    Mutation {
        name: "a_store_error_is_read_as_a_missing_key",
        harm: "an acknowledged hit is lost",
        changes: &[
            (
                "read.rs",
                "let bytes = self.store.get(key).await?;",
                "let bytes = self.store.get(key).await;
        let bytes = if MUTANT { bytes.unwrap_or(None) } else { bytes? };",
            ),
            (
                "read.rs",
                "let mut found = self.store.get_many(&wanted).await?;",
                "let found = self.store.get_many(&wanted).await;
            let mut found = if MUTANT { found.unwrap_or_default() } else { found? };",
            ),
        ],
    },
    Mutation {
        name: "a_query_does_not_look_at_the_log",
        harm: "an answer lacks what was acknowledged before it was asked",
        changes: &[(
            "query.rs",
            "if missing.is_empty() {",
            "if missing.is_empty() || MUTANT {",
        )],
    },
    Mutation {
        name: "a_query_trusts_the_head",
        harm: "an answer lacks what was acknowledged before it was asked",
        changes: &[(
            "query.rs",
            "!self.is_replaced(head.k).await?",
            "(if MUTANT { self.head().await? == head } else { !self.is_replaced(head.k).await? })",
        )],
    },
    Mutation {
        name: "a_status_trusts_the_head",
        harm: "a status took back what another had told",
        changes: &[(
            "query.rs",
            "self.newest_root(root.k + 1..newest + 1).await?.is_none()",
            "(if MUTANT {
                    self.head().await? == head
                } else {
                    self.newest_root(root.k + 1..newest + 1).await?.is_none()
                })",
        )],
    },
    Mutation {
        name: "what_was_cleaned_is_noted_before_it_is",
        harm: "a key is left behind: ip",
        changes: &[(
            "clean.rs",
            "            self.delete(round, keys).await?;
",
            "            if MUTANT && round.so_far.replaced.0 <= k {
                let early = stored::Cleaned { replaced: (k, reached), ..round.so_far };
                let value = encode(keys::CLEANED, &early)?;
                round.held.store().await?.set(keys::CLEANED, value).await?;
            }
            self.delete(round, keys).await?;
",
        )],
    },
    Mutation {
        name: "a_lost_fold_is_cleaned_too_early",
        harm: "a key is left behind: ip",
        changes: &[(
            "clean.rs",
            "void.since_ms + self.limits.clean_after_ms",
            "void.since_ms + if MUTANT { 0 } else { self.limits.clean_after_ms }",
        )],
    },
    Mutation {
        name: "a_slow_folder_gives_up",
        harm: "it is stuck: segments are still pending",
        changes: &[
            (
                "lease.rs",
                "        if left_ms <= self.length_ms() / 2 {
",
                "        if MUTANT && left_ms == 0 {
            return Err(Stop::Lost);
        }
        if left_ms <= self.length_ms() / 2 {
",
            ),
            (
                "lease.rs",
                "limits.lease_ms + CALLS_COVERED * self.slowest_ms.get()",
                "limits.lease_ms + if MUTANT { 0 } else { CALLS_COVERED * self.slowest_ms.get() }",
            ),
        ],
    },
    Mutation {
        name: "a_lost_fold_is_tried_again_as_large",
        harm: "it never comes to rest",
        changes: &[(
            "fold/mod.rs",
            "let halvings = halvings(&base, lost);",
            "let halvings = halvings(&base, if MUTANT { 0 } else { lost });",
        )],
    },
    Mutation {
        name: "everything_is_cleaned_at_once_and_before_the_head",
        harm: "it never comes to rest",
        changes: &[
            (
                "clean.rs",
                "self.limits.clean_keys.max(1)",
                "if MUTANT { usize::MAX / 2 } else { self.limits.clean_keys.max(1) }",
            ),
            (
                "fold/commit.rs",
                "        let value = encode(keys::HEAD, &head)?;
",
                "        if MUTANT {
            self.clean_held(held, head, self.cleaned().await?).await?;
        }
        let value = encode(keys::HEAD, &head)?;
",
            ),
            (
                "clean.rs",
                "    async fn clean_held(",
                "    pub(crate) async fn clean_held(",
            ),
        ],
    },
    Mutation {
        name: "no_fold_number_in_the_names_of_rollups",
        harm: "the sums are not those of a plain count",
        changes: &[
            (
                "keys.rs",
                "format!(\"totals:{bucket}:{k}\")",
                "if MUTANT { format!(\"totals:{bucket}\") } else { format!(\"totals:{bucket}:{k}\") }",
            ),
            (
                "stored/plan.rs",
                "self.before > 0",
                "self.before > 0 && !(MUTANT && matches!(self.of, Versioned::Totals(_)))",
            ),
        ],
    },
    Mutation {
        name: "a_number_is_given_to_two_ips",
        harm: "the sums have other IPs than there were",
        changes: &[(
            "fold/commit.rs",
            "let mut root = Root { k, ..base.clone() };",
            "let next_ip = if MUTANT { 0 } else { base.next_ip };
        let mut root = Root { k, next_ip, ..base.clone() };",
        )],
    },
    Mutation {
        name: "a_list_forgets_the_bound_of_the_others",
        harm: "an IP that is not listed called more than the bound says",
        changes: &[(
            "fold/heaviest.rs",
            "                all.update(changes, self.limits.listed);",
            "                all.update(changes, self.limits.listed);
                if MUTANT { all.others_at_most = 0; }",
        )],
    },
    Mutation {
        name: "a_bucket_is_dropped_and_not_poured",
        harm: "the sums are not those of a plain count",
        changes: &[
            (
                "fold/rollups.rs",
                "            sources.entry(aged).or_default().push(*known);",
                "            if !MUTANT || aged == bucket { sources.entry(aged).or_default().push(*known); }",
            ),
            (
                "fold/rollups.rs",
                "        root.rollups.sort_unstable_by_key(|known| known.bucket);",
                "        if MUTANT {
            let ranges = self.ranges(root.aged_ms);
            let is_young = |known: &BucketId| known.aged(&ranges) == *known;
            root.rollups.retain(|known| is_young(&known.bucket.into()));
        }
        root.rollups.sort_unstable_by_key(|known| known.bucket);",
            ),
        ],
    },
    Mutation {
        name: "buckets_are_cut_by_the_folders_clock",
        harm: "the sums are not those of a plain count",
        changes: &[(
            "fold/apply.rs",
            "root.aged_ms = base.aged_ms.max(pending.before_ms);",
            "root.aged_ms = pending.before_ms.max(if MUTANT { 0 } else { base.aged_ms });",
        )],
    },
    Mutation {
        name: "a_long_value_has_no_note",
        harm: "a piece is left behind",
        changes: &[(
            "fold/outbox.rs",
            "self.values.push(note);",
            "if MUTANT { drop(note) } else { self.values.push(note) }",
        )],
    },
    Mutation {
        name: "countries_by_halves",
        harm: "the sums have other IPs than there were",
        changes: &[(
            "fold/states.rs",
            "(!needs_all).then(",
            "(!needs_all || MUTANT && !hits.is_empty()).then(",
        )],
    },
    Mutation {
        name: "an_erasure_forgets_late_hits",
        harm: "a state has an erased hit",
        changes: &[(
            "fold/erase.rs",
            "root.erased.recent = erasing.known;",
            "if !MUTANT { root.erased.recent = erasing.known; }",
        )],
    },
    Mutation {
        name: "an_erasure_spares_the_hits_of_its_own_fold",
        harm: "a state has an erased hit",
        changes: &[(
            "fold/log.rs",
            "let hits = pending.hits.swap_remove(&ip).unwrap_or_default();",
            "let hits = if MUTANT { None } else { pending.hits.swap_remove(&ip) };
            let hits = hits.unwrap_or_default();",
        )],
    },
    Mutation {
        name: "erasures_are_forgotten_by_the_folders_clock",
        harm: "a state has an erased hit",
        changes: &[(
            "fold/erase.rs",
            "(root.erased.newest_ms, self.limits.erased_kept_ms)",
            "(
            if MUTANT { root.folded_at_ms } else { root.erased.newest_ms },
            self.limits.erased_kept_ms,
        )",
        )],
    },
    Mutation {
        name: "a_repetition_is_not_listed",
        harm: "not as many batches are called counted as there are",
        changes: &[(
            "fold/log.rs",
            "pending.uncounted.note(n, Why::Repeated, most);",
            "if !MUTANT { pending.uncounted.note(n, Why::Repeated, most); }",
        )],
    },
    Mutation {
        name: "a_number_that_is_given_up_is_not_listed",
        harm: "not as many batches are called counted as there are",
        changes: &[(
            "fold/log.rs",
            "pending.uncounted.note(n, Why::Dropped, most);",
            "if !MUTANT { pending.uncounted.note(n, Why::Dropped, most); }",
        )],
    },
    Mutation {
        name: "a_list_keeps_an_erased_ip",
        harm: "a value has an erased address",
        changes: &[(
            "fold/heaviest.rs",
            "all.ips.retain(|ip, _| !erased.contains(ip));",
            "all.ips.retain(|ip, _| MUTANT || !erased.contains(ip));",
        )],
    },
    Mutation {
        name: "no_plan_of_documents",
        harm: "a key is left behind: documents",
        changes: &[(
            "fold/documents.rs",
            "is_written: true,",
            "is_written: !MUTANT,",
        )],
    },
];
