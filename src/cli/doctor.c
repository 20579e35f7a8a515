#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/command.h"
#include "bw_config.h"
#include "codec/json_text.h"

static const char *const words_of[] = {
	[BW_HEALTH_OK] = "ok",
	[BW_HEALTH_NOTE] = "note",
	[BW_HEALTH_UNKNOWN] = "unknown",
	[BW_HEALTH_LACKING] = "lacking",
};

void bw_symptom_add(struct bw_symptoms *all, const char *name, enum bw_health health, const char *next, const char *fmt,
		    ...)
{
	struct bw_symptom *row;
	va_list args;

	if (all->count == BW_SYMPTOMS_MAX)
		return;
	row = &all->rows[all->count++];
	row->name = name;
	row->health = health;
	row->next = next;
	va_start(args, fmt);
	(void)vsnprintf(row->text, sizeof(row->text), fmt, args);
	va_end(args);
}

static size_t count_lacking(const struct bw_symptoms *all)
{
	size_t lacking = 0;

	for (size_t i = 0; i < all->count; i++)
		lacking += all->rows[i].health == BW_HEALTH_LACKING ? 1 : 0;
	return lacking;
}

static void print_text(const struct bw_symptoms *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct bw_symptom *row = &all->rows[i];

		(void)printf("%-8s %-14s %s\n", words_of[row->health], row->name, row->text);
		if (row->next != NULL && row->health != BW_HEALTH_OK)
			(void)printf("%24s%s\n", "", row->next);
	}
}

static enum bw_err print_json(const struct bw_symptoms *all)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(64 * BW_KIB);

	BW_TRY(bw_buf_add_u8(&out, '{'));
	BW_TRY(bw_json_add_text(&out, "version", bw_slice_text(BW_VERSION)));
	BW_TRY(bw_json_add_num(&out, "lacking", (int64_t)count_lacking(all)));
	BW_TRY(bw_json_add_name(&out, "findings"));
	BW_TRY(bw_buf_add_u8(&out, '['));
	for (size_t i = 0; i < all->count; i++) {
		const struct bw_symptom *row = &all->rows[i];

		BW_TRY(bw_buf_add_text(&out, i == 0 ? "{" : ",{"));
		BW_TRY(bw_json_add_text(&out, "name", bw_slice_text(row->name)));
		BW_TRY(bw_json_add_text(&out, "state", bw_slice_text(words_of[row->health])));
		BW_TRY(bw_json_add_text(&out, "text", bw_slice_text(row->text)));
		if (row->next != NULL && row->health != BW_HEALTH_OK)
			BW_TRY(bw_json_add_text(&out, "next", bw_slice_text(row->next)));
		BW_TRY(bw_buf_add_u8(&out, '}'));
	}
	BW_TRY(bw_buf_add_text(&out, "]}"));
	(void)puts(bw_buf_text(&out));
	return BW_OK;
}

static int doctor_run(struct bw_call *call)
{
	struct bw_symptoms all = { .count = 0 };

	bw_symptom_add(&all, "breakwater", BW_HEALTH_OK, NULL, "%s", BW_VERSION);
	bw_doctor_kernel(&all);
	bw_doctor_libraries(&all);
	bw_doctor_database(&all);
	bw_doctor_resources(&all, bw_call_data(call));
	if (!bw_call_json(call))
		print_text(&all);
	else if (print_json(&all) != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "the answer does not fit: %s",
				   bw_err_text(BW_ERR_MEMORY));
	return count_lacking(&all) > 0 ? BW_EXIT_FOUND : BW_EXIT_OK;
}

const struct bw_command bw_doctor_command = {
	.name = "doctor",
	.summary = "say what this machine lacks and which kernel features it has",
	.usage = "[--data DIR] [--format text|json]",
	.details = "Looks at the kernel (Landlock, seccomp, memory files, file events), the libraries in this very "
		   "process "
		   "(exactly one OpenSSL, and whether the distribution knows a newer one; SQLite and what the store "
		   "needs of "
		   "it), the limits and the room in the "
		   "data folder. Changes nothing. Exit status 1 when something is lacking.",
	.run = doctor_run,
};
