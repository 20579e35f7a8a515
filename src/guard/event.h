/*
 * What the guard's workers tell one another. Records of the rings are these
 * structs as they stand in memory, followed by their bytes: writer and reader
 * are the same program on the same machine. Whoever reads copies the struct first and
 * checks every length (bw_event_parse); the other side may have been taken over.
 *
 *   watch -> judge (ring)      EVENT: one act on one file, with a sample of its content where one
 *                              was taken; PROCESS: fork, exec, exit; TICK, at least every second
 *   watch -> keep (ring)       EVENT without sample: what to keep; LOST: walk the trees again
 *   judge -> watch (ring)      STOP: these processes, now
 *   judge -> scribe (channel)  RECORD: a piece of the record of a verdict (guard/record.h); TRACE: what else the actor
 *                              did (guard/trace.h), behind the incident's number, be64
 *   judge -> keep (channel)    INCIDENT: opened or closed; PIN: this file's good version belongs to it
 *   judge -> hand (channel)    WHO: ask Samba, or the kernel of one smbd child; KEEP_OUT: address, user; FREEZE, LIFT
 *   hand -> judge (channel)    PEER: the address a child serves; SESSIONS: what smbstatus --json said, as it said it
 *   scribe -> hand (channel)   LIFT: undo what was done for an incident; NOTICE: tell the administrator
 *   keep -> scribe (channel)   NOTICE, of no incident: the room for copies is full; it goes on to the hand
 *   hand -> scribe (channel)   ACTED: what was done, and the command that undoes it (guard/hand_form.h)
 *   scribe -> judge, keep      RESTORE: a restore begins or ends; INCIDENT: a person closed it (bw_incident_word)
 *   scribe -> judge            JOB: a signed job begins (with the folders it may work in) or ends (bw_job_word)
 *   judge -> scribe            JOB: what it let pass
 *   scribe -> judge            APPROVAL: whom a person lets work on (guard/approval.h), before the LIFT; DRILL: this
 *                              process is root's drill (bw_restore_word)
 *   scribe -> judge            LIFT: a person approved what an incident's actor does: let it go (bw_incident_word)
 *
 *   scribe -> judge            FOREIGN: number be32, with a sealed memory file: what others warned of (intel/exact.h)
 *   judge -> scribe            WARNED: what was met of it, or is this server's own (bw_warned_word), before its record
 *
 *   SETTLE goes all ways, a bw_settle_word: a restore waits until what happened before it asked is known. scribe asks
 *   the judge, the judge watch (ring); watch has then read all the kernel told and puts it behind that, to the judge
 *   and to keep (rings); the judge says it to keep and to scribe, and keep, which has heard it from both and
 *   committed, to scribe
 *
 * What is said until a report lies sealed, kinds from 64 on: guard/report_form.h
 */
#ifndef BW_GUARD_EVENT_H
#define BW_GUARD_EVENT_H

#include "guard/index.h"

enum bw_guard_record {
	BW_RECORD_EVENT = 1,
	BW_RECORD_PROCESS,
	BW_RECORD_TICK,
	BW_RECORD_LOST,
	BW_RECORD_STOP,
	BW_RECORD_SESSIONS,
	BW_RECORD_WHO,
	BW_RECORD_KEEP_OUT,
	BW_RECORD_FREEZE,
	BW_RECORD_LIFT,
	BW_RECORD_INCIDENT,
	BW_RECORD_PIN,
	BW_RECORD_RECORD,
	BW_RECORD_NOTICE,
	BW_RECORD_ACTED,
	BW_RECORD_RESTORE,
	BW_RECORD_TRACE,
	BW_RECORD_APPROVAL,
	BW_RECORD_DRILL,
	BW_RECORD_JOB,    /* guard/job.h */
	BW_RECORD_SECOND, /* guard/second.h */
	BW_RECORD_CONTENTS,
	BW_RECORD_SEEN,
	BW_RECORD_PEER,
	BW_RECORD_SETTLE,
	BW_RECORD_FOREIGN,
	BW_RECORD_WARNED,
};

enum bw_act {
	BW_ACT_CLOSED = 1, /* closed after it was open for writing */
	BW_ACT_CHANGED,    /* written or cut, and perhaps still open */
	BW_ACT_REMOVED,    /* a name of it is gone */
	BW_ACT_MOVED,      /* folder and name became folder_to and name_to */
	BW_ACT_FOLDER,     /* as MOVED, of a folder */
	BW_ACT_FOLDER_REMOVED,
	/* to keep alone, nothing of any content was destroyed; the judge hears of a new file, for its maker */
	BW_ACT_ATTRIBUTES, /* owner, mode, times or extended attributes, of a file or (folder == file) of a folder */
	BW_ACT_LINKED,     /* a new name: of a file that has others, or of a symbolic link */
};

enum {
	BW_EVENT_NAME_BYTES = 255,
	BW_EVENT_SAMPLE_BYTES = 64 * 1024, /* BW_CONTENT_WHOLE_MAX */
	BW_STOP_PROCESSES_MAX = 1024,
	BW_COMM_BYTES = 16,
	BW_EVENT_LEFT_MANY = UINT16_MAX,
	BW_EVENT_ABOVE_MAX = 12,
	BW_EVENT_WRITERS_MAX = 4,
};

/* REMOVED of a known file: what its folder was seen to hold then, and where it lies. */
struct bw_event_left {
	uint16_t names;                     /* that are no folders; MANY: nobody counted, or too many */
	uint16_t above_count;               /* 0: nobody looked */
	uint32_t folder;                    /* of its path, hashed with a key */
	uint32_t above[BW_EVENT_ABOVE_MAX]; /* the same of the folders it lies in, the nearest first */
};

