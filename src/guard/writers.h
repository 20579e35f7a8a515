/*
 * Who wrote a file, which is not always who closes or renames it: a descriptor can be passed on, stay in a mapping, or
 * be left to the kernel. Two sources: what fanotify told of writes (FAN_MODIFY, with the writer's pid), remembered
 * here; and a program in the kernel (bpf/writers.bpf.c) that notes for the last files, some ten thousand, who wrote
 * them, where this build has it and the kernel takes it. Both may miss a write (that page says which), and neither
 * makes one up but by setting a file's times: so what they say is weighed (guard/answer.h).
 *
 * Asked for known files that were closed or changed, and for what replaced one: a look into memory. Everybody pays what
 * the kernel's program takes when a file becomes dirty (docs/experiments/guard.md).
 *
 * A file is looked up by inode number and generation, without its file system: two Btrfs may share both, and one's
 * writers are then named with the other's.
 */
#ifndef BW_GUARD_WRITERS_H
#define BW_GUARD_WRITERS_H

#include "guard/event.h"
#include "sys/why.h"

struct bw_writers;

/* Before the sandbox. Without the program in the kernel it works too, and `why` says why there is none. MEMORY. */
BW_MUST_USE enum bw_err bw_writers_open(struct bw_writers **out, struct bw_why *why);
void bw_writers_free(struct bw_writers *writers); /* NULL allowed */

/* Whether the program in the kernel runs. */
bool bw_writers_sees_all(const struct bw_writers *writers);

/* A write was told; pid 0: nobody. */
void bw_writers_wrote(struct bw_writers *writers, const struct bw_file_key *file, uint32_t pid, uint64_t now_ns);

/* Puts what is known of event->file into the event: writers and looked_ns. */
void bw_writers_tell(struct bw_writers *writers, struct bw_event *event);

/* Its close was told: what was written before is answered for, or new. */
void bw_writers_looked(struct bw_writers *writers, const struct bw_file_key *file, uint64_t now_ns);

#endif
