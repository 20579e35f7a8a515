/*
 * STIX 2.1 as tables: which properties each object and each nested type has,
 * of what kind, and which must come together. object.c reads them; nothing
 * else knows a property by name except for rules that fit no row.
 */
#ifndef BW_INTEL_SCHEMA_H
#define BW_INTEL_SCHEMA_H

#include "intel/types.h"
#include "intel/vocab.h"

/* What a value must be. `arg` of the row: see the right column. */
enum bw_kind {
	BW_KIND_STRING,
	BW_KIND_BOOL,
	BW_KIND_INT,     /* enum bw_range */
	BW_KIND_NUMBER,  /* enum bw_range */
	BW_KIND_TIME,    /* any fraction */
	BW_KIND_TIME_MS, /* milliseconds at least */
	BW_KIND_TIME_S,  /* no fraction */
	BW_KIND_TYPE,    /* the object's own type, id, spec_version: checked by name */
	BW_KIND_ID,
	BW_KIND_SPEC,
	BW_KIND_REF,   /* enum bw_refs */
	BW_KIND_VOCAB, /* enum bw_vocab, open */
	BW_KIND_ENUM,  /* enum bw_vocab, closed */
	BW_KIND_SHAPE, /* enum bw_shape_id: a nested object */
	BW_KIND_HASHES,
	BW_KIND_HEX,
	BW_KIND_BINARY,
	BW_KIND_URL,
	BW_KIND_LANG,
	BW_KIND_FORMAT, /* enum bw_format: text of one special form */
	BW_KIND_DICT,   /* enum bw_dict */
	BW_KIND_EXTENSIONS,
	BW_KIND_CONTAINER, /* observed-data objects, deprecated */
	BW_KIND_OBJECTS,   /* bundle objects */
};

enum bw_range {
	BW_RANGE_ANY,
	BW_RANGE_NATURAL,    /* 0 and up */
	BW_RANGE_PORT,       /* 0..65535 */
	BW_RANGE_CONFIDENCE, /* 0..100 */
	BW_RANGE_OBSERVED,   /* 1..999,999,999 */
	BW_RANGE_COUNT,      /* 0..999,999,999 */
	BW_RANGE_LATITUDE,
	BW_RANGE_LONGITUDE,
};

enum bw_format {
	BW_FORMAT_IPV4,
	BW_FORMAT_IPV6,
	BW_FORMAT_MAC,
	BW_FORMAT_DOMAIN,
	BW_FORMAT_EMAIL,
	BW_FORMAT_CPE,
	BW_FORMAT_REGISTRY_KEY,
	BW_FORMAT_MIME_MUST,
	BW_FORMAT_MIME_SHOULD,
	BW_FORMAT_CHARSET,
	BW_FORMAT_PROTOCOL,
	BW_FORMAT_COUNTRY,
	BW_FORMAT_PRIORITY,
	BW_FORMAT_PRODUCT,
	BW_FORMAT_PHASE,        /* kill chain and phase names */
	BW_FORMAT_RELATIONSHIP, /* relationship_type */
	BW_FORMAT_SOFTWARE_LANG,
};

enum bw_dict {
	BW_DICT_ANY,
	BW_DICT_STRINGS,
	BW_DICT_IPFIX,
	BW_DICT_EXIF,
	BW_DICT_PDF_INFO,
	BW_DICT_HTTP_HEADER,
	BW_DICT_SOCKET_OPTIONS,
	BW_DICT_MAIL_HEADER,
	BW_DICT_STARTUP_INFO,
	BW_DICT_CONTENTS, /* of language-content */
};

