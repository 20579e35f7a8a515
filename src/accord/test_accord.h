/* An accord for tests, and nodes by number. Included by tests only. */
#ifndef BW_ACCORD_TEST_ACCORD_H
#define BW_ACCORD_TEST_ACCORD_H

#include "accord/accord.h"
#include "base/test.h"

#define TEST_TIME INT64_C(1795000000000000) /* in November 2026 */
#define TEST_DAY INT64_C(86400000000)

static inline void test_node(unsigned number, uint8_t out[BW_SHA256_BYTES])
{
	memset(out, 0x11, BW_SHA256_BYTES);
	out[0] = (uint8_t)(number * 77 + 5);
	out[31] = (uint8_t)number;
}

static inline struct bw_words test_words(const struct bw_slice *of, size_t count)
{
	return (struct bw_words){ of, count };
}

static const struct bw_slice test_collections[] = { { (const uint8_t *)"Ransomware", 10 },
						    { (const uint8_t *)"Schools", 7 } };
static const struct bw_slice test_witnesses[] = { { (const uint8_t *)"witness.example+01020304+AQ==", 29 } };

/* The United Kingdom tells much, the United States tell sightings. */
static inline void test_accord(struct bw_accord *out)
{
	memset(out, 0, sizeof(*out));
	out->id = BW_LIT("uk-us-ransomware");
	out->sequence = 1;
	out->party[0].name = BW_LIT("The United Kingdom");
	out->party[1].name = BW_LIT("The United States");
	test_node(0, out->party[0].node);
	test_node(1, out->party[1].node);
	out->purposes = BW_PURPOSE_BIT(DEFENCE) | BW_PURPOSE_BIT(RESPONSE);
	out->basis = BW_LIT("Memorandum of 1 June 2026, section 4; Cybersecurity Information Sharing Act of 2015");
	out->from_us = TEST_TIME - TEST_DAY;
	out->until_us = TEST_TIME + 365 * TEST_DAY;
	out->witnesses = test_words(test_witnesses, 1);
	out->notice_days = 30;
	for (size_t i = 0; i < BW_ACCORD_NODES; i++) {
		out->flow[i] = (struct bw_flow){
			.collections = test_words(test_collections, 2),
			.types = (UINT64_C(1) << BW_STIX_INDICATOR) | (UINT64_C(1) << BW_STIX_SIGHTING),
			.kinds = BW_TIDING_BIT(INDICATOR) | BW_TIDING_BIT(SIGHTING),
			.confidence_min = 50,
			.highest = BW_TLP_AMBER,
			.redaction = BW_REDACTION_DERIVE,
			.onward = BW_ONWARD_NONE,
			.retention_days = 90,
			.per_minute = 10000,
			.per_day_bytes = 1 << 30,
		};
	}
	out->flow[1].kinds = BW_TIDING_BIT(SIGHTING);
	out->flow[1].retention_days = 30;
	out->flow[1].onward = BW_ONWARD_MARKED;
}

#endif
