#include "intel/check.h"

#define B(name) BW_TYPE_BIT(name)
#define SOFTWARE_TARGETS (B(ATTACK_PATTERN) | B(INFRASTRUCTURE) | B(MALWARE) | B(TOOL))
#define PEOPLE_AND_PLACES (B(IDENTITY) | B(LOCATION) | B(VULNERABILITY))
#define WIRE (B(IPV4_ADDR) | B(IPV6_ADDR) | B(DOMAIN_NAME) | B(URL))

/* §5.1.1 and Appendix B, with Errata 01: source, name, targets. */
static const struct {
	uint8_t source;
	const char *name;
	uint64_t targets;
} rows[] = {
	{ BW_STIX_ATTACK_PATTERN, "delivers", B(MALWARE) },
	{ BW_STIX_ATTACK_PATTERN, "targets", PEOPLE_AND_PLACES },
	{ BW_STIX_ATTACK_PATTERN, "uses", B(MALWARE) | B(TOOL) },
	{ BW_STIX_CAMPAIGN, "attributed-to", B(INTRUSION_SET) | B(THREAT_ACTOR) },
	{ BW_STIX_CAMPAIGN, "compromises", B(INFRASTRUCTURE) },
	{ BW_STIX_CAMPAIGN, "originates-from", B(LOCATION) },
	{ BW_STIX_CAMPAIGN, "targets", PEOPLE_AND_PLACES },
	{ BW_STIX_CAMPAIGN, "uses", SOFTWARE_TARGETS },
	{ BW_STIX_COURSE_OF_ACTION, "investigates", B(INDICATOR) },
	{ BW_STIX_COURSE_OF_ACTION, "mitigates",
	  B(ATTACK_PATTERN) | B(INDICATOR) | B(MALWARE) | B(TOOL) | B(VULNERABILITY) },
	{ BW_STIX_COURSE_OF_ACTION, "remediates", B(MALWARE) | B(VULNERABILITY) },
	{ BW_STIX_DOMAIN_NAME, "resolves-to", B(DOMAIN_NAME) | B(IPV4_ADDR) | B(IPV6_ADDR) },
	{ BW_STIX_IDENTITY, "located-at", B(LOCATION) },
	{ BW_STIX_INDICATOR, "indicates",
	  B(ATTACK_PATTERN) | B(CAMPAIGN) | B(INFRASTRUCTURE) | B(INTRUSION_SET) | B(MALWARE) | B(THREAT_ACTOR) |
		  B(TOOL) },
	{ BW_STIX_INDICATOR, "based-on", B(OBSERVED_DATA) },
	{ BW_STIX_INFRASTRUCTURE, "communicates-with", B(INFRASTRUCTURE) | WIRE },
	{ BW_STIX_INFRASTRUCTURE, "consists-of", B(INFRASTRUCTURE) | B(OBSERVED_DATA) | BW_TYPES_SCO },
	{ BW_STIX_INFRASTRUCTURE, "controls", B(INFRASTRUCTURE) | B(MALWARE) },
	{ BW_STIX_INFRASTRUCTURE, "delivers", B(MALWARE) },
	{ BW_STIX_INFRASTRUCTURE, "has", B(VULNERABILITY) },
	{ BW_STIX_INFRASTRUCTURE, "hosts", B(TOOL) | B(MALWARE) },
	{ BW_STIX_INFRASTRUCTURE, "located-at", B(LOCATION) },
	{ BW_STIX_INFRASTRUCTURE, "uses", B(INFRASTRUCTURE) },
	{ BW_STIX_INTRUSION_SET, "attributed-to", B(THREAT_ACTOR) },
	{ BW_STIX_INTRUSION_SET, "compromises", B(INFRASTRUCTURE) },
	{ BW_STIX_INTRUSION_SET, "hosts", B(INFRASTRUCTURE) },
	{ BW_STIX_INTRUSION_SET, "originates-from", B(LOCATION) },
	{ BW_STIX_INTRUSION_SET, "owns", B(INFRASTRUCTURE) },
	{ BW_STIX_INTRUSION_SET, "targets", PEOPLE_AND_PLACES },
	{ BW_STIX_INTRUSION_SET, "uses", SOFTWARE_TARGETS },
	{ BW_STIX_IPV4_ADDR, "belongs-to", B(AUTONOMOUS_SYSTEM) },
	{ BW_STIX_IPV4_ADDR, "resolves-to", B(MAC_ADDR) },
	{ BW_STIX_IPV6_ADDR, "belongs-to", B(AUTONOMOUS_SYSTEM) },
	{ BW_STIX_IPV6_ADDR, "resolves-to", B(MAC_ADDR) },
	{ BW_STIX_MALWARE, "authored-by", B(THREAT_ACTOR) | B(INTRUSION_SET) },
	{ BW_STIX_MALWARE, "beacons-to", B(INFRASTRUCTURE) },
	{ BW_STIX_MALWARE, "communicates-with", WIRE },
	{ BW_STIX_MALWARE, "controls", B(MALWARE) },
	{ BW_STIX_MALWARE, "downloads", B(MALWARE) | B(FILE) | B(TOOL) },
	{ BW_STIX_MALWARE, "drops", B(MALWARE) | B(FILE) | B(TOOL) },
	{ BW_STIX_MALWARE, "exfiltrates-to", B(INFRASTRUCTURE) },
	{ BW_STIX_MALWARE, "exploits", B(VULNERABILITY) },
	{ BW_STIX_MALWARE, "originates-from", B(LOCATION) },
	{ BW_STIX_MALWARE, "targets", B(IDENTITY) | B(INFRASTRUCTURE) | B(LOCATION) },
	{ BW_STIX_MALWARE, "uses", SOFTWARE_TARGETS },
	{ BW_STIX_MALWARE, "variant-of", B(MALWARE) },
	{ BW_STIX_MALWARE_ANALYSIS, "analysis-of", B(MALWARE) },
	{ BW_STIX_MALWARE_ANALYSIS, "characterizes", B(MALWARE) },
	{ BW_STIX_MALWARE_ANALYSIS, "dynamic-analysis-of", B(MALWARE) },
	{ BW_STIX_MALWARE_ANALYSIS, "static-analysis-of", B(MALWARE) },
	{ BW_STIX_THREAT_ACTOR, "attributed-to", B(IDENTITY) },
	{ BW_STIX_THREAT_ACTOR, "compromises", B(INFRASTRUCTURE) },
	{ BW_STIX_THREAT_ACTOR, "hosts", B(INFRASTRUCTURE) },
	{ BW_STIX_THREAT_ACTOR, "impersonates", B(IDENTITY) },
	{ BW_STIX_THREAT_ACTOR, "located-at", B(LOCATION) },
	{ BW_STIX_THREAT_ACTOR, "owns", B(INFRASTRUCTURE) },
	{ BW_STIX_THREAT_ACTOR, "targets", PEOPLE_AND_PLACES },
	{ BW_STIX_THREAT_ACTOR, "uses", SOFTWARE_TARGETS },
	{ BW_STIX_TOOL, "delivers", B(MALWARE) },
	{ BW_STIX_TOOL, "drops", B(MALWARE) },
	{ BW_STIX_TOOL, "has", B(VULNERABILITY) },
	{ BW_STIX_TOOL, "targets", PEOPLE_AND_PLACES | B(INFRASTRUCTURE) },
	{ BW_STIX_TOOL, "uses", B(INFRASTRUCTURE) },
};

/* §3.7: these may stand between any two. */
static bool is_common(struct bw_slice name)
{
	return bw_slice_is(name, "related-to") || bw_slice_is(name, "derived-from") ||
	       bw_slice_is(name, "duplicate-of");
}

bool bw_relation_known(enum bw_stix_type source, struct bw_slice name, enum bw_stix_type target)
{
	if (is_common(name) || source == BW_STIX_EXTENSION_DEFINITION || target == BW_STIX_EXTENSION_DEFINITION)
		return true;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (rows[i].source == source && bw_slice_is(name, rows[i].name))
			return (rows[i].targets >> target & 1) != 0;
	}
	return false;
}
