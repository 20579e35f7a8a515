/*
 * What a check of one object found: errors (a MUST is broken: refused),
 * warnings (a SHOULD is not met: accepted, counted by --strict) and notes
 * (worth knowing, never counted).
 *
 * A code is stable for ever; each has its level, its clause of STIX 2.1 (OASIS
 * Standard with Errata 01; "RFC ..." where another text rules) and one plain
 * sentence. Codes of warnings carry the names that the OASIS validator gives the same checks, where it has them.
 */
#ifndef BW_INTEL_REPORT_H
#define BW_INTEL_REPORT_H

#include "base/arena.h"

enum bw_finding_level { BW_FINDING_ERROR, BW_FINDING_WARNING, BW_FINDING_NOTE };

/* enum name, code, level, clause, sentence */
#define BW_FINDING_ROWS(X)                                                                                             \
	/* the text */                                                                                                 \
	X(JSON_SYNTAX, "json-syntax", ERROR, "RFC 8259", "This is not well-formed JSON")                               \
	X(JSON_UTF8, "json-utf8", ERROR, "RFC 7493 §2.1", "The text is not UTF-8")                                     \
	X(JSON_DUPLICATE, "json-duplicate-name", ERROR, "RFC 7493 §2.3", "A name appears twice in one object")         \
	X(JSON_DEPTH, "json-depth", ERROR, "RFC 8259 §9", "The nesting is deeper than 64 levels")                      \
	X(JSON_SIZE, "json-size", ERROR, "RFC 8259 §9", "The object is larger than the limit")                         \
	X(JSON_NUMBER, "json-number", ERROR, "§2.10", "The whole number is beyond 2^53 - 1")                           \
	X(NOT_OBJECT, "not-an-object", ERROR, "§1.2.10", "A STIX object must be a JSON object")                        \
	/* properties */                                                                                               \
	X(MISSING, "missing-property", ERROR, "§3.2", "A required property is missing")                                \
	X(WRONG_TYPE, "wrong-type", ERROR, "§2", "The value has the wrong type")                                       \
	X(NULL_VALUE, "null-value", ERROR, "§1.2.10", "null is not a value in STIX")                                   \
	X(EMPTY_LIST, "empty-list", ERROR, "§2.12", "A list must not be empty; leave the property out")                \
	X(EMPTY_DICTIONARY, "empty-dictionary", ERROR, "§2.3", "A dictionary must not be empty")                       \
	X(DICTIONARY_KEY, "dictionary-key", ERROR, "§2.3", "The key has characters or a length that is not allowed")   \
	X(PROPERTY_NAME, "property-name", ERROR, "§3.1", "The property name is not well-formed")                       \
	X(RESERVED_NAME, "reserved-name", ERROR, "§3.8", "The name is reserved and must not be used")                  \
	X(NOT_ALLOWED, "property-not-allowed", ERROR, "§3.2", "The property must not be used here")                    \
	X(ONE_OF, "one-of", ERROR, "§3.2", "One of these properties must be present")                                  \
	X(EXACTLY_ONE, "exactly-one-of", ERROR, "§3.2", "Exactly one of these properties must be present")             \
	X(NEEDS, "needs-property", ERROR, "§3.2", "The property needs another one beside it")                          \
	X(RANGE, "out-of-range", ERROR, "§2.10", "The number is outside its range")                                    \
	X(CLOSED_VOCABULARY, "closed-vocabulary", ERROR, "§2.4", "The value is not in its closed vocabulary")          \
	/* identity and time */                                                                                        \
	X(TYPE_NAME, "type-name", ERROR, "§3.2", "The type name is not well-formed")                                   \
	X(SPEC_VERSION, "spec-version", ERROR, "§3.2", "spec_version must be 2.0 or 2.1")                              \
	X(ID, "identifier", ERROR, "§2.9", "The identifier is not type--UUID")                                         \
	X(ID_TYPE, "identifier-type", ERROR, "§2.9", "The identifier does not start with the object's type")           \
	X(ID_MUST_V4, "identifier-must-be-v4", ERROR, "§2.9", "Without contributing properties the UUID must be v4")   \
	X(REF_TYPE, "reference-type", ERROR, "§3.3", "The reference points to a type that is not allowed here")        \
	X(REF_UNRESOLVED, "reference-unresolved", ERROR, "§2.13", "The reference is not a key of this container")      \
	X(TIMESTAMP, "timestamp", ERROR, "§2.16", "The timestamp is not YYYY-MM-DDTHH:mm:ss[.s+]Z or not a real time") \
	X(TIMESTAMP_MILLIS, "timestamp-millis", ERROR, "§3.2", "The timestamp needs milliseconds at least")            \
	X(TIMESTAMP_SECONDS, "timestamp-seconds", ERROR, "§6.7.6", "The timestamp must not have a fraction")           \
	X(ORDER, "timestamp-order", ERROR, "§3.6", "The times are in the wrong order")                                 \
	/* values */                                                                                                   \
	X(HEX, "hex", ERROR, "§2.8", "The value is not an even number of hexadecimal digits")                          \
	X(BINARY, "binary", ERROR, "§2.1", "The value is not base64")                                                  \
	X(HASH, "hash-value", ERROR, "§2.7", "The value does not fit its hash algorithm")                              \
	X(URL, "url", ERROR, "RFC 3986", "The value is not a URI with a scheme")                                       \
	X(LANGUAGE, "language", ERROR, "RFC 5646", "The value is not a registered language tag")                       \
	X(MIME, "media-type", ERROR, "§6.1", "The value is not a registered media type")                               \
	X(CHARSET, "character-set", ERROR, "§3.9.1", "The value is not a registered character set")                    \
	X(CPE, "cpe", ERROR, "§6.14", "The value is not a CPE 2.3 formatted string")                                   \
	X(IPV4, "ipv4-address", ERROR, "§6.8", "The value is not an IPv4 address or CIDR block")                       \
	X(IPV6, "ipv6-address", ERROR, "§6.9", "The value is not an IPv6 address or CIDR block")                       \
	X(MAC, "mac-address", ERROR, "§6.10", "The value is not a lower-case MAC address with colons")                 \
	X(DOMAIN, "domain-name", ERROR, "§6.4", "The value is not a domain name")                                      \
	X(EMAIL, "email-address", ERROR, "§6.5", "The value is not an email address")                                  \
	X(REGISTRY_KEY, "registry-key", ERROR, "§6.17", "The hive must be written in full, not HKLM or HKCU")          \
	X(HEADER_FIELD, "header-field", ERROR, "§6.6", "The field has a property of its own and must not be here")     \
	X(RELATIONSHIP_NAME, "relationship-name", ERROR, "§5.1", "The name must be of a-z, 0-9 and hyphens")           \
	X(EXTERNAL_REFERENCE, "external-reference", ERROR, "§2.5.2",                                                   \
	  "source_name needs external_id, url or description; CVE and CAPEC need their own names and forms")           \
	X(PATTERN, "pattern", ERROR, "§9", "The STIX pattern is not well-formed")                                      \
	X(PATTERN_TYPE, "pattern-object-type", ERROR, "§9.7", "The pattern names an impossible type or property")      \
	/* markings, extensions, language */                                                                           \
	X(GRANULAR, "granular-marking", ERROR, "§7.2.3.1", "A granular marking needs marking_ref or lang, not both")   \
	X(SELECTOR, "selector", ERROR, "§7.2.3", "The selector does not resolve on this object")                       \
	X(MARKING_SELF, "marking-circular", ERROR, "§7.2.1", "A marking definition must not mark itself")              \
	X(MARKING, "marking-definition", ERROR, "§7.2.1",                                                              \
	  "A marking needs definition_type and definition, or an extension")                                           \
	X(TLP, "tlp", ERROR, "§7.2.1.4", "Only the TLP markings that the specification lists may exist")               \
	X(EXTENSION_KEY, "extension-key", ERROR, "§7.3", "The key is neither an extension id nor a predefined name")   \
	X(EXTENSION_PROPERTIES, "extension-properties-use", ERROR, "§7.3.1",                                           \
	  "extension_properties belongs to toplevel-property-extension only")                                          \
	X(BUNDLE_OBJECT, "bundle-object", ERROR, "§8.1", "A bundle holds STIX objects only")                           \
	/* warnings, by the names of the OASIS validator */                                                            \
	X(CUSTOM_PREFIX, "custom-prefix", WARNING, "§11.1.1",                                                          \
	  "A custom name should start with x_ or x- and its source")                                                   \
	X(UUID_CHECK, "uuid-check", WARNING, "§2.9", "The UUID should be v5 for observables and v4 for all others")    \
	X(OPEN_VOCAB_FORMAT, "open-vocab-format", WARNING, "§2.14", "The value should be lower case with hyphens")     \
	X(KILL_CHAIN_NAMES, "kill-chain-names", WARNING, "§2.11", "The name should be lower case with hyphens")        \
	X(OBSERVABLE_OBJECT_KEYS, "observable-object-keys", WARNING, "§2.13", "The key should be a number from 0")     \
	X(OBSERVABLE_DICTIONARY_KEYS, "observable-dictionary-keys", WARNING, "§2.3", "The key should be lower case")   \
	X(MALWARE_ANALYSIS_PRODUCT, "malware-analysis-product", WARNING, "§4.12",                                      \
	  "product should be lower-case-with-hyphens")                                                                 \
	X(PROCESS_PRIORITY, "windows-process-priority-format", WARNING, "§6.13.2", "priority should end in _CLASS")    \
	X(HASH_LENGTH, "hash-length", WARNING, "§2.7", "The name of a hash should have 30 characters at most")         \
	X(MARKING_DEFINITION_TYPE, "marking-definition-type", WARNING, "§7.2.1",                                       \
	  "definition_type should be statement or tlp")                                                                \
	X(RELATIONSHIP_TYPES, "relationship-types", WARNING, "§5.1.1",                                                 \
	  "The specification has no such relationship between these")                                                  \
	X(DUPLICATE_IDS, "duplicate-ids", WARNING, "§3.6", "The bundle holds this version of the object twice")        \
	X(ATTACK_MOTIVATION, "attack-motivation", WARNING, "§10.2", "The value is not in the open vocabulary")         \
	X(ATTACK_RESOURCE_LEVEL, "attack-resource-level", WARNING, "§10.3", "The value is not in the open vocabulary") \
	X(IDENTITY_CLASS, "identity-class", WARNING, "§10.8", "The value is not in the open vocabulary")               \
	X(INDICATOR_TYPES, "indicator-types", WARNING, "§10.10", "The value is not in the open vocabulary")            \
	X(INDUSTRY_SECTOR, "industry-sector", WARNING, "§10.11", "The value is not in the open vocabulary")            \
	X(MALWARE_TYPES, "malware-types", WARNING, "§10.15", "The value is not in the open vocabulary")                \
	X(REPORT_TYPES, "report-types", WARNING, "§10.22", "The value is not in the open vocabulary")                  \
	X(THREAT_ACTOR_TYPES, "threat-actor-types", WARNING, "§10.23", "The value is not in the open vocabulary")      \
	X(THREAT_ACTOR_ROLE, "threat-actor-role", WARNING, "§10.24", "The value is not in the open vocabulary")        \
	X(THREAT_ACTOR_SOPHISTICATION, "threat-actor-sophistication", WARNING, "§10.25",                               \
	  "The value is not in the open vocabulary")                                                                   \
	X(TOOL_TYPES, "tool-types", WARNING, "§10.26", "The value is not in the open vocabulary")                      \
	X(REGION, "region", WARNING, "§10.21", "The value is not in the open vocabulary")                              \
	X(GROUPING_CONTEXT, "grouping-context", WARNING, "§10.6", "The value is not in the open vocabulary")           \
	X(IMPLEMENTATION_LANGUAGES, "implementation-languages", WARNING, "§10.9",                                      \
	  "The value is not in the open vocabulary")                                                                   \
	X(INFRASTRUCTURE_TYPES, "infrastructure-types", WARNING, "§10.12", "The value is not in the open vocabulary")  \
	X(MALWARE_CAPABILITIES, "malware-capabilities", WARNING, "§10.13", "The value is not in the open vocabulary")  \
	X(PROCESSOR_ARCHITECTURE, "processor-architecture", WARNING, "§10.20",                                         \
	  "The value is not in the open vocabulary")                                                                   \
	X(MALWARE_RESULT, "malware-result", WARNING, "§10.14", "The value is not in the open vocabulary")              \
	X(HASH_ALGO, "hash-algo", WARNING, "§10.7", "The hash is not in the open vocabulary and not prefixed x_")      \
	X(WINDOWS_PEBINARY_TYPE, "windows-pebinary-type", WARNING, "§10.28",                                           \
	  "The value is not in the open vocabulary")                                                                   \
	X(ACCOUNT_TYPE, "account-type", WARNING, "§10.1", "The value is not in the open vocabulary")                   \
	X(INDICATOR_PATTERN_TYPES, "indicator-pattern-types", WARNING, "§10.19",                                       \
	  "The value is not in the open vocabulary")                                                                   \
	X(MIME_TYPE, "mime-type", WARNING, "§6.7", "The value is not a registered media type")                         \
	X(PROTOCOLS, "protocols", WARNING, "§6.12", "The value is not a registered service or transport name")         \
	X(IPFIX, "ipfix", WARNING, "§6.12", "The key is not a registered IPFIX information element")                   \
	X(HTTP_REQUEST_HEADERS, "http-request-headers", WARNING, "§6.12.2", "The key is not an HTTP request header")   \
	X(SOCKET_OPTIONS, "socket-options", WARNING, "§6.12.4", "The key is not a known socket option")                \
	X(PDF_DOC_INFO, "pdf-doc-info", WARNING, "§6.7.4", "The key is not a PDF document information key")            \
	X(COUNTRIES, "countries", WARNING, "§4.10", "The value is not an ISO 3166-1 alpha-2 code")                     \
	X(NETWORK_TRAFFIC_PORTS, "network-traffic-ports", WARNING, "§6.12", "src_port and dst_port should be present") \
	X(EXTREF_HASHES, "extref-hashes", WARNING, "§2.5", "An external reference with a url should have hashes")      \
	X(INDICATOR_PROPERTIES, "indicator-properties", WARNING, "§4.7", "name and description should be present")     \
	X(DEPRECATED_PROPERTIES, "deprecated-properties", WARNING, "§4.14", "The property is deprecated")              \
	X(EXTENSION_DESCRIPTION, "extension-description", WARNING, "§7.3.1", "description should be present")          \
	X(EXTENSION_NAMES, "extension-properties", WARNING, "§7.3.1",                                                  \
	  "extension_properties should name the properties")                                                           \
	X(EXTENSIONS_USE, "extensions-use", WARNING, "§7.3",                                                           \
	  "Custom content should come with an extension definition")                                                   \
	/* warnings of our own: patterns that are well-formed and cannot mean what they say (docs/patterns.md) */      \
	X(PATTERN_MIXED_AND, "pattern-mixed-and", WARNING, "§9.5",                                                     \
	  "AND joins different object types in one observation")                                                       \
	X(PATTERN_MIXED_SET, "pattern-mixed-set", WARNING, "§9.6.1",                                                   \
	  "The constants of an IN list should be of one type")                                                         \
	X(PATTERN_NO_SUCH_DAY, "pattern-no-such-day", WARNING, "§2.16",                                                \
	  "The pattern names a day that its month does not have")                                                      \
	X(PATTERN_REPEATED_QUALIFIER, "pattern-repeated-qualifier", WARNING, "§9.5.1",                                 \
	  "One expression has two qualifiers of a kind")                                                               \
	X(PATTERN_EMPTY_WINDOW, "pattern-empty-window", WARNING, "§9.5.1", "STOP should be later than START")          \
	X(PATTERN_UNSAFE_INTEGER, "pattern-unsafe-integer", WARNING, "§2.9",                                           \
	  "An integer of the pattern is beyond 2^53 - 1")                                                              \
	X(PATTERN_NEGATIVE_INDEX, "pattern-negative-index", WARNING, "§9.7.2",                                         \
	  "A list index of the pattern is negative")                                                                   \
	/* notes */                                                                                                    \
	X(DETERMINISTIC_ID, "deterministic-id", NOTE, "§3.4",                                                          \
	  "The id is not the one its contributing properties give")                                                    \
	X(REF_FORM, "reference-form", NOTE, "§2.9", "The reference has the right type, but no well-formed UUID")       \
	X(VALUE_CUT, "more-findings", NOTE, "§1.2.10", "More was found than is listed")

