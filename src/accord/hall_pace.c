#include "accord/hall_pace.h"

#define ONE INT64_C(1000000)

bool bw_pace_allows(struct bw_pace *pace, int64_t now_us)
{
	const int64_t passed_us = now_us - pace->at_us;

	if (pace->at_us == 0 || passed_us >= BW_PACE_BURST * ONE / BW_PACE_PER_SECOND)
		pace->left = BW_PACE_BURST * ONE;
	else if (passed_us > 0)
		pace->left += passed_us * BW_PACE_PER_SECOND;
	if (pace->left > BW_PACE_BURST * ONE)
		pace->left = BW_PACE_BURST * ONE;
	pace->at_us = now_us;
	if (pace->left < ONE)
		return false;
	pace->left -= ONE;
	return true;
}

bool bw_pace_tells(struct bw_pace *pace, int64_t now_us)
{
	if (pace->told_us != 0 && now_us - pace->told_us < BW_PACE_TOLD_EVERY_S * ONE)
		return false;
	pace->told_us = now_us;
	return true;
}
