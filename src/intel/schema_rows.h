/*
 * Short words for the rows of schema.c and schema_sco.c; included there only.
 */
#ifndef BW_INTEL_SCHEMA_ROWS_H
#define BW_INTEL_SCHEMA_ROWS_H

#include "intel/schema.h"

#define ROW(name, kind, flags, arg)                  \
	{                                            \
		name, BW_KIND_##kind, (flags), (arg) \
	}

#define LIST BW_PROP_LIST
#define MUST BW_PROP_REQUIRED
#define SINCE_21 BW_PROP_NEW
#define TEXT BW_PROP_TEXT
#define VALUE BW_PROP_VALUE

#define STRING(name, flags) ROW(name, STRING, flags, 0)
#define FLAG(name, flags) ROW(name, BOOL, flags, 0)
#define INT(name, flags, range) ROW(name, INT, flags, BW_RANGE_##range)
#define NUMBER(name, flags, range) ROW(name, NUMBER, flags, BW_RANGE_##range)
#define TIME(name, flags) ROW(name, TIME, flags, 0)
#define REF(name, flags, refs) ROW(name, REF, flags, BW_REFS_##refs)
#define VOCAB(name, flags, vocab) ROW(name, VOCAB, flags, BW_VOCAB_##vocab)
#define ENUM(name, flags, vocab) ROW(name, ENUM, flags, BW_VOCAB_##vocab)
#define SHAPE(name, flags, shape) ROW(name, SHAPE, flags, BW_SHAPE_##shape)
#define HEX(name, flags) ROW(name, HEX, flags, 0)
#define HASHES(name, flags) ROW(name, HASHES, flags, 0)
#define FORMAT(name, flags, format) ROW(name, FORMAT, flags, BW_FORMAT_##format)
#define DICT(name, flags, dict) ROW(name, DICT, flags, BW_DICT_##dict)
#define END                   \
	{                     \
		NULL, 0, 0, 0 \
	}

#define MARKINGS                                                                                       \
	REF("object_marking_refs", LIST, MARKING), SHAPE("granular_markings", LIST, GRANULAR_MARKING), \
		ROW("extensions", EXTENSIONS, 0, 0)

/* §3.2, for SDOs and SROs */
#define COMMON                                                                                             \
	ROW("type", TYPE, MUST, 0), ROW("spec_version", SPEC, MUST | SINCE_21, 0), ROW("id", ID, MUST, 0), \
		REF("created_by_ref", 0, CREATOR), ROW("created", TIME_MS, MUST, 0),                       \
		ROW("modified", TIME_MS, MUST, 0), FLAG("revoked", 0), STRING("labels", LIST | TEXT),      \
		INT("confidence", 0, CONFIDENCE), ROW("lang", LANG, 0, 0),                                 \
		SHAPE("external_references", LIST, EXTERNAL_REFERENCE), MARKINGS

/* §3.2, for SCOs */
#define COMMON_SCO                                                                                                \
	ROW("type", TYPE, MUST, 0), ROW("spec_version", SPEC, 0, 0), ROW("id", ID, MUST, 0), FLAG("defanged", 0), \
		MARKINGS

#endif
