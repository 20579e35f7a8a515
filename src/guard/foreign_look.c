/*
 * What is everybody's. A hostile ally's best weapon is a name that all honest work has; so is a careless one's. The
 * lists are short on purpose: what this server's own files are called is known better here (guard/foreign_book.h).
 */
#include "base/text.h"
#include "guard/foreign.h"
#include "guard/harm.h"
#include "guard/stix_write.h"

enum { ENDING_LEAST = 3, NAME_LEAST = 5 };

static const char *const why_words[] = {
#define X(name, words) words,
	BW_FOREIGN_WHY_ROWS(X)
#undef X
};

const char *bw_foreign_why_words(enum bw_foreign_why why)
{
	return (size_t)why < BW_FOREIGN_WHY_COUNT ? why_words[why] : "";
}

/* Endings of documents, pictures, films, archives, mail, programs' own files, and of saving and copying. */
static const char common_endings[] = " doc docx docm dot dotx xls xlsx xlsm xlsb xlt xltx ppt pptx pptm pps ppsx pub "
				     "vsd vsdx one mpp mdb accdb rtf odt"
				     " ods odp odg odb pages numbers key tex bib epub mobi pdf xps txt text log csv "
				     "tsv json xml yaml yml toml ini cfg"
				     " conf config htm html css scss svg rss md rst jpg jpeg jpe png gif bmp tif tiff "
				     "webp heic heif raw cr2 nef arw dng psd"
				     " psb ai eps indd ico mp3 mp4 m4a m4v wav flac ogg oga ogv opus aac wma avi mov "
				     "mkv wmv mpg mpeg webm flv 3gp zip"
				     " zipx rar tar tgz tbz2 txz gzip bz2 lzma zst lz4 cab iso img dmg vhd vhdx vmdk "
				     "vdi ova ovf qcow2 dwg dxf dwf rvt"
				     " skp stl step stp iges igs 3ds obj fbx blend dcm dicom hl7 nii edf pst ost eml "
				     "msg mbox vcf ics sql sqlite sqlite3"
				     " db3 dbf mdf ldf ndf bak bkf bkp old orig backup tmp temp swp part crdownload "
				     "partial lock lck new copy sav save"
				     " exe dll sys msi msp msu bat cmd com ps1 psm1 vbs wsf jar war class java php asp "
				     "aspx jsp cpp hpp cxx cmake make"
				     " pem crt cer der p12 pfx csr gpg asc sig pgp age enc kdbx 7zip deb rpm apk ipa "
				     "whl dat bin data cache idx index map"
				     " lnk url webloc desktop ttf otf woff woff2 eot fon srt sub vtt torrent parquet "
				     "feather hdf5 mat rds rdata sav por"
				     " dta gdb shp shx prj kml kmz gpx geojson tfw las laz qgs qgz mxd aprx wpd wps "
				     "works numbers qbw qbb tax pdd lic ";

static const char common_names[] =
	" readme readme.txt readme.md readme.html license license.txt licence licence.txt copying changelog "
	"changelog.txt"
	" index.html index.htm index.php default.htm robots.txt sitemap.xml favicon.ico desktop.ini thumbs.db .ds_store"
	" autorun.inf makefile dockerfile package.json package-lock.json requirements.txt setup.exe install.exe "
	"setup.py"
	" install.txt notes.txt notes.docx todo.txt untitled document document.docx document1.docx book1.xlsx "
	"budget.xlsx"
	" presentation1.pptx minutes.docx agenda.docx report.docx report.pdf invoice.pdf letter.docx data.csv "
	"export.csv"
	" config.xml config.ini config.json settings.ini settings.json web.config app.config database.db error.log"
	" access.log output.txt test.txt temp.txt new_text_document.txt core dump.sql backup.zip archive.zip smbd "
	"smb.conf"
	" explorer.exe svchost.exe winword.exe excel.exe cmd.exe powershell.exe notepad.exe chrome.exe firefox.exe ";

/* A word between blanks; no value has a blank that a list could have. */
static bool is_listed(const char *list, struct bw_slice text)
{
	char word[32];

	if (text.len + 3 > sizeof(word))
		return false;
	word[0] = ' ';
	memcpy(word + 1, text.ptr, text.len);
	word[text.len + 1] = ' ';
	word[text.len + 2] = '\0';
	return strstr(list, word) != NULL;
}

static bool is_hash_of_nothing(struct bw_slice text)
{
	return bw_slice_is(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") ||
	       bw_slice_is(text, "da39a3ee5e6b4b0d3255bfef95601890afd80709") ||
	       bw_slice_is(text, "d41d8cd98f00b204e9800998ecf8427e");
}

static enum bw_foreign_why look_at_address(struct bw_slice text)
{
	char address[64];
	bool is_address;
	bool is_v6;

	if (text.len >= sizeof(address))
		return BW_FOREIGN_NO_ADDRESS;
	memcpy(address, text.ptr, text.len);
	address[text.len] = '\0';
	return bw_stix_address_is_public(address, &is_address, &is_v6) ? BW_FOREIGN_FINE : BW_FOREIGN_NO_ADDRESS;
}

/* The last part of "id-7.locked" is what a list would have. */
static enum bw_foreign_why look_at_ending(struct bw_slice text)
{
	size_t at = text.len;

	while (at > 0 && text.ptr[at - 1] != '.')
		at--;
	if (text.len - at < ENDING_LEAST)
		return BW_FOREIGN_SHORT;
	return is_listed(common_endings, bw_slice_from(text, at)) ? BW_FOREIGN_COMMON_ENDING : BW_FOREIGN_FINE;
}

static enum bw_foreign_why look_at_name(struct bw_slice text)
{
	if (text.len < NAME_LEAST)
		return BW_FOREIGN_SHORT;
	return is_listed(common_names, text) ? BW_FOREIGN_COMMON_NAME : BW_FOREIGN_FINE;
}

enum bw_foreign_why bw_foreign_look(const struct bw_trait_value *value)
{
	switch (value->trait) {
	case BW_TRAIT_ADDRESS:
		return look_at_address(value->text);
	case BW_TRAIT_ENDING:
		return look_at_ending(value->text);
	case BW_TRAIT_NAME:
		return look_at_name(value->text);
	case BW_TRAIT_SHA256:
	case BW_TRAIT_SHA1:
	case BW_TRAIT_MD5:
		return is_hash_of_nothing(value->text) ? BW_FOREIGN_EMPTY_FILE : BW_FOREIGN_FINE;
	case BW_TRAIT_HARM:
		return bw_harm_is_known(value->text) ? BW_FOREIGN_FINE : BW_FOREIGN_NO_HARM;
	default:
		return BW_FOREIGN_FINE;
	}
}
