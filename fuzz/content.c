/*
 * What the guard thinks of content. The input is two contents: a length be16, the old one, the new one.
 * Properties: nothing is read beyond either (the sanitizer sees to it: each piece of a sample is
 * a copy of its own); the same bytes give the same features; a content compared with itself is
 * nothing; strengths agree with the evidence; sentences end.
 */
#include <stdlib.h>

#include "guard/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

/* Copies each window, so that one byte past its end is one byte too far. */
static void take_sample(struct bw_slice bytes, uint64_t said_size, uint8_t *copies[], struct bw_sample *out)
{
	struct bw_plan plan;

	bw_plan_make(said_size, 7, &plan);
	*out = (struct bw_sample){ .size = said_size };
	for (size_t i = 0; i < plan.count; i++) {
		const struct bw_slice part = plan.windows[i].at >= bytes.len
						     ? bw_slice_empty
						     : bw_slice_sub(bytes, (size_t)plan.windows[i].at,
								    plan.windows[i].len);

		if (part.len == 0)
			continue;
		copies[out->count] = malloc(part.len);
		check(copies[out->count] != NULL);
		memcpy(copies[out->count], part.ptr, part.len);
		out->pieces[out->count] = (struct bw_piece){ plan.windows[i].at,
							     bw_slice_of(copies[out->count], part.len) };
		out->count++;
	}
}

static struct bw_content features_of(struct bw_slice bytes, uint64_t said_size)
{
	uint8_t *copies[BW_CONTENT_WINDOWS] = { 0 };
	struct bw_sample sample;
	struct bw_content first;
	struct bw_content second;

	take_sample(bytes, said_size, copies, &sample);
	bw_content_of(&sample, &first);
	bw_content_of(&sample, &second);
	check(memcmp(&first, &second, sizeof(first)) == 0);
	check(first.format < BW_FORMAT_COUNT && first.windows <= BW_CONTENT_WINDOWS);
	for (size_t i = 0; i < BW_CONTENT_WINDOWS; i++)
		free(copies[i]);
	return first;
}

static void check_finding(const struct bw_finding *finding)
{
	enum bw_strength most = BW_STRENGTH_NONE;

	check(finding->count <= BW_FINDING_MAX);
	for (size_t i = 0; i < finding->count; i++) {
		char line[80];

		check(finding->tests[i].test < BW_TEST_COUNT && finding->tests[i].strength > BW_STRENGTH_NONE);
		most = finding->tests[i].strength > most ? (enum bw_strength)finding->tests[i].strength : most;
		bw_evidence_say(&finding->tests[i], line, sizeof(line));
		check(memchr(line, 0, sizeof(line)) != NULL);
	}
	check(finding->strength == most || finding->count == BW_FINDING_MAX);
}

static void compare(struct bw_slice old, struct bw_slice new)
{
	const struct bw_versions versions = { old, new, old.len, new.len };
	const struct bw_versions same = { old, old, old.len, old.len };
	const struct bw_content before = features_of(old, old.len);
	const struct bw_content after = features_of(new, new.len);
	const struct bw_content torn = features_of(new, new.len * 3 + 70000); /* the file grew while it was read */
	struct bw_finding finding;

	bw_content_compare(&before, &after, &finding);
	check_finding(&finding);
	bw_content_compare(&before, &torn, &finding);
	check_finding(&finding);
	bw_content_join(&before, &after, &finding);
	check_finding(&finding);
	bw_content_compare_bytes(&versions, &finding);
	check_finding(&finding);
	bw_content_compare(&before, &before, &finding);
	check(finding.strength == BW_STRENGTH_NONE);
	bw_content_compare_bytes(&same, &finding);
	check(finding.strength == BW_STRENGTH_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice all = bw_slice_of(data, size);
	size_t cut;

	if (size < 2)
		return 0;
	cut = 2 + ((size_t)data[0] << 8 | data[1]);
	cut = cut > size ? size : cut;
	compare(bw_slice_sub(all, 2, cut - 2), bw_slice_from(all, cut));
	return 0;
}
