/*
 * What a request to the hall is about, by its method and path (docs/accord.md, "Between nodes"):
 *
 *   GET        /accord/v1/papers
 *   GET, POST  /accord/v1/ID/documents
 *   GET        /accord/v1/ID/passage?from=PLACE
 *   GET        /accord/v1/ID/known
 *   POST       /witness/v1/add-checkpoint          C2SP tlog-witness
 *   GET, HEAD  /log/v1/ID/checkpoint, /log/v1/ID/tile/…     C2SP tlog-tiles; without TLS nothing else
 *
 * Nothing is percent-decoded: no path of ours has a character that needs it. Pure.
 */
#ifndef BW_ACCORD_HALL_PATH_H
#define BW_ACCORD_HALL_PATH_H

#include "accord/run_words.h"
#include "codec/http.h"

struct bw_hall_path {
	enum bw_hall_verb verb;
	struct bw_slice accord; /* a-z, 0-9, '-', at most BW_ACCORD_ID_MAX; empty where there is none */
	struct bw_slice text;   /* PASSAGE: the place, or empty; PUBLIC: behind "/log/v1/ID/" */
};

/* NOT_FOUND (404); UNSUPPORTED: the path is one, the method is not (405). Borrows from the request. */
BW_MUST_USE enum bw_err bw_hall_path_parse(enum bw_http_method method, struct bw_slice path, struct bw_slice query,
					   struct bw_hall_path *out);

#endif
