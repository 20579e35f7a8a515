/*
 * Samples: which bytes of a file watch and keep read, and how keep asks the
 * sampler for their features. Both sides of a comparison must have
 * read the same places, so the places are chosen here and nowhere else.
 */
#ifndef BW_GUARD_SAMPLE_H
#define BW_GUARD_SAMPLE_H

#include "guard/content.h"
#include "guard/key.h"

/*
 * The windows of one file (bw_plan_make). `salt` is the node's (settings); the file's number, tree and generation
 * make it this file's own. The number of its volume does not count: it may be another one after the next start.
 */
void bw_sample_plan(uint64_t salt, const struct bw_file_key *key, uint64_t size, struct bw_plan *out);

/*
 * Reads the windows of an open file into `space`; the sample borrows from it. A piece that ends early (the file
 * was cut meanwhile) is shorter, one that cannot be read is left out. IO when nothing could be.
 */
BW_MUST_USE enum bw_err bw_sample_read(int fd, const struct bw_plan *plan, uint64_t size,
				       uint8_t space[BW_CONTENT_WHOLE_MAX], struct bw_sample *out);

/* The same of a content that is in memory whole; the sample borrows from it. */
void bw_sample_of(struct bw_slice content, const struct bw_plan *plan, struct bw_sample *out);

/* ---- keep -> sampler -> keep (rings) --------------------------------------------------- */

/* The bytes of the pieces follow, one after the other. */
struct bw_sample_ask {
	uint64_t version;
	uint64_t size;
	uint32_t volume;
	uint32_t count;
	struct {
		uint64_t at;
		uint32_t len;
	} pieces[BW_PIECES_MAX];
};

struct bw_sample_answer {
	uint64_t version;
	uint32_t volume;
	uint32_t spare;
	struct bw_content content;
};

/* How many bytes an ask with this sample takes; bw_sample_write fills exactly that many. */
size_t bw_sample_bytes(const struct bw_sample *sample);
void bw_sample_write(void *to, uint32_t volume, uint64_t version, const struct bw_sample *sample);

/* The bytes stay in the record: they may change while they are read. PROTOCOL: lengths that do not fit. */
BW_MUST_USE enum bw_err bw_sample_parse(struct bw_slice record, struct bw_sample_ask *out,
					struct bw_sample *out_sample);

struct bw_ring;

/* The sampler's whole work: answers what is there. `more` says that answers had no room. */
void bw_sampler_answer(struct bw_ring *samples, struct bw_ring *features, bool *out_more);

#endif
