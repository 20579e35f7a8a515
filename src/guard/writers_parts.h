/* The program in the kernel that notes who wrote; private to the writers files. */
#ifndef BW_GUARD_WRITERS_PARTS_H
#define BW_GUARD_WRITERS_PARTS_H

#include "guard/writers.h"

struct bw_writers_ear; /* writers_bpf.c, or a file that always answers UNSUPPORTED */

BW_MUST_USE enum bw_err bw_writers_ear_open(struct bw_writers_ear **out, struct bw_why *why);
void bw_writers_ear_free(struct bw_writers_ear *ear); /* NULL allowed */

/* Who wrote the file, at most BW_EVENT_WRITERS_MAX. How many. */
size_t bw_writers_ear_ask(const struct bw_writers_ear *ear, const struct bw_file_key *file,
			  struct bw_event_writer out[BW_EVENT_WRITERS_MAX]);

#endif
