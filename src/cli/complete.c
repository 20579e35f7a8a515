/*
 * Completion scripts, from the rows. Names and choices are our own words
 * (letters, digits, minus), so they need no quoting; help texts do.
 */
#include "cli/call.h"
#include "cli/help.h"

static void print_option_words(FILE *out, const struct bw_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		(void)fprintf(out, " --%s", rows->name);
}

static void print_choice_words(FILE *out, const char *choices)
{
	for (; *choices != 0; choices++)
		(void)fputc(*choices == '|' ? ' ' : *choices, out);
}

static void print_bash_choices(FILE *out, const char *command, const struct bw_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (rows->kind != BW_OPT_CHOICE)
			continue;
		(void)fprintf(out, "\t%s' --%s') words='", command, rows->name);
		print_choice_words(out, rows->choices);
		(void)fputs("' ;;\n", out);
	}
}

static void print_bash_case(FILE *out, const struct bw_command *parent, const struct bw_command *command)
{
	(void)fprintf(out, "\t'%s%s%s') words='", parent != NULL ? parent->name : "", parent != NULL ? " " : "",
		      command->name);
	for (const struct bw_command *verb = command->verbs; verb != NULL && verb->name != NULL; verb++)
		(void)fprintf(out, "%s ", verb->name);
	print_option_words(out, command->options);
	print_option_words(out, bw_common_options);
	(void)fputs("' ;;\n", out);
}

void bw_complete_bash(FILE *out, const struct bw_command *const *commands)
{
	(void)fputs(
		"# bash completion of breakwater; made by: breakwater completion bash\n"
		"_breakwater() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= verb= words= i\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\t[[ ${COMP_WORDS[i]} == -* ]] && continue\n"
		"\t\tif [[ -z $cmd ]]; then cmd=${COMP_WORDS[i]}; elif [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; fi\n"
		"\tdone\n"
		"\tcase \"$cmd $prev\" in\n",
		out);
	for (const struct bw_command *const *c = commands; *c != NULL; c++) {
		print_bash_choices(out, (*c)->name, (*c)->options);
		for (const struct bw_command *verb = (*c)->verbs; verb != NULL && verb->name != NULL; verb++)
			print_bash_choices(out, (*c)->name, verb->options);
	}
	print_bash_choices(out, "*", bw_common_options);
	(void)fputs("\tesac\n"
		    "\tif [[ -n $words ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); return; fi\n"
		    "\tcase \"$cmd${verb:+ $verb}\" in\n"
		    "\t'') words='",
		    out);
	for (const struct bw_command *const *c = commands; *c != NULL; c++)
		(void)fprintf(out, "%s ", (*c)->name);
	(void)fputs("--help --version' ;;\n", out);
	for (const struct bw_command *const *c = commands; *c != NULL; c++) {
		print_bash_case(out, NULL, *c);
		for (const struct bw_command *verb = (*c)->verbs; verb != NULL && verb->name != NULL; verb++)
			print_bash_case(out, *c, verb);
	}
	(void)fputs("\tesac\n"
		    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		    "\t[[ $cur != -* && -n $cmd ]] && COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
		    "}\n"
		    "complete -o filenames -F _breakwater breakwater\n",
		    out);
}

/* Inside '...' of zsh and fish; zsh's _arguments also gives meaning to [ ] and : */
static void print_quoted(FILE *out, const char *text)
{
	for (; *text != 0; text++) {
		if (*text == '\'')
			(void)fputs("'\\''", out);
		else if (*text == '[' || *text == ']' || *text == ':')
			(void)fputc(' ', out);
		else
			(void)fputc(*text, out);
	}
}

