/*
 * Forks, execs and exits of the whole machine, as they happen: by a program in the kernel
 * (bpf/lineage.bpf.c) where this build has it and the kernel takes it, else by the proc
 * connector (netlink, CONFIG_PROC_EVENTS). What already ran is read from /proc.
 *
 * The connector says less: sessions, groups and starts are then read from /proc, which is too late for a
 * process that lived for less than a millisecond; its parent is known all the same.
 *
 * Opened with CAP_BPF and CAP_PERFMON or CAP_NET_ADMIN, before the sandbox; drained within it.
 */
#ifndef BW_GUARD_LINEAGE_H
#define BW_GUARD_LINEAGE_H

#include "guard/lineage_table.h"
#include "sys/why.h"

struct bw_lineage;

typedef void bw_lineage_hear(void *context, const struct bw_process_event *event);

/* UNSUPPORTED: neither way works here; `why` says how each failed. MEMORY. */
BW_MUST_USE enum bw_err bw_lineage_open(struct bw_lineage **out, struct bw_why *why);
void bw_lineage_free(struct bw_lineage *lineage); /* NULL allowed */

/* "a program in the kernel" or "the proc connector". */
const char *bw_lineage_words(const struct bw_lineage *lineage);

/* Readable when much is waiting; and drained at least this often it loses nothing. */
int bw_lineage_fd(const struct bw_lineage *lineage);
int bw_lineage_every_ms(const struct bw_lineage *lineage);

/* Everything that waits, in order, put into the table and told to `hear`. After a loss /proc is read again. */
void bw_lineage_drain(struct bw_lineage *lineage, bw_lineage_hear *hear, void *context);

/* Every process of /proc that is not known yet, as forks. */
void bw_lineage_scan(struct bw_lineage *lineage, bw_lineage_hear *hear, void *context);

/*
 * Looks at one living process again: its group and session may have changed, and its user, where it is root's and
 * begins work for others. False: it is gone; of one of those, its end is told by then. Not from within `hear`.
 */
bool bw_lineage_refresh(struct bw_lineage *lineage, uint32_t pid, bw_lineage_hear *hear, void *context);

const struct bw_processes *bw_lineage_processes(const struct bw_lineage *lineage);
int bw_lineage_proc(const struct bw_lineage *lineage); /* /proc, open */

#endif