/* Who was seen to write a file (guard/writers.h). */
struct bw_event_writer {
	uint64_t time_ns; /* CLOCK_MONOTONIC, the last time */
	uint32_t pid;     /* thread group */
	uint32_t spare;
};

/* Name, new name and the pieces of the sample follow, in this order. */
struct bw_event {
	uint64_t time_ns; /* CLOCK_MONOTONIC, when it was read from the kernel */
	int64_t wall_us;
	uint32_t pid;   /* thread group; 0: the kernel did not say, or the process is the kernel's own (nfsd) */
	uint32_t maker; /* 1 + the user of that process; 0: not known, or root's, who may act for others */
	uint8_t act;    /* enum bw_act */
	uint8_t was_known;
	uint8_t has_replaced;
	uint8_t piece_count;
	struct bw_file_key file;
	struct bw_file_key folder;
	struct bw_file_key folder_to;
	struct bw_index_file known;    /* what the index had of it, when was_known */
	struct bw_index_file replaced; /* MOVED over a file the index knew */
	uint64_t size;                 /* now, when it was sampled */
	uint32_t mtime_s;
	uint32_t mtime_ns;
	uint16_t name_len;
	uint16_t name_to_len;
	uint32_t sample_len; /* of all pieces together */
	struct bw_event_left left;
	uint64_t looked_ns; /* CLOSED, CHANGED, MOVED: when a close of the file was told before this; 0: not known */
	uint32_t writer_count;
	uint32_t spare;
	struct bw_event_writer writers[BW_EVENT_WRITERS_MAX]; /* of these acts: the last ones, in no order */
	struct {
		uint64_t at;
		uint32_t len;
	} pieces[BW_PIECES_MAX];
};

/* What a record of kind EVENT holds, checked. */
struct bw_event_view {
	struct bw_event event; /* a copy */
	struct bw_slice name;
	struct bw_slice name_to;
	struct bw_sample sample; /* count 0: none was taken. Its bytes stay in the ring's memory: they may change while
				    they are read, which a pure function over them survives */
};

/* PROTOCOL: lengths that do not fit. */
BW_MUST_USE enum bw_err bw_event_parse(struct bw_slice record, struct bw_event_view *out);

/* How many bytes such a record takes. */
size_t bw_event_bytes(const struct bw_event *event);

enum bw_process_act {
	BW_PROCESS_FORK = 1,
	BW_PROCESS_EXEC,
	BW_PROCESS_EXIT, /* as whom it ended */
	BW_PROCESS_USER, /* it goes on as another user */
};

struct bw_process_event {
	uint64_t time_ns;
	/* of the process, CLOCK_BOOTTIME as in /proc/pid/stat but in ns; 0: not known. With pid, its name for ever */
	uint64_t start_ns;
	uint64_t cgroup; /* id of its cgroup v2; 0: not known */
	uint32_t pid;    /* thread group */
	uint32_t parent;
	uint32_t session;
	uint32_t group;
	uint32_t uid;
	uint32_t act; /* enum bw_process_act */
	char comm[BW_COMM_BYTES];
};

/* The judge has no clock of its own, so that what it decides replays: the newest time it was told is now. */
struct bw_tick {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	int64_t wall_us;
};

/* Processes to stop, each named so that a number used again is never hit. None: its incident's are let go. */
struct bw_stop {
	uint64_t incident;
	uint64_t decided_ns; /* CLOCK_MONOTONIC of the evidence that decided, for the latency */
	uint32_t group;      /* a process group that is wholly the actor's, first; 0: none */
	uint32_t freeze;     /* 1: SIGSTOP (hold), 0: SIGKILL */
	uint32_t count;
	struct {
		uint32_t pid;
		uint64_t start_ns; /* 0: trust the pid, it was seen alive in this batch */
	} processes[];
};

/*
 * PIN, judge -> keep: this file is part of an incident. Its good version stays while the incident is open, and what is
 * taken of it from now on is doubtful. `version` 0: it has no good one (an encrypted copy): only the latter.
 */
struct bw_pin {
	uint64_t incident;
	uint64_t version; /* as the index had it before the first evidence */
	struct bw_file_key file;
	struct bw_content old; /* what the judge compared with (guard/good_version.h); all zero: nothing */
};

/* INCIDENT and LIFT to the judge, of a person's decision. */
struct bw_incident_word {
	uint64_t incident;
	uint32_t open; /* INCIDENT: 1 opened, 0 closed; LIFT: 0 */
	uint32_t spare;
};

/*
 * RESTORE. While it lasts, what the process `pid` (root's own restore) writes is neither judged nor doubtful. A
 * restore whose process ends without a word has ended: scribe says so for it.
 */
struct bw_restore_word {
	uint64_t incident; /* 0: of no incident (a tree, a file) */
	uint32_t pid;
	uint32_t begins; /* 1, or 0 when it has ended */
};

/* WARNED: a value of the set of others' warnings, by its number in it. */
struct bw_warned_word {
	uint32_t set; /* the number of FOREIGN */
	uint32_t number;
	uint32_t is_own; /* 1: good files of this server are called so, it says nothing here; 0: somebody showed it */
};

/* SETTLE. Numbers rise, also when a worker is started again: whoever hears a later one need not answer one before. */
struct bw_settle_word {
	uint64_t number; /* CLOCK_MONOTONIC when it was asked, us */
};

#endif
