/* Signed jobs that run: the judge is told which process began one, for which user, in which folders, until when. */
#include <stdlib.h>

#include "base/log.h"
#include "guard/judge_parts.h"

static void apply(struct judge *judge)
{
	struct bw_job *jobs[JUDGE_JOBS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < JUDGE_JOBS_MAX; i++) {
		if (judge->jobs[i].word.number != 0)
			jobs[count++] = &judge->jobs[i].job;
	}
	bw_err_drop(bw_score_jobs(judge->score, jobs, count)); /* never more than there is room for */
}

static void forget(struct judge *judge, struct judge_job *job)
{
	bw_actors_unpin(judge->actors, job->job.root);
	*job = (struct judge_job){ .folders = job->folders };
	apply(judge); /* before what it borrows goes */
	bw_mapped_release(&job->folders);
	job->folders = (struct bw_mapped){ bw_slice_empty };
}

void judge_jobs_forget(struct judge *judge)
{
	for (size_t i = 0; i < JUDGE_JOBS_MAX; i++) {
		if (judge->jobs[i].word.number != 0)
			forget(judge, &judge->jobs[i]);
	}
}

static struct judge_job *job_by(struct judge *judge, uint64_t number)
{
	for (size_t i = 0; i < JUDGE_JOBS_MAX; i++) {
		if (judge->jobs[i].word.number == number)
			return &judge->jobs[i];
	}
	return NULL;
}

/* Searched, not trusted: keys out of order only hide folders from their own job. */
static enum bw_err map_folders(int fd, struct judge_job *job)
{
	BW_NEED(fd >= 0, PROTOCOL);
	BW_TRY(bw_mapped_open(fd, BW_JOB_FOLDERS_MAX * sizeof(struct bw_file_key), &job->folders));
	job->job.folders = (const struct bw_file_key *)(const void *)job->folders.bytes.ptr;
	job->job.folder_count = job->folders.bytes.len / sizeof(struct bw_file_key);
	return BW_OK;
}

static enum bw_err begin(struct judge *judge, const struct bw_job_word *word, int fd)
{
	struct judge_job *job = job_by(judge, 0);
	struct judge_job made = { .word = *word };

	BW_NEED(job != NULL && word->number != 0 && job_by(judge, word->number) == NULL, PROTOCOL);
	BW_TRY(map_folders(fd, &made));
	made.job.until_us = word->until_us;
	made.job.uid = word->uid;
	made.job.volume = word->volume;
	made.job.root = bw_actors_find(judge->actors, word->pid, judge->now_ns);
	if (made.job.root == 0) { /* no room for one more process: it is nobody's, and judged as such */
		bw_mapped_release(&made.folders);
		return BW_OK;
	}
	bw_actors_pin(judge->actors, made.job.root);
	*job = made;
	apply(judge);
	bw_log(BW_NOTICE, "a signed job begins", BW_TEXT("job", word->name), BW_NUM("pid", word->pid),
	       BW_NUM("user", word->uid), BW_NUM("folders", made.job.folder_count));
	return BW_OK;
}

static void end(struct judge *judge, struct judge_job *job)
{
	job->word.begins = 0;
	job->word.passed = job->job.passed;
	judge_tell(judge, "scribe", BW_RECORD_JOB, bw_slice_of(&job->word, sizeof(job->word)));
	bw_log(BW_NOTICE, "a signed job ended", BW_TEXT("job", job->word.name), BW_NUM("passed", job->word.passed));
	forget(judge, job);
}

enum bw_err judge_job(struct judge *judge, struct bw_slice body, int fd)
{
	struct bw_job_word word;
	struct judge_job *job;

	BW_NEED(body.len == sizeof(word), PROTOCOL);
	memcpy(&word, body.ptr, sizeof(word));
	BW_NEED(word.name[BW_JOB_NAME_BYTES - 1] == '\0', PROTOCOL);
	if (word.begins != 0)
		return begin(judge, &word, fd);
	job = word.number != 0 ? job_by(judge, word.number) : NULL;
	if (job != NULL)
		end(judge, job);
	return BW_OK;
}