enum bw_finding_code {
#define X(name, code, level, clause, sentence) BW_FINDING_##name,
	BW_FINDING_ROWS(X)
#undef X
		BW_FINDING_COUNT
};

const char *bw_finding_name(enum bw_finding_code code);
enum bw_finding_level bw_finding_level(enum bw_finding_code code);
bool bw_finding_is_text(enum bw_finding_code code); /* about the JSON text: `offset` counts */
const char *bw_finding_sentence(enum bw_finding_code code);
/* The code with this name, or BW_FINDING_COUNT. */
enum bw_finding_code bw_finding_find(struct bw_slice name);

struct bw_finding {
	enum bw_finding_code code;
	enum bw_finding_level level;
	const char *clause;    /* "§4.7"; static */
	const char *detail;    /* static words that make the sentence exact; NULL: none */
	struct bw_slice path;  /* "external_references[0].url"; empty: the object itself */
	struct bw_slice value; /* what was there, at most BW_FINDING_VALUE_MAX bytes; empty: nothing to show */
	size_t offset;         /* byte of the object's text, for codes about the text; else 0 */
};

enum {
	BW_FINDINGS_MAX = 256, /* of one object; then one "more-findings" and only the counts go on */
	BW_FINDING_VALUE_MAX = 96,
};

/* Reset before each object; its memory is reused. */
struct bw_report {
	struct bw_finding *rows; /* BW_FINDINGS_MAX + 1 of them */
	size_t count;
	size_t errors; /* all of them, listed or not */
	size_t warnings;
	struct bw_arena texts;
};

BW_MUST_USE enum bw_err bw_report_init(struct bw_report *report);
void bw_report_release(struct bw_report *report);
void bw_report_reset(struct bw_report *report);

/* Copies path and value. Never fails: what finds no room is counted only. */
void bw_report_add(struct bw_report *report, const struct bw_finding *finding);

/* The finding as one sentence, with the value and a full stop. */
BW_MUST_USE enum bw_err bw_finding_say(const struct bw_finding *finding, struct bw_buf *out);

#endif
