/*
 * Everything is read again. The walk reads the catalogue as it was when it began, while a running guard moves contents
 * and forgets versions: what did not verify is looked at once more when the walk has ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/shadow_parts.h"

enum { SEE_EVERY = 1024, AGAIN_MAX = 64 * 1024 };

struct verifying {
	struct bw_shadow *shadow;
	const struct bw_verify_plan *plan;
	struct bw_why *why;
	uint64_t done;
	uint64_t *again;
	size_t again_count;
	uint64_t findings;
	enum bw_err first;
};

static enum bw_err verify_object(struct bw_shadow *shadow, const struct bw_shelf_version *version)
{
	struct stat status;
	int object = -1;
	enum bw_err err;

	BW_TRY(bw_object_open(shadow, version->number, &object));
	err = fstat(object, &status) == 0 ? BW_OK : BW_ERR_IO;
	(void)close(object);
	BW_TRY(err);
	BW_NEED((uint64_t)status.st_size == version->size && status.st_uid == geteuid(), CORRUPT);
	return BW_OK;
}

static enum bw_err verify_content(struct bw_shadow *shadow, const struct bw_shelf_version *version)
{
	if (!S_ISREG(version->kind))
		return BW_OK;
	if (version->pack == 0)
		return verify_object(shadow, version);
	bw_buf_clear(&shadow->content);
	BW_TRY(bw_packs_read(shadow->packs, version->pack, version->at, version->number, &shadow->content));
	BW_NEED(shadow->content.len == version->size, CORRUPT);
	return BW_OK;
}

static void find(struct verifying *verifying, const struct bw_shelf_version *version, enum bw_err err)
{
	struct bw_why finding;

	(void)bw_why_set(&finding, err, "version %llu ('%.*s') in %s %08x does not verify: %s",
			 (unsigned long long)version->number, BW_ARG(version->name),
			 version->pack != 0 ? "pack" : "object",
			 version->pack != 0 ? version->pack : (unsigned)version->number, bw_err_text(err));
	if (verifying->findings++ == 0) {
		verifying->first = err;
		(void)bw_why_set(verifying->why, err, "%s", finding.text);
	}
	if (verifying->plan->tell != NULL && verifying->findings <= BW_VERIFY_FINDINGS)
		verifying->plan->tell(verifying->plan->context, finding.text);
}

static enum bw_err verify_one(void *context, const struct bw_shelf_version *version)
{
	struct verifying *verifying = context;

	if (verify_content(verifying->shadow, version) != BW_OK && verifying->again_count < AGAIN_MAX)
		verifying->again[verifying->again_count++] = version->number;
	verifying->done++;
	if (verifying->plan->see != NULL && verifying->done % SEE_EVERY == 0)
		verifying->plan->see(verifying->plan->context, verifying->done);
	return BW_OK;
}

static enum bw_err look_again(struct verifying *verifying)
{
	for (size_t i = 0; i < verifying->again_count; i++) {
		BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
		struct bw_shelf_version version;
		enum bw_err err = bw_shelf_get(verifying->shadow->shelf, verifying->again[i], &arena, &version);

		if (err == BW_ERR_NOT_FOUND) /* it was old, and went */
			continue;
		BW_TRY(err);
		err = verify_content(verifying->shadow, &version);
		if (err != BW_OK)
			find(verifying, &version, err);
	}
	return verifying->first;
}

enum bw_err bw_shadow_verify(struct bw_shadow *shadow, const struct bw_verify_plan *plan, struct bw_why *why)
{
	static const struct bw_verify_plan quiet;
	struct verifying verifying = { .shadow = shadow, .plan = plan == NULL ? &quiet : plan, .why = why };
	enum bw_err err;

	BW_TRY(bw_shelf_verify(shadow->shelf, why));
	verifying.again = calloc(AGAIN_MAX, sizeof(*verifying.again));
	if (verifying.again == NULL)
		return BW_ERR_MEMORY;
	err = bw_shelf_oldest(shadow->shelf, INT64_MAX, verify_one, &verifying);
	if (err == BW_OK)
		err = look_again(&verifying);
	free(verifying.again);
	return err;
}