/* Which types a reference may point to. */
#define BW_REFS_ROWS(X)                                                                                       \
	X(ANY, ~UINT64_C(0))                                                                                  \
	X(CREATOR, BW_TYPE_BIT(IDENTITY) | BW_TYPE_BIT(CUSTOM))                                               \
	X(MARKING, BW_TYPE_BIT(MARKING_DEFINITION))                                                           \
	X(IDENTITY_OR_LOCATION, BW_TYPE_BIT(IDENTITY) | BW_TYPE_BIT(LOCATION))                                \
	X(OBSERVED_DATA, BW_TYPE_BIT(OBSERVED_DATA))                                                          \
	X(SOFTWARE, BW_TYPE_BIT(SOFTWARE))                                                                    \
	X(SCO, BW_TYPES_SCO | BW_TYPE_BIT(CUSTOM))                                                            \
	X(OBSERVED, BW_TYPES_SCO | BW_TYPE_BIT(CUSTOM) | BW_TYPE_BIT(RELATIONSHIP) | BW_TYPE_BIT(SIGHTING))   \
	X(RELATED, ~(BW_TYPE_BIT(RELATIONSHIP) | BW_TYPE_BIT(SIGHTING) | BW_TYPE_BIT(MARKING_DEFINITION) |    \
		     BW_TYPE_BIT(LANGUAGE_CONTENT)))                                                          \
	X(SIGHTED, BW_TYPES_SDO | BW_TYPE_BIT(CUSTOM))                                                        \
	X(NOT_LANGUAGE, ~BW_TYPE_BIT(LANGUAGE_CONTENT))                                                       \
	X(SAMPLE, BW_TYPE_BIT(FILE) | BW_TYPE_BIT(ARTIFACT))                                                  \
	X(ANALYSED, BW_TYPE_BIT(FILE) | BW_TYPE_BIT(ARTIFACT) | BW_TYPE_BIT(NETWORK_TRAFFIC))                 \
	X(FILE_OR_DIRECTORY, BW_TYPE_BIT(FILE) | BW_TYPE_BIT(DIRECTORY))                                      \
	X(NAME_OR_ADDRESS, BW_TYPE_BIT(IPV4_ADDR) | BW_TYPE_BIT(IPV6_ADDR) | BW_TYPE_BIT(DOMAIN_NAME))        \
	X(ENDPOINT,                                                                                           \
	  BW_TYPE_BIT(IPV4_ADDR) | BW_TYPE_BIT(IPV6_ADDR) | BW_TYPE_BIT(MAC_ADDR) | BW_TYPE_BIT(DOMAIN_NAME)) \
	X(USER_ACCOUNT, BW_TYPE_BIT(USER_ACCOUNT))                                                            \
	X(EMAIL_ADDR, BW_TYPE_BIT(EMAIL_ADDR))                                                                \
	X(ARTIFACT, BW_TYPE_BIT(ARTIFACT))                                                                    \
	X(DIRECTORY, BW_TYPE_BIT(DIRECTORY))                                                                  \
	X(FILE, BW_TYPE_BIT(FILE))                                                                            \
	X(MAC_ADDR, BW_TYPE_BIT(MAC_ADDR))                                                                    \
	X(AUTONOMOUS_SYSTEM, BW_TYPE_BIT(AUTONOMOUS_SYSTEM))                                                  \
	X(NETWORK_TRAFFIC, BW_TYPE_BIT(NETWORK_TRAFFIC))                                                      \
	X(PROCESS, BW_TYPE_BIT(PROCESS))

enum bw_refs {
#define X(name, types) BW_REFS_##name,
	BW_REFS_ROWS(X)
#undef X
		BW_REFS_COUNT
};

/* Is `type` among them? A bundle is never. */
bool bw_refs_allow(enum bw_refs refs, enum bw_stix_type type);

/* Shapes: 0..BW_STIX_TYPE_COUNT-1 are the types themselves, 0 a custom object with created and modified. */
enum bw_shape_id {
	BW_SHAPE_CUSTOM_SCO = BW_STIX_TYPE_COUNT,
	BW_SHAPE_BUNDLE,
	BW_SHAPE_EXTERNAL_REFERENCE,
	BW_SHAPE_KILL_CHAIN_PHASE,
	BW_SHAPE_GRANULAR_MARKING,
	BW_SHAPE_STATEMENT,
	BW_SHAPE_MIME_PART,
	BW_SHAPE_REGISTRY_VALUE,
	BW_SHAPE_X509_V3,
	BW_SHAPE_DATA_STREAM,
	BW_SHAPE_PE_HEADER,
	BW_SHAPE_PE_SECTION,
	BW_SHAPE_EXT_ARCHIVE, /* the 12 predefined extensions, in the order of bw_extension_shape */
	BW_SHAPE_EXT_NTFS,
	BW_SHAPE_EXT_PDF,
	BW_SHAPE_EXT_RASTER,
	BW_SHAPE_EXT_PE,
	BW_SHAPE_EXT_HTTP,
	BW_SHAPE_EXT_ICMP,
	BW_SHAPE_EXT_SOCKET,
	BW_SHAPE_EXT_TCP,
	BW_SHAPE_EXT_PROCESS,
	BW_SHAPE_EXT_SERVICE,
	BW_SHAPE_EXT_UNIX,
	BW_SHAPE_COUNT
};

