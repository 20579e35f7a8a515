#include "guard/incident.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "guard/approval.h"
#include "guard/hand_form.h"

const char *bw_incident_state_name(enum bw_incident_state state)
{
	static const char *const names[] = {
		[BW_INCIDENT_OPEN] = "open", [BW_INCIDENT_APPROVED] = "approved", [BW_INCIDENT_CLOSED] = "closed"
	};

	return names[state];
}

void bw_incidents_release(struct bw_incidents *incidents)
{
	free(incidents->list);
	*incidents = (struct bw_incidents){ 0 };
}

/* From the newest: nearly every record belongs to it. */
struct bw_incident *bw_incidents_find(const struct bw_incidents *incidents, uint64_t id)
{
	for (size_t i = incidents->count; i > 0; i--) {
		if (incidents->list[i - 1].id == id)
			return &incidents->list[i - 1];
	}
	return NULL;
}

size_t bw_incidents_open(const struct bw_incidents *incidents)
{
	size_t count = 0;

	for (size_t i = 0; i < incidents->count; i++)
		count += incidents->list[i].state == BW_INCIDENT_OPEN ? 1 : 0;
	return count;
}

static enum bw_err add(struct bw_incidents *incidents, uint64_t id, struct bw_incident **out)
{
	if (incidents->count == incidents->room) {
		const size_t room = incidents->room == 0 ? 16 : 2 * incidents->room;
		struct bw_incident *list;

		BW_NEED(room <= BW_INCIDENTS_MAX, TOO_MANY);
		list = realloc(incidents->list, room * sizeof(*list));
		BW_NEED(list != NULL, MEMORY);
		incidents->list = list;
		incidents->room = room;
	}
	*out = &incidents->list[incidents->count++];
	**out = (struct bw_incident){ .id = id };
	return BW_OK;
}

static void add_restored(struct bw_ledger_restored *sum, struct bw_slice body)
{
	struct bw_ledger_restored one;

	if (bw_ledger_restored_parse(body, &one) != BW_OK)
		return; /* a newer one's */
	sum->files += one.files;
	sum->unchanged += one.unchanged;
	sum->beside += one.beside;
	sum->displaced += one.displaced;
	sum->failed += one.failed;
	sum->bytes += one.bytes;
}

static void take_approval(struct bw_incident *incident, const struct bw_ledger_record *record)
{
	struct bw_approval approval;

	if (bw_approval_parse(record->body, &approval) != BW_OK)
		return; /* a newer one's */
	if (approval.until_us != 0 && incident->approved_us == 0)
		incident->approved_us = record->wall_us;
	incident->approval_us = record->wall_us;
	incident->approved_until_us = approval.until_us;
}

static void decide(struct bw_incident *incident, enum bw_incident_state state, int64_t when_us)
{
	incident->state = state;
	incident->decided_us = when_us;
}

enum bw_err bw_incidents_feed(struct bw_incidents *incidents, const struct bw_ledger_record *record)
{
	struct bw_incident *incident;
	struct bw_acted acted;

	if (record->incident == 0)
		return BW_OK;
	incident = bw_incidents_find(incidents, record->incident);
	if (incident == NULL) {
		BW_TRY(add(incidents, record->incident, &incident));
		incident->first_us = record->wall_us;
	}
	incident->last_us = record->wall_us;
	incident->bytes += record->body.len;
	switch (record->kind) {
	case BW_LEDGER_EVIDENCE:
		incident->evidence++;
		incident->evidence_us = record->wall_us;
		break;
	case BW_LEDGER_RESTORING:
		incident->restoring++;
		break;
	case BW_LEDGER_RESTORED:
		incident->restores++;
		incident->restoring -= incident->restoring > 0 ? 1 : 0;
		add_restored(&incident->restored, record->body);
		break;
	case BW_LEDGER_APPROVED:
		decide(incident, BW_INCIDENT_APPROVED, record->wall_us);
		break;
	case BW_LEDGER_CLOSED:
		decide(incident, BW_INCIDENT_CLOSED, record->wall_us);
		break;
	case BW_LEDGER_REOPENED:
		incident->restored = (struct bw_ledger_restored){ 0 };
		if (incident->state == BW_INCIDENT_CLOSED)
			decide(incident, BW_INCIDENT_OPEN, 0);
		break;
	case BW_LEDGER_APPROVAL:
		take_approval(incident, record);
		break;
	case BW_LEDGER_ACTED:
		incident->undone += bw_acted_parse(record->body, &acted) == BW_OK && acted.what == BW_ACTED_FAILED;
		break;
	case BW_LEDGER_REPORTED:
		(void)snprintf(incident->manifest, sizeof(incident->manifest), "%.*s", BW_ARG(record->body));
		incident->reported_us = record->wall_us;
		break;
	case BW_LEDGER_SHARED:
		incident->shared_us = record->wall_us;
		break;
	case BW_LEDGER_RELEASED:
		incident->released_us = record->wall_us;
		break;
	case BW_LEDGER_ALLOWED:
		incident->allowed_us = record->wall_us;
		break;
	case BW_LEDGER_SENT:
		incident->sent_us = record->wall_us;
		break;
	case BW_LEDGER_HELPED:
		incident->helped_us = incident->helped_us != 0 ? incident->helped_us : record->wall_us;
		incident->helped++;
		break;
	case BW_LEDGER_TOLD:
		incident->duties++;
		break;
	case BW_LEDGER_DRILL:
		incident->is_drill = true;
		break;
	default:
		break;
	}
	return BW_OK;
}

enum bw_err bw_incidents_named(const struct bw_incidents *incidents, const char *name, const struct bw_incident **out)
{
	const struct bw_incident *found = NULL;
	uint64_t id;

	if (strcmp(name, "last") == 0) {
		for (size_t i = 0; i < incidents->count; i++) {
			const struct bw_incident *one = &incidents->list[i];

			if (found == NULL || one->state == BW_INCIDENT_OPEN || found->state != BW_INCIDENT_OPEN)
				found = one;
		}
	} else {
		BW_NEED(bw_parse_u64(bw_slice_text(name), &id) == BW_OK, SYNTAX);
		found = bw_incidents_find(incidents, id);
	}
	BW_NEED(found != NULL, NOT_FOUND);
	*out = found;
	return BW_OK;
}

static enum bw_err feed(void *context, const struct bw_ledger_record *record)
{
	return bw_incidents_feed(context, record);
}

enum bw_err bw_incidents_load(const char *data, struct bw_incidents *out, struct bw_why *why)
{
	struct bw_incidents incidents = { 0 };
	struct bw_ledger_seen seen;
	enum bw_err err = bw_ledger_read(data, feed, &incidents, &seen, why);

	if (err != BW_OK && err != BW_ERR_NOT_FOUND) {
		bw_incidents_release(&incidents);
		return err;
	}
	*out = incidents;
	return BW_OK;
}
