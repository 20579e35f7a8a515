/*
 * The steps a connection takes, in conn.c (exchanges, heads, deadlines), conn_body.c and
 * conn_answer.c. No other file includes this.
 */
#ifndef BW_NET_CONN_STEPS_H
#define BW_NET_CONN_STEPS_H

#include "net/conn.h"

/* What a step says to the loop that called it. */
enum step {
	STEP_ON,    /* look at the state again */
	STEP_WAIT,  /* nothing to do until the socket, the owner or the clock speaks */
	STEP_YIELD, /* more to do, after the others had their turn */
	STEP_CLOSE, /* the end */
};

/* ---- conn.c ---- */

/* Tells the owner, when an exchange is open, and drops the answer. */
void bw_conn_end_exchange(struct conn *conn, enum bw_exchange_end how);

/* The server answers by itself, an exchange being open or not. */
void bw_conn_refuse(struct conn *conn, unsigned status, const char *reason);

/* One read; what it says about waiting is noted. DONE, or how to go on without bytes. */
enum bw_wire_step bw_conn_read_some(struct conn *conn, uint8_t *out, size_t max, size_t *out_len);

/* More bytes behind those the work block holds. */
enum step bw_conn_fill_work(struct conn *conn);

/* ---- conn_body.c ---- */

enum step bw_conn_step_continue(struct conn *conn);
enum step bw_conn_step_body(struct conn *conn);

/* ---- conn_answer.c ---- */

enum step bw_conn_step_owner(struct conn *conn);
enum step bw_conn_step_send(struct conn *conn);
enum step bw_conn_step_linger(struct conn *conn);

/* The socket takes no more now. */
enum step bw_conn_wait_to_send(struct conn *conn);

/* ---- conn_stream.c ---- */

/* The head of a stream is out. */
enum step bw_conn_begin_stream(struct conn *conn);
enum step bw_conn_step_stream(struct conn *conn);
void bw_conn_drop_stream(struct conn *conn); /* none is fine */

#endif
