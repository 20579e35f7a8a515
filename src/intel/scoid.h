/*
 * Deterministic ids of observables (STIX 2.1 §3.4): UUIDv5 over the RFC 8785
 * text of the contributing properties that are present; of `hashes` one only,
 * the first there is of MD5, SHA-1, SHA-256, SHA-512, else the first in the object.
 */
#ifndef BW_INTEL_SCOID_H
#define BW_INTEL_SCOID_H

#include "codec/json.h"
#include "intel/types.h"

enum { BW_ID_MAX = 300 };

/*
 * Writes "type--uuid" and a NUL. `contributing` (names separated by blanks)
 * overrules those of the specification; NULL: by the object's type. MISSING when
 * none of them is present (the id is then a v4), TOO_BIG, MEMORY, CRYPTO.
 */
BW_MUST_USE enum bw_err bw_sco_id(yyjson_val *object, const char *contributing, char out[BW_ID_MAX]);

#endif
