#include "guard/keep_burst.h"

#define MS UINT64_C(1000000)
#define REFILL_NS (UINT64_C(1000000000) / BW_BURST_A_SECOND)

bool bw_burst_takes(struct bw_burst *burst, uint32_t pid, uint64_t now_ns)
{
	const size_t place = pid % BW_BURST_PLACES;
	uint64_t refill;

	if (burst->makers[place].pid != pid) {
		burst->makers[place].pid = pid;
		burst->makers[place].spent = 0;
		burst->makers[place].refilled_ns = now_ns;
	}
	refill = now_ns > burst->makers[place].refilled_ns ? (now_ns - burst->makers[place].refilled_ns) / REFILL_NS
							   : 0;
	burst->makers[place].refilled_ns += refill * REFILL_NS;
	burst->makers[place].spent -= refill < burst->makers[place].spent ? (uint32_t)refill
									  : burst->makers[place].spent;
	if (burst->makers[place].spent < BW_BURST_AT_ONCE) {
		burst->makers[place].spent++;
		return false;
	}
	burst->last_ns = now_ns;
	return true;
}

uint64_t bw_burst_end_ns(const struct bw_burst *burst)
{
	return burst->last_ns + BW_BURST_QUIET_MS * MS;
}
