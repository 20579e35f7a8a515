/*
 * Runs a fuzz target over files and folders of seeds, without libFuzzer, so
 * that every bug found stays found under any compiler.
 *
 *   replay_<name> PATH...
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_MAX = 16 * 1024 * 1024 };

static size_t runs;

static bool run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(SEED_MAX);
	bool ran = false;

	if (file != NULL && bytes != NULL) {
		const size_t len = fread(bytes, 1, SEED_MAX, file);
		/* an exact copy, so that a sanitizer sees one byte too far */
		uint8_t *exact = malloc(len > 0 ? len : 1);

		if (exact != NULL && ferror(file) == 0) {
			memcpy(exact, bytes, len);
			(void)LLVMFuzzerTestOneInput(exact, len);
			runs++;
			ran = true;
		}
		free(exact);
	}
	if (!ran)
		(void)fprintf(stderr, "replay: cannot read '%s'\n", path);
	if (file != NULL)
		(void)fclose(file);
	free(bytes);
	return ran;
}

static bool run_folder(const char *path)
{
	struct dirent **names = NULL;
	const int count = scandir(path, &names, NULL, alphasort);
	bool ran = count >= 0;

	for (int i = 0; i < count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf full = BW_BUF_INIT(64 * BW_KIB);

		if (names[i]->d_name[0] != '.') {
			if (bw_buf_addf(&full, "%s/%s", path, names[i]->d_name) != BW_OK ||
			    !run_file(bw_buf_text(&full)))
				ran = false;
		}
		free(names[i]);
	}
	free(names); // NOLINT(bugprone-multi-level-implicit-pointer-conversion): scandir's own shape
	return ran;
}

int main(int argc, char **argv)
{
	bool ran = true;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) != 0 || !(S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i])))
			ran = false;
	}
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	(void)printf("replayed %zu seeds\n", runs);
	return ran && runs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
