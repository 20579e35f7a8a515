/* RIFF, MP4, Matroska, MP3, Ogg, FLAC. */
#include "guard/content_look.h"

/* ---- RIFF: its own size, and names of chunks -------------------------------------------------- */

static bool is_name(struct bw_slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if ((name.ptr[i] < 0x20 || name.ptr[i] > 0x7e) && name.ptr[i] != 0xa9)
			return false;
	}
	return true;
}

void bw_look_riff(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t size;
	uint64_t at = 12;
	struct bw_slice name;

	if (!bw_look_le(look, 4, 4, &size) || !bw_sample_at(look->sample, 8, 4, &name))
		return;
	bw_part(opinion, is_name(name));
	while (opinion->wrong == 0 && bw_sample_at(look->sample, at, 4, &name)) {
		uint64_t len;

		if (!bw_look_le(look, at + 4, 4, &len))
			break;
		bw_part(opinion, is_name(name) && (at + 8 + len <= look->size + 1 || size + 8 > look->size));
		at += 8 + len + (len & 1);
	}
	if (opinion->wrong == 0 && size + 8 > look->size + 1)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, opinion->right >= 2 && size + 8 <= look->size + 1, false);
}

/* ---- ISO base media: ISO/IEC 14496-12 4.2 -------------------------------------------------------- */

void bw_look_mp4(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t at = 0;
	uint64_t len;
	struct bw_slice name;

	while (opinion->wrong == 0 && at < look->size && bw_look_be(look, at, 4, &len) &&
	       bw_sample_at(look->sample, at + 4, 4, &name)) {
		uint64_t header = 8;

		if (len == 1) {
			header = 16;
			if (!bw_look_be(look, at + 8, 8, &len))
				break;
		} else if (len == 0) {
			len = look->size - at;
		}
		bw_part(opinion, is_name(name) && len >= header && len <= INT64_MAX);
		if (opinion->wrong == 0)
			at += len;
	}
	if (opinion->wrong == 0 && at > look->size)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, opinion->right >= 2, false);
}

void bw_look_ebml(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t version;

	/* EBMLVersion, EBMLReadVersion or DocType is the first element of the header (RFC 8794 11.2) */
	if (bw_look_be(look, 4, 8, &version))
		bw_part(opinion, (version & 0xffff0000000000) == 0x42860000000000 || (version & 0xffff) == 0x4286 ||
					 BW_LOOK_IS(look, 5, "\x42\x86") || BW_LOOK_IS(look, 12, "\x42\x86") ||
					 BW_LOOK_IS(look, 5, "\x42\x82"));
	bw_settle(opinion, false, false);
}

/* ---- MPEG audio: ISO/IEC 11172-3 2.4.2.3 ------------------------------------------------------------- */

/* Bytes of the frame whose header is there; 0 for a header that cannot be. */
static uint64_t frame_bytes(uint64_t header)
{
	static const uint16_t rates1[16] = { 0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0 };
	static const uint16_t rates2[16] = { 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0 };
	static const uint32_t samples[4] = { 44100, 48000, 32000, 0 };
	const unsigned version = header >> 19 & 3; /* 3: MPEG-1, 2: MPEG-2, 0: 2.5 */
	const unsigned layer = header >> 17 & 3;   /* 1: layer III */
	const uint64_t rate = (version == 3 ? rates1 : rates2)[header >> 12 & 15] * 1000u;
	uint64_t sample = samples[header >> 10 & 3];

	if (header >> 21 != 0x7ff || version == 1 || layer != 1 || rate == 0 || sample == 0)
		return 0;
	sample >>= version == 3 ? 0 : version == 2 ? 1 : 2;
	return (version == 3 ? 144 : 72) * rate / sample + (header >> 9 & 1);
}

static void walk_frames(const struct bw_look *look, uint64_t at, struct bw_opinion *opinion)
{
	uint64_t header;

	for (unsigned n = 0; n < 64 && bw_look_be(look, at, 4, &header); n++) {
		const uint64_t len = frame_bytes(header);

		if (len == 0 && look->size - at <= 4096) /* tags at the end */
			break;
		bw_part(opinion, len != 0);
		if (len == 0)
			return;
		at += len;
	}
}

void bw_look_mp3(const struct bw_look *look, struct bw_opinion *opinion)
{
	walk_frames(look, 0, opinion);
	if (opinion->right < 3) {
		opinion->format = BW_FORMAT_UNKNOWN; /* eleven bits are too few to believe in */
		return;
	}
	bw_settle(opinion, true, false);
}

void bw_look_id3(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t len;

	if (!bw_look_be(look, 6, 4, &len))
		return;
	bw_part(opinion, (len & 0x80808080) == 0);
	len = (len & 0x7f) | (len >> 1 & 0x3f80) | (len >> 2 & 0x1fc000) | (len >> 3 & 0xfe00000);
	if (opinion->wrong == 0) {
		const uint32_t right = opinion->right;

		walk_frames(look, 10 + len, opinion);
		if (opinion->right == right) /* padding before the first frame is allowed */
			opinion->wrong = 0;
	}
	bw_settle(opinion, opinion->right >= 3, false);
}

/* ---- Ogg: RFC 3533 6; FLAC: RFC 9639 8 ------------------------------------------------------------------ */

void bw_look_ogg(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t at = 0;
	uint64_t segments;

	while (opinion->wrong == 0 && bw_look_le(look, at + 26, 1, &segments)) {
		struct bw_slice table;

		bw_part(opinion, BW_LOOK_IS(look, at, "OggS\0"));
		if (!bw_sample_at(look->sample, at + 27, (size_t)segments, &table))
			break;
		at += 27 + segments;
		for (size_t i = 0; i < table.len; i++)
			at += table.ptr[i];
	}
	if (opinion->wrong == 0 && at > look->size)
		opinion->state = BW_STATE_SHORT;
	bw_settle(opinion, opinion->right >= 2, false);
}

void bw_look_flac(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t at = 4;
	uint64_t header;

	while (opinion->wrong == 0 && bw_look_be(look, at, 4, &header)) {
		bw_part(opinion, (header >> 24 & 0x7f) <= 6 && (at > 4 || header == 0x22 || header == 0x80000022));
		at += 4 + (header & 0xffffff);
		if (header >> 31 != 0)
			break;
	}
	if (opinion->wrong == 0 && bw_look_be(look, at, 2, &header))
		bw_part(opinion, header >> 1 == 0xfff8 >> 1);
	bw_settle(opinion, opinion->right >= 2, false);
}
