/*
 * The STIX 2.1 object types (STIX 2.1 §4-7; §1.5 for the groups). The numbers
 * are stored: append, never reorder.
 */
#ifndef BW_INTEL_TYPES_H
#define BW_INTEL_TYPES_H

#include "base/bytes.h"

#define BW_STIX_TYPE_ROWS(X)                                  \
	X(ATTACK_PATTERN, "attack-pattern", SDO)              \
	X(CAMPAIGN, "campaign", SDO)                          \
	X(COURSE_OF_ACTION, "course-of-action", SDO)          \
	X(GROUPING, "grouping", SDO)                          \
	X(IDENTITY, "identity", SDO)                          \
	X(INCIDENT, "incident", SDO)                          \
	X(INDICATOR, "indicator", SDO)                        \
	X(INFRASTRUCTURE, "infrastructure", SDO)              \
	X(INTRUSION_SET, "intrusion-set", SDO)                \
	X(LOCATION, "location", SDO)                          \
	X(MALWARE, "malware", SDO)                            \
	X(MALWARE_ANALYSIS, "malware-analysis", SDO)          \
	X(NOTE, "note", SDO)                                  \
	X(OBSERVED_DATA, "observed-data", SDO)                \
	X(OPINION, "opinion", SDO)                            \
	X(REPORT, "report", SDO)                              \
	X(THREAT_ACTOR, "threat-actor", SDO)                  \
	X(TOOL, "tool", SDO)                                  \
	X(VULNERABILITY, "vulnerability", SDO)                \
	X(RELATIONSHIP, "relationship", SRO)                  \
	X(SIGHTING, "sighting", SRO)                          \
	X(ARTIFACT, "artifact", SCO)                          \
	X(AUTONOMOUS_SYSTEM, "autonomous-system", SCO)        \
	X(DIRECTORY, "directory", SCO)                        \
	X(DOMAIN_NAME, "domain-name", SCO)                    \
	X(EMAIL_ADDR, "email-addr", SCO)                      \
	X(EMAIL_MESSAGE, "email-message", SCO)                \
	X(FILE, "file", SCO)                                  \
	X(IPV4_ADDR, "ipv4-addr", SCO)                        \
	X(IPV6_ADDR, "ipv6-addr", SCO)                        \
	X(MAC_ADDR, "mac-addr", SCO)                          \
	X(MUTEX, "mutex", SCO)                                \
	X(NETWORK_TRAFFIC, "network-traffic", SCO)            \
	X(PROCESS, "process", SCO)                            \
	X(SOFTWARE, "software", SCO)                          \
	X(URL, "url", SCO)                                    \
	X(USER_ACCOUNT, "user-account", SCO)                  \
	X(WINDOWS_REGISTRY_KEY, "windows-registry-key", SCO)  \
	X(X509_CERTIFICATE, "x509-certificate", SCO)          \
	X(EXTENSION_DEFINITION, "extension-definition", META) \
	X(LANGUAGE_CONTENT, "language-content", META)         \
	X(MARKING_DEFINITION, "marking-definition", META)

enum bw_stix_group { BW_STIX_OTHER, BW_STIX_SDO, BW_STIX_SRO, BW_STIX_SCO, BW_STIX_META };

enum bw_stix_type {
	BW_STIX_CUSTOM = 0, /* any name the specification does not define */
#define X(name, text, group) BW_STIX_##name,
	BW_STIX_TYPE_ROWS(X)
#undef X
		BW_STIX_TYPE_COUNT
};

/* BW_STIX_CUSTOM when unknown. */
enum bw_stix_type bw_stix_type_of(struct bw_slice name);

/* "" for BW_STIX_CUSTOM. */
const char *bw_stix_type_name(enum bw_stix_type type);

enum bw_stix_group bw_stix_type_group(enum bw_stix_type type);

#endif
