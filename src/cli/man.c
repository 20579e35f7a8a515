/*
 * Manual pages in man(7) markup, from the rows.
 */
#include "base/text.h"
#include "bw_config.h"
#include "cli/call.h"
#include "cli/help.h"

/* A backslash starts an escape, a minus would become a hyphen, a dot or quote at a line's start a request. */
static void print_roff(FILE *out, const char *text)
{
	bool at_start = true;

	for (const char *c = text; *c != 0; c++) {
		if (at_start && (*c == '.' || *c == '\''))
			(void)fputs("\\&", out);
		if (*c == '\\')
			(void)fputs("\\e", out);
		else if (*c == '-')
			(void)fputs("\\-", out);
		else if (*c == '\n' && c[1] == '\n')
			(void)fputs("\n.PP", out);
		else
			(void)fputc(*c, out);
		at_start = *c == '\n';
	}
}

static void print_upper(FILE *out, const char *text)
{
	for (; *text != 0; text++)
		(void)fputc(bw_is_lower((uint8_t)*text) ? *text - ('a' - 'A') : *text, out);
}

static void print_choices(FILE *out, const struct bw_option *row)
{
	(void)fputs("\nOne of: ", out);
	for (const char *c = row->choices; *c != 0; c++) {
		if (*c == '|')
			(void)fputs(", ", out);
		else
			(void)fputc(*c, out);
	}
	(void)fputc('.', out);
}

static void print_option(FILE *out, const struct bw_option *row)
{
	const char *value = bw_option_value_name(row);

	(void)fputs(".TP\n\\fB\\-\\-", out);
	print_roff(out, row->name);
	(void)fputs("\\fR", out);
	if (value != NULL)
		(void)fprintf(out, " \\fI%s\\fR", value);
	(void)fputc('\n', out);
	print_roff(out, row->help);
	(void)fputc('.', out);
	if (row->kind == BW_OPT_CHOICE)
		print_choices(out, row);
	if (row->repeat)
		(void)fputs("\nMay be given more than once.", out);
	if (row->unit != NULL)
		(void)fprintf(out, "\nUnit: %s.", row->unit);
	if (row->fallback != NULL && row->fallback[0] != 0 && row->kind != BW_OPT_FLAG) {
		(void)fputs("\nDefault: ", out);
		print_roff(out, row->fallback);
		(void)fputc('.', out);
	}
	(void)fputc('\n', out);
}

static void print_options(FILE *out, const struct bw_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		print_option(out, rows);
}

static void print_synopsis(FILE *out, const struct bw_command *parent, const struct bw_command *command)
{
	(void)fprintf(out, ".B breakwater %s%s%s\n", parent != NULL ? parent->name : "", parent != NULL ? " " : "",
		      command->name);
	print_roff(out, command->usage != NULL ? command->usage : "");
	(void)fputc('\n', out);
}

static void print_verb(FILE *out, const struct bw_command *parent, const struct bw_command *verb)
{
	(void)fprintf(out, ".SS %s %s\n", parent->name, verb->name);
	print_synopsis(out, parent, verb);
	(void)fputs(".PP\n", out);
	print_roff(out, verb->summary);
	(void)fputs(".\n", out);
	if (verb->details != NULL) {
		(void)fputs(".PP\n", out);
		print_roff(out, verb->details);
		(void)fputc('\n', out);
	}
	print_options(out, verb->options);
}

void bw_help_man_page(FILE *out, const struct bw_command *command)
{
	(void)fputs(".TH BREAKWATER\\-", out);
	print_upper(out, command->name);
	(void)fprintf(out, " 1 \"\" \"Breakwater %s\" \"Breakwater\"\n.SH NAME\nbreakwater\\-%s \\- ", BW_VERSION,
		      command->name);
	print_roff(out, command->summary);
	(void)fputs("\n.SH SYNOPSIS\n", out);
	if (command->verbs == NULL)
		print_synopsis(out, NULL, command);
	for (const struct bw_command *verb = command->verbs; verb != NULL && verb->name != NULL; verb++) {
		print_synopsis(out, command, verb);
		(void)fputs(".br\n", out);
	}
	(void)fputs(".SH DESCRIPTION\n", out);
	print_roff(out, command->details != NULL ? command->details : command->summary);
	(void)fputc('\n', out);
	for (const struct bw_command *verb = command->verbs; verb != NULL && verb->name != NULL; verb++)
		print_verb(out, command, verb);
	(void)fputs(".SH OPTIONS\n", out);
	print_options(out, command->options);
	(void)fputs(".SS Options of every command\n", out);
	print_options(out, bw_common_options);
	(void)fputs(".SH EXIT STATUS\n"
		    "0 all well; 1 something was found or did not verify; 2 the command line was wrong;\n"
		    "3 the job could not be done.\n"
		    ".SH SEE ALSO\n.BR breakwater (1)\n",
		    out);
}
