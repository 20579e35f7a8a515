/* In the place of writers_bpf.c where this build has no program for the kernel. */
#include "guard/writers_parts.h"

enum bw_err bw_writers_ear_open(struct bw_writers_ear **out, struct bw_why *why)
{
	(void)out;
	return bw_why_set(why, BW_ERR_UNSUPPORTED, "this build has no program for the kernel");
}

void bw_writers_ear_free(struct bw_writers_ear *ear)
{
	(void)ear;
}

size_t bw_writers_ear_ask(const struct bw_writers_ear *ear, const struct bw_file_key *file,
			  struct bw_event_writer out[BW_EVENT_WRITERS_MAX])
{
	(void)ear;
	(void)file;
	(void)out;
	return 0;
}
