/*
 * The 32 vocabularies of STIX 2.1 (§10, with Errata 01): 22 open ones, from
 * which a value SHOULD come, and 10 closed ones, from which it MUST come.
 */
#ifndef BW_INTEL_VOCAB_H
#define BW_INTEL_VOCAB_H

#include "base/bytes.h"
#include "intel/report.h"

/* enum name, the specification's name, finding for a value outside, clause */
#define BW_VOCAB_ROWS(X)                                                                                        \
	X(ACCOUNT_TYPE, "account-type-ov", ACCOUNT_TYPE, "§10.1")                                               \
	X(ATTACK_MOTIVATION, "attack-motivation-ov", ATTACK_MOTIVATION, "§10.2")                                \
	X(ATTACK_RESOURCE_LEVEL, "attack-resource-level-ov", ATTACK_RESOURCE_LEVEL, "§10.3")                    \
	X(ENCRYPTION_ALGORITHM, "encryption-algorithm-enum", CLOSED_VOCABULARY, "§10.4")                        \
	X(EXTENSION_TYPE, "extension-type-enum", CLOSED_VOCABULARY, "§10.5")                                    \
	X(GROUPING_CONTEXT, "grouping-context-ov", GROUPING_CONTEXT, "§10.6")                                   \
	X(HASH_ALGORITHM, "hash-algorithm-ov", HASH_ALGO, "§10.7")                                              \
	X(IDENTITY_CLASS, "identity-class-ov", IDENTITY_CLASS, "§10.8")                                         \
	X(IMPLEMENTATION_LANGUAGE, "implementation-language-ov", IMPLEMENTATION_LANGUAGES, "§10.9")             \
	X(INDICATOR_TYPE, "indicator-type-ov", INDICATOR_TYPES, "§10.10")                                       \
	X(INDUSTRY_SECTOR, "industry-sector-ov", INDUSTRY_SECTOR, "§10.11")                                     \
	X(INFRASTRUCTURE_TYPE, "infrastructure-type-ov", INFRASTRUCTURE_TYPES, "§10.12")                        \
	X(MALWARE_RESULT, "malware-result-ov", MALWARE_RESULT, "§10.14")                                        \
	X(MALWARE_CAPABILITIES, "malware-capabilities-ov", MALWARE_CAPABILITIES, "§10.13")                      \
	X(MALWARE_TYPE, "malware-type-ov", MALWARE_TYPES, "§10.15")                                             \
	X(SOCKET_FAMILY, "network-socket-address-family-enum", CLOSED_VOCABULARY, "§10.16")                     \
	X(SOCKET_TYPE, "network-socket-type-enum", CLOSED_VOCABULARY, "§10.17")                                 \
	X(OPINION, "opinion-enum", CLOSED_VOCABULARY, "§10.18")                                                 \
	X(PATTERN_TYPE, "pattern-type-ov", INDICATOR_PATTERN_TYPES, "§10.19")                                   \
	X(PROCESSOR_ARCHITECTURE, "processor-architecture-ov", PROCESSOR_ARCHITECTURE, "§10.20")                \
	X(REGION, "region-ov", REGION, "§10.21")                                                                \
	X(REPORT_TYPE, "report-type-ov", REPORT_TYPES, "§10.22")                                                \
	X(THREAT_ACTOR_TYPE, "threat-actor-type-ov", THREAT_ACTOR_TYPES, "§10.23")                              \
	X(THREAT_ACTOR_ROLE, "threat-actor-role-ov", THREAT_ACTOR_ROLE, "§10.24")                               \
	X(THREAT_ACTOR_SOPHISTICATION, "threat-actor-sophistication-ov", THREAT_ACTOR_SOPHISTICATION, "§10.25") \
	X(TOOL_TYPE, "tool-type-ov", TOOL_TYPES, "§10.26")                                                      \
	X(INTEGRITY_LEVEL, "windows-integrity-level-enum", CLOSED_VOCABULARY, "§10.27")                         \
	X(PEBINARY_TYPE, "windows-pebinary-type-ov", WINDOWS_PEBINARY_TYPE, "§10.28")                           \
	X(REGISTRY_DATATYPE, "windows-registry-datatype-enum", CLOSED_VOCABULARY, "§10.29")                     \
	X(SERVICE_START, "windows-service-start-type-enum", CLOSED_VOCABULARY, "§10.30")                        \
	X(SERVICE_TYPE, "windows-service-type-enum", CLOSED_VOCABULARY, "§10.31")                               \
	X(SERVICE_STATUS, "windows-service-status-enum", CLOSED_VOCABULARY, "§10.32")

enum bw_vocab {
#define X(name, text, finding, clause) BW_VOCAB_##name,
	BW_VOCAB_ROWS(X)
#undef X
		BW_VOCAB_COUNT
};

bool bw_vocab_has(enum bw_vocab vocab, struct bw_slice value);
const char *bw_vocab_name(enum bw_vocab vocab);
const char *bw_vocab_clause(enum bw_vocab vocab);
enum bw_finding_code bw_vocab_finding(enum bw_vocab vocab);

#endif
