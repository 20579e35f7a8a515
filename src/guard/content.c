#include "guard/content.h"
#include "guard/content_count.h"
#include "guard/content_look.h"
#include "guard/content_text.h"

/* A file read whole is cut into equal windows of about a page. */
static size_t windows_of(const struct bw_sample *sample)
{
	const size_t whole = sample->pieces[0].bytes.len;
	const size_t pages = whole / BW_CONTENT_WINDOW_BYTES;

	if (sample->count != 1)
		return sample->count;
	return pages < 1 ? 1 : pages > BW_CONTENT_WINDOWS ? BW_CONTENT_WINDOWS : pages;
}

static struct bw_slice window_of(const struct bw_sample *sample, size_t windows, size_t i)
{
	const struct bw_slice whole = sample->pieces[0].bytes;

	if (sample->count != 1)
		return sample->pieces[i].bytes;
	return bw_slice_sub(whole, whole.len * i / windows, whole.len * (i + 1) / windows - whole.len * i / windows);
}

static void count_windows(const struct bw_sample *sample, struct bw_count *all, struct bw_content *content)
{
	const size_t windows = windows_of(sample);

	for (size_t i = 0; i < windows; i++) {
		struct bw_count count = { 0 };

		bw_count_add(&count, window_of(sample, windows, i));
		content->classes[i / 2] |= (uint8_t)(bw_count_class(&count) << (i % 2 * 4));
		bw_count_merge(all, &count);
	}
	content->windows = windows & 15;
	content->chi = bw_log8(bw_count_chi(all));
	content->symbols = (uint8_t)(bw_count_values(all) - (all->total > 0));
}

static void settle_format(const struct bw_sample *sample, const struct bw_count *all, struct bw_content *content)
{
	struct bw_opinion opinion;
	struct bw_text_look text;

	bw_format_look(sample, false, &opinion);
	bw_text_look(sample, all, &text);
	if (opinion.format == BW_FORMAT_UNKNOWN && text.format != BW_FORMAT_UNKNOWN) {
		opinion.format = text.format;
		opinion.grade = sample->count == 1 ? BW_GRADE_WHOLE : BW_GRADE_FRAMED;
	}
	content->format = (uint8_t)opinion.format;
	content->grade = (unsigned)opinion.grade & 3;
	content->state = (unsigned)opinion.state & 3;
	content->controls = text.controls;
	content->letters = text.letters & 15u;
	content->spaces = text.spaces & 15u;
	content->flags = (uint8_t)((opinion.encrypted ? BW_CONTENT_ENCRYPTED : 0) | (text.even ? BW_CONTENT_EVEN : 0) |
				   (text.noise ? BW_CONTENT_NOISE : 0) | (text.flat ? BW_CONTENT_FLAT : 0));
	if (opinion.format == BW_FORMAT_ZIP && !opinion.encrypted && bw_zip_holds_noise(sample))
		content->flags |= BW_CONTENT_HOLDS;
}

void bw_content_of(const struct bw_sample *sample, struct bw_content *out)
{
	struct bw_content content = { .size_low = (uint32_t)sample->size, .size_high = (uint16_t)(sample->size >> 32) };
	struct bw_count all = { 0 };

	if (sample->count > 0)
		count_windows(sample, &all, &content);
	settle_format(sample, &all, &content);
	*out = content;
}
