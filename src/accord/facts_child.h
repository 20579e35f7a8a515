/*
 * A clerk for a command: a child process that works questions (accord/facts.h) and holds nothing. Start it before the
 * store, the book or any key is opened, so that it never saw them.
 */
#ifndef BW_ACCORD_FACTS_CHILD_H
#define BW_ACCORD_FACTS_CHILD_H

#include "accord/facts.h"
#include "sys/memfile.h"
#include "sys/why.h"

struct bw_facts_child;

BW_MUST_USE enum bw_err bw_facts_child_start(struct bw_facts_child **out, struct bw_why *why);
void bw_facts_child_end(struct bw_facts_child *child); /* NULL allowed */

/* The answer is the caller's to release. CLOSED: the child died of the question. As bw_facts_work. */
BW_MUST_USE enum bw_err bw_facts_child_ask(struct bw_facts_child *child, struct bw_slice question,
					   struct bw_mapped *answer);

#endif
