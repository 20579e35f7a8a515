/*
 * help and completion: the commands that print what the rows say.
 */
#include "cli/call.h"
#include "cli/commands.h"
#include "cli/help.h"

/* "guard job sign": what a verb does is a word of its usage. */
static bool has_act(const struct bw_command *verb, const char *act)
{
	struct bw_slice rest = verb->usage != NULL ? bw_slice_text(verb->usage) : bw_slice_empty;
	struct bw_slice word;

	while (bw_slice_cut(rest, ' ', &word, &rest)) {
		if (bw_slice_is(word, act))
			return true;
	}
	return bw_slice_is(rest, act);
}

static int help_run(struct bw_call *call)
{
	const char *name = bw_call_arg(call, 0);
	const char *verb_name = bw_call_arg(call, 1);
	const char *act = bw_call_arg(call, 2);
	const struct bw_command *command;
	const struct bw_command *verb = NULL;

	if (name == NULL) {
		bw_help_overview(stdout, bw_command_groups);
		return BW_EXIT_OK;
	}
	command = bw_command_find(bw_commands(), bw_slice_text(name));
	if (command == NULL)
		return bw_complain(call, BW_EXIT_USAGE, "'breakwater help' lists them", "there is no command '%s'",
				   name);
	if (verb_name != NULL) {
		verb = bw_verb_find(command, bw_slice_text(verb_name));
		if (verb == NULL)
			return bw_complain(call, BW_EXIT_USAGE, NULL, "'%s' cannot '%s'", name, verb_name);
	}
	if (act != NULL && (verb == NULL || !has_act(verb, act)))
		return bw_complain(call, BW_EXIT_USAGE, NULL, "'%s %s' cannot '%s'", name, verb_name, act);
	if (bw_call_flag(call, "man"))
		bw_help_man_page(stdout, command);
	else
		bw_help_command_page(stdout, verb != NULL ? command : NULL, verb != NULL ? verb : command);
	return BW_EXIT_OK;
}

static const struct bw_option help_options[] = {
	{ .name = "man", .kind = BW_OPT_FLAG, .help = "print the command's manual page in man(7) markup" },
	{ 0 },
};

const struct bw_command bw_help_command = {
	.name = "help",
	.summary = "tell about the commands, or about one of them",
	.usage = "[COMMAND [WHAT]]",
	.options = help_options,
	.max_args = 3,
	.run = help_run,
};

static int completion_run(struct bw_call *call)
{
	const char *shell = bw_call_arg(call, 0);

	if (strcmp(shell, "bash") == 0)
		bw_complete_bash(stdout, bw_commands());
	else if (strcmp(shell, "zsh") == 0)
		bw_complete_zsh(stdout, bw_commands());
	else if (strcmp(shell, "fish") == 0)
		bw_complete_fish(stdout, bw_commands());
	else
		return bw_complain(call, BW_EXIT_USAGE, NULL, "no completion for '%s'; there is: bash, zsh, fish",
				   shell);
	return BW_EXIT_OK;
}

const struct bw_command bw_completion_command = {
	.name = "completion",
	.summary = "print the completion script for a shell",
	.usage = "bash|zsh|fish",
	.details = "For one session of bash: source <(breakwater completion bash). "
		   "'make install' puts all three where their shells look.",
	.min_args = 1,
	.max_args = 1,
	.run = completion_run,
};
