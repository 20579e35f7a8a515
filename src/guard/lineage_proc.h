/*
 * What /proc says of a process that still lives: proc(5), stat's fields 1 to 22. Its name is whatever
 * the process likes, with blanks and brackets in it, so everything is counted from the last bracket.
 */
#ifndef BW_GUARD_LINEAGE_PROC_H
#define BW_GUARD_LINEAGE_PROC_H

#include "guard/lineage_table.h"

enum { BW_TICK_NS = 10 * 1000 * 1000 }; /* of field 22: a hundredth of a second on every Linux (USER_HZ) */

/* The text of /proc/PID/stat. `uid`, `cgroup` and `seen_ns` are left 0. SYNTAX, OVERFLOW. */
BW_MUST_USE enum bw_err bw_process_parse_stat(struct bw_slice text, struct bw_process *out);

/* `proc` is /proc, open. NOT_FOUND when it is gone; a zombie is not alive. */
BW_MUST_USE enum bw_err bw_process_read(int proc, uint32_t pid, struct bw_process *out);

/* Its real user, and the id of its cgroup where there is one hierarchy; what cannot be read stays 0. */
void bw_process_read_more(int proc, struct bw_process *process);

/* Whether two starts are of the same process: /proc knows only hundredths of a second. */
static inline bool bw_process_same_start(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns / BW_TICK_NS == b_ns / BW_TICK_NS;
}

#endif
