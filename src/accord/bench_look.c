/*
 * How fast objects are looked through before anything is decided: text dense with what looks like somebody's data
 * (the labelled set of the test, over and over), a file of the caller's, and whole objects as the clerk does it.
 */
#include <stdlib.h>

#include "accord/bench.h"
#include "accord/facts.h"
#include "accord/personal.h"
#include "accord/personal_set.h"
#include "bench/generate.h"

enum {
	TEXT_BYTES = 16 << 20,
	FILE_BYTES_MAX = 1 << 30,
	PIECE = 2048, /* what a long description has */
	OBJECTS = 20000,
	QUESTION = 2000, /* objects in one */
	DENSE_LINES = 12,
	SEED = 7,
};

/* ---- text ------------------------------------------------------------------------------------------- */

static double scan(struct bw_slice text)
{
	static struct bw_personal_list list;
	const double began = bw_accord_bench_busy();

	for (size_t at = 0; at < text.len; at += PIECE)
		bw_personal_scan(bw_slice_sub(text, at, PIECE), &list);
	return bw_accord_bench_busy() - began;
}

/* Every byte of it looked at once, one after the other. */
static double count_bytes(struct bw_slice text)
{
	const double began = bw_accord_bench_busy();
	static volatile uint32_t counts[256];

	for (size_t i = 0; i < text.len; i++)
		counts[text.ptr[i]]++;
	return bw_accord_bench_busy() - began;
}

static enum bw_err measure_text(struct bw_accord_bench *bench, struct bw_slice text, const char *name)
{
	struct bw_bench_row row = { .name = name, .unit = "MB/s", .limit_name = "counting its bytes by value" };

	for (size_t run = 0; run < bench->runs; run++) {
		const double seconds = scan(text);

		bw_bench_add(&row, (double)text.len / 1e6 / seconds, (double)text.len / 1e6 / count_bytes(text));
	}
	return bw_accord_bench_print(bench, &row);
}

static enum bw_err look_at_texts(struct bw_accord_bench *bench)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(FILE_BYTES_MAX);
	const char *file = bw_call_text(bench->call, "text");

	for (size_t i = 0; text.len < TEXT_BYTES; i++) {
		BW_TRY(bw_buf_add_text(&text, personal_set[i % BW_COUNT(personal_set)]));
		BW_TRY(bw_buf_add_u8(&text, '\n'));
	}
	BW_TRY(measure_text(bench, bw_buf_slice(&text), "accord: look for personal data in text full of it"));
	if (file == NULL)
		return BW_OK;
	bw_buf_clear(&text);
	BW_TRY(bw_file_read(file, &text, &bench->why));
	return measure_text(bench, bw_buf_slice(&text), "accord: look for personal data in the file");
}

/* ---- objects ------------------------------------------------------------------------------------------- */

struct looking {
	struct bw_buf objects; /* one after the other */
	size_t ends[OBJECTS];
	struct bw_facts_worker *worker;
	struct bw_buf question;
	struct bw_buf answer;
};

static struct bw_slice object_at(const struct looking *l, size_t i)
{
	const size_t from = i == 0 ? 0 : l->ends[i - 1];

	return bw_slice_sub(bw_buf_slice(&l->objects), from, l->ends[i] - from);
}

static enum bw_err make_objects(struct looking *l)
{
	struct bw_generated made;

	for (size_t i = 0; i < OBJECTS; i++) {
		BW_TRY(bw_generate(SEED, i, &made));
		BW_TRY(bw_buf_add(&l->objects, made.record.body));
		l->ends[i] = l->objects.len;
	}
	return BW_OK;
}

