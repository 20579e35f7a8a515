#include "intel/types.h"

static const struct {
	const char *name;
	enum bw_stix_group group;
} rows[BW_STIX_TYPE_COUNT] = { [BW_STIX_CUSTOM] = { "", BW_STIX_OTHER },
#define X(name, text, group) [BW_STIX_##name] = { text, BW_STIX_##group },
			       BW_STIX_TYPE_ROWS(X)
#undef X
};

/* Candidates by first letter, ended by 0, so that a look-up compares one to five names. */
static enum bw_stix_type find(struct bw_slice name, const uint8_t *candidates)
{
	for (; *candidates != 0; candidates++) {
		if (bw_slice_is(name, rows[*candidates].name))
			return (enum bw_stix_type) * candidates;
	}
	return BW_STIX_CUSTOM;
}

#define AMONG(...) find(name, (const uint8_t[]){ __VA_ARGS__, 0 })

enum bw_stix_type bw_stix_type_of(struct bw_slice name)
{
	switch (name.len == 0 ? 0 : name.ptr[0]) {
	case 'a':
		return AMONG(BW_STIX_ATTACK_PATTERN, BW_STIX_ARTIFACT, BW_STIX_AUTONOMOUS_SYSTEM);
	case 'c':
		return AMONG(BW_STIX_COURSE_OF_ACTION, BW_STIX_CAMPAIGN);
	case 'd':
		return AMONG(BW_STIX_DOMAIN_NAME, BW_STIX_DIRECTORY);
	case 'e':
		return AMONG(BW_STIX_EMAIL_ADDR, BW_STIX_EMAIL_MESSAGE, BW_STIX_EXTENSION_DEFINITION);
	case 'f':
		return AMONG(BW_STIX_FILE);
	case 'g':
		return AMONG(BW_STIX_GROUPING);
	case 'i':
		return AMONG(BW_STIX_INDICATOR, BW_STIX_IDENTITY, BW_STIX_INTRUSION_SET, BW_STIX_IPV4_ADDR,
			     BW_STIX_IPV6_ADDR, BW_STIX_INFRASTRUCTURE, BW_STIX_INCIDENT);
	case 'l':
		return AMONG(BW_STIX_LOCATION, BW_STIX_LANGUAGE_CONTENT);
	case 'm':
		return AMONG(BW_STIX_MALWARE, BW_STIX_MARKING_DEFINITION, BW_STIX_MALWARE_ANALYSIS, BW_STIX_MUTEX,
			     BW_STIX_MAC_ADDR);
	case 'n':
		return AMONG(BW_STIX_NETWORK_TRAFFIC, BW_STIX_NOTE);
	case 'o':
		return AMONG(BW_STIX_OBSERVED_DATA, BW_STIX_OPINION);
	case 'p':
		return AMONG(BW_STIX_PROCESS);
	case 'r':
		return AMONG(BW_STIX_RELATIONSHIP, BW_STIX_REPORT);
	case 's':
		return AMONG(BW_STIX_SIGHTING, BW_STIX_SOFTWARE);
	case 't':
		return AMONG(BW_STIX_TOOL, BW_STIX_THREAT_ACTOR);
	case 'u':
		return AMONG(BW_STIX_URL, BW_STIX_USER_ACCOUNT);
	case 'v':
		return AMONG(BW_STIX_VULNERABILITY);
	case 'w':
		return AMONG(BW_STIX_WINDOWS_REGISTRY_KEY);
	case 'x':
		return AMONG(BW_STIX_X509_CERTIFICATE);
	default:
		return BW_STIX_CUSTOM;
	}
}

const char *bw_stix_type_name(enum bw_stix_type type)
{
	return rows[type].name;
}

enum bw_stix_group bw_stix_type_group(enum bw_stix_type type)
{
	return rows[type].group;
}
