/*
 * Where commands come to have something done. While a server runs on the data
 * folder, the desk is its control socket and the keeper does the work; else the
 * command opens the store itself. Whoever stands at it need not know which.
 */
#ifndef BW_DESK_DESK_H
#define BW_DESK_DESK_H

#include "base/command.h"
#include "desk/office.h"
#include "sys/channel.h"

/* What goes over the control socket, as forms (desk/form.h). The exchange's workers use no kinds from 64 to 99. */
enum {
	BW_ASK_DESK = 64, /* a verb and its fields (desk/office.h) */
	BW_ANS_DESK,      /* error n, words t, result t; some verbs answer with a file */
	BW_FIELDS_ANS_DESK = 3,
};

/*
 * One question to the keeper over a channel that the caller has opened. `result` and `out_fd` may be NULL. TIMEOUT,
 * CLOSED, PROTOCOL: the channel is good for nothing more; else what the keeper says, with its words.
 */
struct bw_desk_question {
	enum bw_office_verb verb;
	const struct bw_slice *fields; /* at most four */
	size_t count;
	int fd; /* -1: none */
	int wait_ms;
};
BW_MUST_USE enum bw_err bw_desk_ask(struct bw_channel *channel, const struct bw_desk_question *question,
				    struct bw_buf *result, int *out_fd, struct bw_why *why);

struct bw_desk;

/* NOT_FOUND (no data folder), BUSY (another command is writing), and what the store says; `why` has words. */
BW_MUST_USE enum bw_err bw_desk_open(const char *data, struct bw_desk **out, struct bw_why *why);
void bw_desk_close(struct bw_desk *desk);

/* For reading: the store, as a reader over the server's catalogue or as its only user. Borrowed. */
struct bw_store *bw_desk_store(struct bw_desk *desk);

/* A running server does the work. */
bool bw_desk_is_remote(const struct bw_desk *desk);

/*
 * Has a verb carried out and made durable. `fields` are the verb's (desk/office.h),
 * at most four; numbers as bw_desk_num writes them. `result` may be NULL.
 */
BW_MUST_USE enum bw_err bw_desk_do(struct bw_desk *desk, enum bw_office_verb verb, const struct bw_slice *fields,
				   size_t count, int fd, struct bw_buf *result, struct bw_why *why);

/* A number as a field; `room` must live as long as the slice. */
struct bw_slice bw_desk_num(uint64_t value, uint8_t room[8]);

/*
 * For commands: opens the desk or complains and gives the exit status in *status
 * (then NULL).
 */
struct bw_desk *bw_desk_for(const struct bw_call *call, int *status);

#endif