enum {
	BW_PROP_REQUIRED = 1,
	BW_PROP_LIST = 2,
	BW_PROP_TEXT = 4,  /* for full text */
	BW_PROP_VALUE = 8, /* for the value index */
	BW_PROP_NEW = 16,  /* required since 2.1 */
	BW_PROP_OLD = 32,  /* deprecated */
};

struct bw_prop {
	const char *name;
	uint8_t kind; /* enum bw_kind */
	uint8_t flags;
	uint8_t arg;
};

enum { BW_PROPS_MAX = 64, BW_RULES_MAX = 4 };

/* What must come together. `names` are separated by blanks. */
struct bw_rule {
	enum { BW_RULE_NONE, BW_RULE_ANY, BW_RULE_ANY_OWN, BW_RULE_ONE, BW_RULE_NEEDS, BW_RULE_GE, BW_RULE_GT } op;
	const char *names; /* ANY, ONE: these; NEEDS: the first needs the others; GE, GT: first against second */
};

struct bw_shape {
	const char *name; /* for messages */
	const char *clause;
	const struct bw_prop *props; /* ends with a row whose name is NULL */
	struct bw_rule rules[BW_RULES_MAX];
};

extern const struct bw_shape bw_shapes_sdo[BW_SHAPE_COUNT]; /* schema.c: all but the rows below */
extern const struct bw_shape bw_shapes_sco[BW_SHAPE_COUNT]; /* schema_sco.c: SCOs and what nests in them */

/* The shape of a predefined extension, or BW_SHAPE_COUNT; `out_owner` is the type it belongs to. */
enum bw_shape_id bw_extension_shape(struct bw_slice key, enum bw_stix_type *out_owner);

/* ---- the tables made ready: names to rows in one look ------------------------- */

enum { BW_NAMES_MAX = 512, BW_NAME_SLOTS = 2048 };

struct bw_shape_ready {
	const struct bw_shape *shape;
	const struct bw_prop *props;
	uint64_t required;    /* bits of rows */
	uint64_t required_20; /* the same for STIX 2.0 */
	uint64_t own;         /* rows that are not common properties, and extensions */
	size_t rule_count;
	struct {
		uint64_t rows;
		uint8_t op;
		uint8_t first;
		uint8_t second;
	} rules[BW_RULES_MAX];
};

struct bw_schema {
	struct bw_shape_ready shapes[BW_SHAPE_COUNT];
	struct {
		const char *text;
		uint8_t len;
		uint16_t number; /* from 1; 0: empty slot */
	} slots[BW_NAME_SLOTS];
	/* row + 1 of a name in a shape; 0: not there */
	uint8_t row_of[BW_SHAPE_COUNT][BW_NAMES_MAX];
	size_t name_count;
};

/* NULL without memory. */
struct bw_schema *bw_schema_new(void);
void bw_schema_free(struct bw_schema *schema);

/* The number of a property name, 0 when no shape has it. `name` may be followed by 8 readable bytes. */
uint16_t bw_schema_name(const struct bw_schema *schema, struct bw_slice name);

/* The row of `name` in a shape, or BW_PROPS_MAX. */
size_t bw_schema_row(const struct bw_schema *schema, enum bw_shape_id shape, const char *name);

#define BW_TYPE_BIT(name) (UINT64_C(1) << BW_STIX_##name)
#define BW_TYPES_SDO (BW_TYPE_BIT(RELATIONSHIP) - BW_TYPE_BIT(ATTACK_PATTERN))
#define BW_TYPES_SCO (BW_TYPE_BIT(EXTENSION_DEFINITION) - BW_TYPE_BIT(ARTIFACT))

#endif
