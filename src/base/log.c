#include "base/log.h"

#include <unistd.h>

#include "base/text.h"

enum { LINE_MAX_BYTES = 4096 };

static enum bw_level most_verbose = BW_INFO;
static const char *worker_name;

void bw_log_set_level(enum bw_level most)
{
	most_verbose = most;
}

void bw_log_set_worker(const char *name)
{
	worker_name = name;
}

static enum bw_err add_field(struct bw_buf *line, const struct bw_field *field)
{
	BW_TRY(bw_buf_addf(line, " %s=", field->name));
	if (field->kind == BW_FIELD_NUM)
		return bw_buf_addf(line, "%lld", (long long)field->num);
	BW_TRY(bw_buf_add_u8(line, '"'));
	BW_TRY(bw_text_escape(line, field->text));
	return bw_buf_add_u8(line, '"');
}

void bw_log_fields(enum bw_level level, const char *event, const struct bw_field *fields)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(LINE_MAX_BYTES);
	enum bw_err err = BW_OK;

	if (level > most_verbose)
		return;
	if (!isatty(STDERR_FILENO))
		err = bw_buf_addf(&line, "<%d>", (int)level);
	if (err == BW_OK)
		err = bw_buf_add_text(&line, event);
	if (err == BW_OK && worker_name != NULL)
		err = add_field(&line, &BW_TEXT("worker", worker_name));
	for (; err == BW_OK && fields->name != NULL; fields++)
		err = add_field(&line, fields);
	/* a line too long is cut, never dropped: its event is what matters */
	if (line.ptr == NULL)
		return;
	if (line.len == line.max)
		line.len--;
	line.ptr[line.len++] = '\n';
	for (size_t done = 0; done < line.len;) {
		const ssize_t wrote = write(STDERR_FILENO, line.ptr + done, line.len - done);

		if (wrote <= 0)
			return;
		done += (size_t)wrote;
	}
}