static void print_zsh_options(FILE *out, const struct bw_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		(void)fprintf(out, " \\\n\t\t\t'%s--%s%s[", rows->repeat ? "*" : "", rows->name,
			      rows->kind == BW_OPT_FLAG ? "" : "=");
		print_quoted(out, rows->help);
		(void)fputc(']', out);
		if (rows->kind == BW_OPT_CHOICE) {
			(void)fprintf(out, ":%s:(", bw_option_value_name(rows));
			print_choice_words(out, rows->choices);
			(void)fputc(')', out);
		} else if (rows->kind != BW_OPT_FLAG) {
			(void)fprintf(out, ":%s:_files", bw_option_value_name(rows));
		}
		(void)fputc('\'', out);
	}
}

static void print_zsh_command(FILE *out, const struct bw_command *command)
{
	(void)fprintf(out, "\t%s)\n\t\t_arguments", command->name);
	print_zsh_options(out, command->options);
	for (const struct bw_command *verb = command->verbs; verb != NULL && verb->name != NULL; verb++)
		print_zsh_options(out, verb->options);
	print_zsh_options(out, bw_common_options);
	if (command->verbs != NULL) {
		(void)fputs(" \\\n\t\t\t'1:what:(", out);
		for (const struct bw_command *verb = command->verbs; verb->name != NULL; verb++)
			(void)fprintf(out, "%s%s", verb == command->verbs ? "" : " ", verb->name);
		(void)fputs(")'", out);
	}
	(void)fputs(" \\\n\t\t\t'*::file:_files'\n\t\t;;\n", out);
}

void bw_complete_zsh(FILE *out, const struct bw_command *const *commands)
{
	(void)fputs("#compdef breakwater\n# made by: breakwater completion zsh\n_breakwater() {\n"
		    "\tif ((CURRENT == 2)); then\n\t\tlocal -a commands=(",
		    out);
	for (const struct bw_command *const *c = commands; *c != NULL; c++) {
		(void)fprintf(out, "\n\t\t\t'%s:", (*c)->name);
		print_quoted(out, (*c)->summary);
		(void)fputc('\'', out);
	}
	(void)fputs("\n\t\t)\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
		    "\tlocal command=$words[2]\n\twords=(\"${(@)words[2,-1]}\")\n\t((CURRENT -= 1))\n"
		    "\tcase $command in\n",
		    out);
	for (const struct bw_command *const *c = commands; *c != NULL; c++)
		print_zsh_command(out, *c);
	(void)fputs("\tesac\n}\n_breakwater \"$@\"\n", out);
}

static void print_fish_options(FILE *out, const char *when, const char *command, const struct bw_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		(void)fprintf(out, "complete -c breakwater -n '%s%s' -l %s", when, command, rows->name);
		if (rows->kind == BW_OPT_CHOICE) {
			(void)fputs(" -x -a '", out);
			print_choice_words(out, rows->choices);
			(void)fputc('\'', out);
		} else if (rows->kind != BW_OPT_FLAG) {
			(void)fputs(" -r", out);
		}
		(void)fputs(" -d '", out);
		print_quoted(out, rows->help);
		(void)fputs("'\n", out);
	}
}

void bw_complete_fish(FILE *out, const struct bw_command *const *commands)
{
	static const char seen[] = "__fish_seen_subcommand_from ";

	(void)fputs("# fish completion of breakwater; made by: breakwater completion fish\n", out);
	for (const struct bw_command *const *c = commands; *c != NULL; c++) {
		(void)fprintf(out, "complete -c breakwater -n __fish_use_subcommand -f -a %s -d '", (*c)->name);
		print_quoted(out, (*c)->summary);
		(void)fputs("'\n", out);
		for (const struct bw_command *verb = (*c)->verbs; verb != NULL && verb->name != NULL; verb++) {
			(void)fprintf(out, "complete -c breakwater -n '%s%s' -f -a %s -d '", seen, (*c)->name,
				      verb->name);
			print_quoted(out, verb->summary);
			(void)fputs("'\n", out);
			print_fish_options(out, seen, (*c)->name, verb->options);
		}
		print_fish_options(out, seen, (*c)->name, (*c)->options);
	}
	print_fish_options(out, "true", "", bw_common_options);
}
