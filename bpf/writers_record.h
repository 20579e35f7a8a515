/*
 * Who wrote a file, as writers.bpf.c keeps it for guard/writers_bpf.c: a table in memory that both see. Both sides are
 * built together; the reader copies a row and looks whether it is that file's still.
 */
#ifndef BW_BPF_WRITERS_RECORD_H
#define BW_BPF_WRITERS_RECORD_H

enum { WRITERS_MOST = 4, WRITERS_ROW_BITS = 15, WRITERS_ROWS = 1 << WRITERS_ROW_BITS /* within 4 MiB: Linux 6.1 */ };

struct writers_one {
	unsigned long long time_ns; /* CLOCK_MONOTONIC, the last time; 0: nobody */
	unsigned int pid;           /* thread group */
	unsigned int pad;
};

struct writers_row {
	unsigned long long ino; /* 0: nobody's row */
	unsigned int gen;
	unsigned int pad;
	unsigned long long written_ns;         /* the file's time of change, as it was seen last */
	struct writers_one ones[WRITERS_MOST]; /* in no order */
};

/* The row of a file: each holds the last one that fell on it. `secret`: nobody may choose which. */
static inline unsigned int writers_place(unsigned long long secret, unsigned long long ino, unsigned int gen)
{
	unsigned long long mix = (ino ^ secret) * 0x9e3779b97f4a7c15ULL;

	mix = (mix ^ mix >> 32 ^ gen) * 0xd6e8feb86659fd93ULL + secret;
	mix = (mix ^ mix >> 32) * 0xd6e8feb86659fd93ULL;
	return (unsigned int)(mix >> (64 - WRITERS_ROW_BITS));
}

#endif