/* Reports with a dozen lines of the labelled set each. */
static enum bw_err make_dense_objects(struct looking *l)
{
	for (size_t i = 0; i < OBJECTS; i++) {
		BW_TRY(bw_buf_addf(&l->objects,
				   "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"report--%08zx-0000-4000-"
				   "8000-000000000000\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":"
				   "\"2026-01-01T00:00:00.000Z\",\"name\":\"Notes\",\"published\":"
				   "\"2026-01-01T00:00:00Z\",\"object_refs\":[\"indicator--%08zx-0000-4000-8000-"
				   "000000000000\"],\"description\":\"",
				   i, i));
		for (size_t n = 0; n < DENSE_LINES; n++)
			for (const char *c = personal_set[(i * DENSE_LINES + n) % BW_COUNT(personal_set)]; *c != '\0';
			     c++) {
				if (*c == '"' || *c == '\\')
					BW_TRY(bw_buf_add_u8(&l->objects, '\\'));
				BW_TRY(bw_buf_add_u8(&l->objects, *c == '\n' ? ' ' : (uint8_t)*c));
			}
		BW_TRY(bw_buf_add_text(&l->objects, "\"}"));
		l->ends[i] = l->objects.len;
	}
	return BW_OK;
}

static enum bw_err ask_all(struct looking *l)
{
	for (size_t at = 0; at < OBJECTS; at += QUESTION) {
		bw_buf_clear(&l->question);
		bw_buf_clear(&l->answer);
		BW_TRY(bw_question_begin(&l->question));
		for (size_t i = at; i < at + QUESTION; i++) {
			const struct bw_question_object item = { .profile = BW_REDACTION_DERIVE,
								 .marking = bw_slice_empty,
								 .object = object_at(l, i) };

			BW_TRY(bw_question_object(&l->question, &item));
		}
		BW_TRY(bw_facts_work(l->worker, bw_buf_slice(&l->question), &l->answer));
	}
	return BW_OK;
}

static enum bw_err look_alone(const struct looking *l, double *seconds)
{
	static struct bw_redact_report report;
	const double began = bw_accord_bench_busy();

	for (size_t i = 0; i < OBJECTS; i++)
		BW_TRY(bw_redact_look(object_at(l, i), BW_REDACTION_DERIVE, &report));
	*seconds = bw_accord_bench_busy() - began;
	return BW_OK;
}

static enum bw_err measure_objects(struct bw_accord_bench *bench, struct looking *l, const char *look_name,
				   const char *facts_name)
{
	struct bw_bench_row look = { .name = look_name, .unit = "MB/s", .limit_name = "counting its bytes by value" };
	struct bw_bench_row facts = { .name = facts_name,
				      .unit = "objects/s",
				      .limit_name = "looking for personal data alone" };
	const double bytes = (double)l->objects.len / 1e6;
	enum bw_err err = BW_OK;

	for (size_t run = 0; err == BW_OK && run < bench->runs; run++) {
		double began;
		double seconds;

		BW_TRY(look_alone(l, &seconds));
		bw_bench_add(&look, bytes / seconds, bytes / count_bytes(bw_buf_slice(&l->objects)));
		began = bw_accord_bench_busy();
		err = ask_all(l);
		bw_bench_add(&facts, OBJECTS / (bw_accord_bench_busy() - began), OBJECTS / seconds);
	}
	BW_TRY(err);
	BW_TRY(bw_accord_bench_print(bench, &look));
	return bw_accord_bench_print(bench, &facts);
}

static enum bw_err look_at_objects(struct bw_accord_bench *bench, struct looking *l)
{
	BW_TRY(bw_facts_worker_new(&l->worker));
	BW_TRY(make_objects(l));
	BW_TRY(measure_objects(bench, l, "accord: look for personal data in made-up objects",
			       "accord: all that a decision has to know of them"));
	bw_buf_clear(&l->objects);
	BW_TRY(make_dense_objects(l));
	return measure_objects(bench, l, "accord: look for personal data in reports full of it",
			       "accord: all that a decision has to know of those");
}

enum bw_err bw_accord_bench_look(struct bw_accord_bench *bench)
{
	struct looking *l = calloc(1, sizeof(*l));
	enum bw_err err;

	BW_NEED(l != NULL, MEMORY);
	l->objects = BW_BUF_INIT(FILE_BYTES_MAX);
	l->question = BW_BUF_INIT(BW_QUESTION_MAX);
	l->answer = BW_BUF_INIT(BW_ANSWER_MAX);
	err = look_at_texts(bench);
	if (err == BW_OK)
		err = look_at_objects(bench, l);
	bw_facts_worker_free(l->worker);
	bw_buf_release(&l->objects);
	bw_buf_release(&l->question);
	bw_buf_release(&l->answer);
	free(l);
	return err;
}
