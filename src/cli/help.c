#include "cli/help.h"

#include "base/bytes.h"
#include "cli/call.h"

enum { WIDTH = 80, NAME_COLUMN = 28, COMMAND_COLUMN = 14 };

const char *bw_option_value_name(const struct bw_option *row)
{
	if (row->value_name != NULL)
		return row->value_name;
	switch (row->kind) {
	case BW_OPT_FLAG:
		return NULL;
	case BW_OPT_NUM:
		return "N";
	case BW_OPT_SIZE:
		return "SIZE";
	case BW_OPT_TIME:
		return "TIME";
	case BW_OPT_CHOICE:
		return "WORD";
	case BW_OPT_TEXT:
	default:
		return "TEXT";
	}
}

/* Prints `text` from `column` on, breaking at blanks, later lines indented; returns the column reached. */
static size_t print_wrapped(FILE *out, size_t indent, size_t column, struct bw_slice text)
{
	struct bw_slice word;

	while (text.len > 0) {
		const bool breaks = text.ptr[0] == '\n';

		if (breaks || text.ptr[0] == ' ') {
			text = bw_slice_from(text, 1);
			if (breaks) {
				(void)fprintf(out, "\n%*s", (int)indent, "");
				column = indent;
			}
			continue;
		}
		word = text;
		for (size_t i = 0; i < text.len; i++) {
			if (text.ptr[i] == ' ' || text.ptr[i] == '\n') {
				word = bw_slice_sub(text, 0, i);
				break;
			}
		}
		if (column > indent && column + 1 + word.len > WIDTH) {
			(void)fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		column += (size_t)fprintf(out, "%s%.*s", column > indent ? " " : "", BW_ARG(word));
		text = bw_slice_from(text, word.len);
	}
	return column;
}

static enum bw_err describe(struct bw_buf *text, const struct bw_option *row)
{
	BW_TRY(bw_buf_add_text(text, row->help));
	if (row->kind == BW_OPT_CHOICE) {
		BW_TRY(bw_buf_add_text(text, ": "));
		for (const char *c = row->choices; *c != 0; c++) {
			if (*c == '|')
				BW_TRY(bw_buf_add_text(text, ", "));
			else
				BW_TRY(bw_buf_add_u8(text, (uint8_t)*c));
		}
	}
	if (row->repeat)
		BW_TRY(bw_buf_add_text(text, "; may be given more than once"));
	if (row->fallback != NULL && row->fallback[0] != 0 && row->kind != BW_OPT_FLAG)
		BW_TRY(bw_buf_addf(text, " (default: %s%s%s)", row->fallback, row->unit != NULL ? " " : "",
				   row->unit != NULL ? row->unit : ""));
	return BW_OK;
}

static void print_row(FILE *out, const struct bw_option *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(4 * BW_KIB);
	const char *value = bw_option_value_name(row);
	size_t column = (size_t)fprintf(out, "  --%s%s%s", row->name, value != NULL ? " " : "",
					value != NULL ? value : "");

	if (describe(&text, row) != BW_OK)
		return;
	if (column + 2 > NAME_COLUMN) {
		(void)fputc('\n', out);
		column = 0;
	}
	(void)fprintf(out, "%*s", (int)(NAME_COLUMN - column), "");
	(void)print_wrapped(out, NAME_COLUMN, NAME_COLUMN, bw_buf_slice(&text));
	(void)fputc('\n', out);
}

static void print_rows(FILE *out, const char *title, const struct bw_option *rows)
{
	if (rows == NULL || rows->name == NULL)
		return;
	(void)fprintf(out, "\n%s:\n", title);
	for (; rows->name != NULL; rows++)
		print_row(out, rows);
}

/* A common option that the command has a row of its own for is not shown twice. */
static void print_common(FILE *out, const struct bw_command *command)
{
	(void)fputs("\noptions of every command:\n", out);
	for (const struct bw_option *row = bw_common_options; row->name != NULL; row++) {
		bool is_own = false;

		for (const struct bw_option *own = command->options; own != NULL && own->name != NULL; own++)
			is_own = is_own || strcmp(own->name, row->name) == 0;
		if (!is_own)
			print_row(out, row);
	}
}

static void print_summary(FILE *out, const char *name, const char *summary)
{
	const size_t column = (size_t)fprintf(out, "  %-*s", COMMAND_COLUMN - 2, name);

	(void)print_wrapped(out, column, column, bw_slice_text(summary));
	(void)fputc('\n', out);
}

void bw_help_overview(FILE *out, const struct bw_command_group *groups)
{
	(void)fputs("Breakwater: what hits one protects all.\n\n"
		    "usage: breakwater COMMAND [OPTIONS] [OPERANDS]\n",
		    out);
	for (; groups->title != NULL; groups++) {
		(void)fprintf(out, "\n%s:\n", groups->title);
		for (const struct bw_command *const *c = groups->commands; *c != NULL; c++)
			print_summary(out, (*c)->name, (*c)->summary);
	}
	(void)fputs("\n'breakwater help COMMAND' tells the rest; 'breakwater --version' the version.\n"
		    "Exit status: 0 all well; 1 something was found or did not verify;\n"
		    "2 the command line was wrong; 3 the job could not be done.\n",
		    out);
}

static const char *gap_before(const char *text)
{
	return text != NULL && text[0] != 0 ? " " : "";
}

static void print_verbs(FILE *out, const struct bw_command *command)
{
	(void)fputs("\nwhat it can do:\n", out);
	for (const struct bw_command *verb = command->verbs; verb->name != NULL; verb++) {
		(void)fprintf(out, "  %s %s%s%s\n      %s\n", command->name, verb->name, gap_before(verb->usage),
			      verb->usage != NULL ? verb->usage : "", verb->summary);
	}
	(void)fprintf(out, "\n'breakwater help %s %s' tells more of one.\n", command->name, command->verbs->name);
}

void bw_help_command_page(FILE *out, const struct bw_command *parent, const struct bw_command *command)
{
	const char *before = parent != NULL ? parent->name : "";
	const char *gap = parent != NULL ? " " : "";

	const char *usage = command->verbs != NULL ? "WHAT [OPTIONS] [OPERANDS]" : command->usage;

	(void)fprintf(out, "breakwater %s%s%s: %s\n\nusage: breakwater %s%s%s%s%s\n", before, gap, command->name,
		      command->summary, before, gap, command->name, gap_before(usage), usage != NULL ? usage : "");
	if (command->details != NULL) {
		(void)fputc('\n', out);
		(void)print_wrapped(out, 0, 0, bw_slice_text(command->details));
		(void)fputc('\n', out);
	}
	if (command->verbs != NULL)
		print_verbs(out, command);
	print_rows(out, "options", command->options);
	if (parent != NULL)
		print_rows(out, parent->name, parent->options);
	print_common(out, command);
}
