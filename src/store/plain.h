/*
 * The limit that import is held against (`breakwater bench exchange`): SQLite
 * taking in the same rows under the indexes a plain schema would give them,
 * with the same durability, checking nothing. Not used for anything else.
 */
#ifndef BW_STORE_PLAIN_H
#define BW_STORE_PLAIN_H

#include "intel/record.h"

struct bw_plain;

/* A new database file: WAL, synchronous=FULL, the store's page size and cache. */
BW_MUST_USE enum bw_err bw_plain_open(const char *path, struct bw_plain **out);
void bw_plain_close(struct bw_plain *plain); /* NULL allowed */

/* One row: the entry table with B-trees over (id, version) and (collection, type, added), and one row a value. */
BW_MUST_USE enum bw_err bw_plain_add(struct bw_plain *plain, const struct bw_record *record);
BW_MUST_USE enum bw_err bw_plain_commit(struct bw_plain *plain);

#endif
