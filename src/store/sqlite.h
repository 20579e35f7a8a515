/* Which SQLite this process really uses, in its own words, for doctor. */
#ifndef BW_STORE_SQLITE_H
#define BW_STORE_SQLITE_H

struct bw_store_sqlite {
	const char *version; /* "3.40.1"; static, as `missing` is */
	int number;          /* 3040001 */
	const char *missing; /* the first thing the store needs and this library was built without; NULL: nothing */
};

void bw_store_sqlite(struct bw_store_sqlite *out);

#endif
