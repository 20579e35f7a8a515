/* In the place of lineage_bpf.c where this build has no program for the kernel. */
#include "guard/lineage_parts.h"

enum bw_err bw_kernel_ear_open(struct bw_kernel_ear **out, struct bw_why *why)
{
	(void)out;
	return bw_why_set(why, BW_ERR_UNSUPPORTED, "this build has no program for the kernel");
}

void bw_kernel_ear_free(struct bw_kernel_ear *ear)
{
	(void)ear;
}

int bw_kernel_ear_fd(const struct bw_kernel_ear *ear)
{
	(void)ear;
	return -1;
}

bool bw_kernel_ear_drain(struct bw_kernel_ear *ear,
			 void (*take)(void *context, const struct bw_process_event *event, bool kernel), void *context)
{
	(void)ear;
	(void)take;
	(void)context;
	return false;
}
