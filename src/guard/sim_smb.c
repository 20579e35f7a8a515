#include "guard/sim_parts.h"

/* filled below */
enum bw_err sim_share_check(struct bw_sim_box *box, const struct bw_sim_share *share, struct bw_why *why)
{
	(void)box;
	return bw_why_set(why, BW_ERR_UNSUPPORTED, "no share '%s'", share->url);
}

void sim_share_work(struct sim_crew *crew, unsigned number)
{
	(void)crew;
	(void)number;
}
