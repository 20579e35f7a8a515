#!/usr/bin/env python3
"""What people and their programs do all day, which no guard may hold: B01 to B36.

    benign.py list                              what can run here, what cannot, and why
    benign.py run FOLDER [--only B04,B11] [--rounds N] [--seed S]
    benign.py gather FOLDER --program BREAKWATER --data DIR --into FILE [--rounds N] [--hours H] [--label TYPE] [--bait]
    benign.py sums --into FILE         what a file of gathered runs comes to
    benign.py table --into FILE        how often each workload ran, on which file system, with which program

Every workload works in a folder of its own below FOLDER, on whatever file system that is, with the real
programs. One line of JSON each. Those marked soft look exactly like an attack (their owner destroys good
content): a guard may hold them softly and ask, and must never kill them.

`gather` plays them on a guarded tree, each in a session of its own, alone and three at a time, with settled copies before
each begins its work, until every one of them has run N times; it writes each run down with the incidents that came of
it, approves what was held, and goes on where the file ends, so that hours and file systems add up, several gatherers at a
time too. Each run is written down with the program that judged it (the beginning of its SHA-256). With --bait, bait is laid
among what each workload made, by another hand, before it begins its work; how many, where it made what people keep, is
written down too. The last line sums up the whole file.
"""
import argparse
import functools
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

WORDS = ("the of and to in school pupils class report week meeting lesson plan term staff reading results for with that "
         "are will have been their parents letter garden music history library summer window paper teacher holiday trip "
         "autumn science drawing kitchen money office sports lunch early answer question chapter picture").split()
WORKLOADS = {}
NEVER = {  # those that no script in a scratch folder can be: each with its reason
    "B20": "VeraCrypt and LUKS containers: need a device mapper",
    "B24": "a DICOM archive: no program of the distribution does it alone",
    "scans": "antivirus, indexers, OCR, deduplication, fstrim: read only, or need their own services",
    "servers": "PostgreSQL, Nextcloud, Syncthing, Dovecot: need accounts and services of their own",
    "B36": "rebuild of a software RAID: needs md devices",
}


class Place:
    """A scratch folder, a seed, and ways to run things in it."""

    def __init__(self, folder, seed):
        self.root = pathlib.Path(folder)
        self.dice = random.Random(seed)

    def settle(self):
        """What was made so far is known-good to the guard, before anything is done to it."""
        words = os.environ.get("BENIGN_STATUS")
        until = time.monotonic() + 60
        quiet = 0
        while words and quiet < 2 and time.monotonic() < until:
            said = subprocess.run(words.split("\x1f"), capture_output=True, text=True).stdout
            quiet = quiet + 1 if re.search(r'"queued": ?0[,}]', said) else 0
            time.sleep(0.1)
        self.wish_bait(until)

    def wish_bait(self, until):
        """Of whoever gathers: what we laid ourselves would be ours."""
        if "BENIGN_BAIT" not in os.environ:
            return
        wish = pathlib.Path(os.environ["BENIGN_BAIT"]) / f"{self.root.name}.wish"
        wish.with_suffix(".new").write_text(str(self.root))
        wish.with_suffix(".new").rename(wish)
        while wish.exists() and time.monotonic() < until:
            time.sleep(0.05)

    def run(self, *words, folder=None, text=None):
        subprocess.run([str(word) for word in words], cwd=folder or self.root, check=True, input=text,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={**os.environ, "HOME": str(self.root), "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
                            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b", "LC_ALL": "C"})

    def text(self, size):
        return (" ".join(self.dice.choice(WORDS) for _ in range(size // 6 + 1)) + "\n").encode()

    def files(self, name, count, ending=".txt", size=8000, content=None):
        folder = self.root / name
        for number in range(count):
            path = folder / f"d{number % 7}" / f"f{number}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(self) if content else self.text(self.dice.randrange(size // 4, size)))
        self.settle()
        return folder

    def real(self, name, count, endings):
        """Files of this machine as they are: nobody made them for a test."""
        folder = self.root / name
        folder.mkdir()
        for number, path in enumerate(self.dice.sample(real_files(endings), k=min(count, len(real_files(endings))))):
            shutil.copyfile(path, folder / f"{number}-{path.name}")
        self.settle()
        return folder

    def all(self, folder):
        return sorted(path for path in folder.rglob("*") if path.is_file())


@functools.cache
def real_files(endings):
    places = [os.environ.get("BENIGN_FILES", "/usr/share"), "/usr/share", "/usr/lib"]
    found = []
    for place in dict.fromkeys(places):
        for root, _, names in os.walk(place):
            found += [pathlib.Path(root) / name for name in names if name.endswith(endings)]
        if len(found) > 3000:
            break
    return sorted(path for path in found if path.is_file() and not path.is_symlink() and
                  0 < path.stat().st_size < 2 << 20)


def workload(code, words, *needs, soft=False, prepared=()):
    def keep(function):
        WORKLOADS[code] = {"words": words, "needs": needs, "soft": soft, "prepared": prepared, "run": function}
        return function
    return keep


def document(place, name="word/document.xml"):
    """A small document as office programs save them: a ZIP with paragraphs in XML."""
    open_document = name == "content.xml"
    space = "http" + "://schemas.openxmlformats.org/wordprocessingml/2006/main"
    parts = "".join(f"<w:p><w:r><w:t>{place.text(120).decode().strip()}.</w:t></w:r></w:p>" for _ in range(160))
    path = place.root / "document.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        if open_document:
            made.writestr("mimetype", "application/vnd.oasis.opendocument.text", zipfile.ZIP_STORED)
            parts = parts.replace("<w:p><w:r><w:t>", "<text:p>").replace("</w:t></w:r></w:p>", "</text:p>")
            made.writestr(name, f'<?xml version="1.0"?><office:document-content><office:body><office:text>{parts}'
                                "</office:text></office:body></office:document-content>")
        else:
            made.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types/>')
            made.writestr(name, f'<?xml version="1.0"?><w:document xmlns:w="{space}"><w:body>{parts}</w:body></w:document>')
    data = path.read_bytes()
    path.unlink()
    return data


def open_document(place):
    return document(place, "content.xml")


@workload("B01", "a build with make -j", "make", "cc")
def build(place):
    source = place.root / "source"
    source.mkdir()
    names = [f"part{n}" for n in range(40)]
    for name in names:
        (source / f"{name}.c").write_text(f"int {name}(int a) {{ return a * {place.dice.randrange(99)}; }}\n")
    (source / "main.c").write_text("int main(void) { return 0; }\n")
    objects = " ".join(f"{name}.o" for name in names)
    (source / "Makefile").write_text(f"prog: main.o {objects}\n\tcc -o $@ $^\nclean:\n\trm -f *.o prog\n")
    place.run("make", "-j4", folder=source)
    place.run("make", "clean", folder=source)
    place.run("make", "-j4", folder=source)


@workload("B02", "git: commit, checkout, rebase, gc, clone", "git")
def git(place):
    folder = place.files("work", 200)
    place.run("git", "init", "-q", "-b", "main", folder=folder)
    place.run("git", "add", ".", folder=folder)
    place.run("git", "commit", "-qm", "one", folder=folder)
    place.run("git", "checkout", "-qb", "side", folder=folder)
    for path in place.all(folder / "d1"):
        path.write_bytes(place.text(5000))
    place.run("git", "commit", "-qam", "two", folder=folder)
    place.run("git", "checkout", "-q", "main", folder=folder)
    for path in place.all(folder / "d2"):
        path.write_bytes(place.text(5000))
    place.run("git", "commit", "-qam", "three", folder=folder)
    place.run("git", "checkout", "-q", "side", folder=folder)
    place.run("git", "rebase", "-q", "main", folder=folder)
    place.run("git", "gc", "-q", "--prune=now", folder=folder)
    place.run("git", "clone", "-q", folder, place.root / "clone")


@workload("B04", "rsync: fresh, --inplace, --delete", "rsync")
def rsync(place):
    source = place.files("source", 200)
    target = place.root / "target"
    place.run("rsync", "-a", f"{source}/", f"{target}/")
    for path in place.all(source)[::3]:
        path.write_bytes(place.text(9000))
    place.run("rsync", "-a", "--inplace", f"{source}/", f"{target}/")
    for path in place.all(source)[::2]:
        path.unlink()
    place.run("rsync", "-a", "--delete", f"{source}/", f"{target}/")


@workload("B05", "tar and gzip, made and unpacked", "tar", "gzip")
def tar(place):
    source = place.files("source", 200)
    place.run("tar", "czf", "source.tgz", "source")
    shutil.rmtree(source)
    place.run("tar", "xzf", "source.tgz")


@workload("B06", "xz and zstd of every file, and back", "xz", "zstd")
def packers(place):
    for tool in ("xz", "zstd"):
        source = place.files(tool, 60)
        extra = ["--rm", "-q"] if tool == "zstd" else []
        place.run(tool, *extra, *place.all(source))
        place.run(tool, "-d", *extra, *place.all(source))


@workload("B07", "zip, made and unpacked", "zip", "unzip")
def zip_files(place):
    place.files("source", 200)
    place.run("zip", "-qr", "source.zip", "source")
    place.run("unzip", "-qo", "source.zip", "-d", "copy")


@workload("B08", "a finished project moved into an archive (zip -m)", "zip")
def zip_move(place):
    place.files("project", 100)
    place.run("zip", "-qrm", "project.zip", "project")


@workload("B09", "a finished project moved into an archive (7z -sdel)", "7z")
def seven_zip(place):
    place.files("project", 100)
    place.run("7z", "a", "-sdel", "project.7z", "project")


def gpg(place, delete):
    folder = place.files("letters", 25)
    for path in place.all(folder):
        place.run("gpg", "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "drill", "--s2k-count", "65536", "--homedir",
                  place.root, "-c", path)
        if delete:
            path.unlink()


@workload("B10", "a folder encrypted with gpg, originals kept", "gpg")
def gpg_keep(place):
    place.root.chmod(0o700)
    gpg(place, False)


@workload("B11", "a folder encrypted with gpg by its owner, originals deleted", "gpg", soft=True)
def gpg_delete(place):
    place.root.chmod(0o700)
    gpg(place, True)


@workload("B12", "thirty exams encrypted with openssl for the board, originals kept", "openssl")
def exam_upload(place):
    for path in place.all(place.files("exams", 30, ".zip", content=document)):
        place.run("openssl", "enc", "-aes-256-ctr", "-pbkdf2", "-pass", "pass:drill", "-in", path, "-out", f"{path}.enc")


@workload("B13", "borg: three backups and a prune", "borg")
def borg(place):
    source = place.files("source", 150)
    place.run("borg", "init", "-e", "none", "repo")
    for number in range(3):
        for path in place.all(source)[number::9]:
            path.write_bytes(place.text(9000))
        place.run("borg", "create", f"repo::{number}", source)
    place.run("borg", "prune", "--keep-last", "1", "repo")


@workload("B14", "restic: backups, forget and prune", "restic")
def restic(place):
    source = place.files("source", 150)
    secret = place.root / "secret"
    secret.write_text("drill")
    place.run("restic", "-r", "repo", "-p", secret, "init")
    for number in range(2):
        for path in place.all(source)[number::9]:
            path.write_bytes(place.text(9000))
        place.run("restic", "-r", "repo", "-p", secret, "backup", source)
    place.run("restic", "-r", "repo", "-p", secret, "forget", "--keep-last", "1", "--prune")


@workload("B15", "an office saves: temporary file, old one aside, rename, delete")
def office_save(place):
    for path in place.all(place.files("documents", 80, ".docx", content=document)):
        fresh = path.with_name(f"~WRD{place.dice.randrange(10000):04}.tmp")
        aside = path.with_name(f"~WRL{place.dice.randrange(10000):04}.tmp")
        fresh.write_bytes(document(place))
        path.rename(aside)
        fresh.rename(path)
        aside.unlink()


@workload("B16", "LibreOffice saves: rename over")
def libre_save(place):
    for path in place.all(place.files("documents", 80, ".odt", content=open_document)):
        lock = path.with_name(f".~lock.{path.name}#")
        lock.write_text("someone")
        fresh = path.with_name("lu12345.tmp")
        fresh.write_bytes(open_document(place))
        os.replace(fresh, path)
        lock.unlink()


@workload("B17", "a teacher saves three hundred documents again, in place")
def teacher(place):
    for path in place.all(place.files("documents", 300, ".docx", content=document)):
        path.write_bytes(document(place))


def photo(place):
    """A JPEG whose scan is noise; enough for a program that changes the head only."""
    body = place.dice.randbytes(place.dice.randrange(20000, 60000)).replace(b"\xff", b"\xfe")
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + body + b"\xff\xd9"


@workload("B18", "a note written into every photograph: new file, rename over")
def photo_notes(place):
    for path in place.all(place.files("photos", 200, ".jpg", content=photo)):
        data = path.read_bytes()
        note = place.text(200)
        fresh = path.with_suffix(".tmp")
        fresh.write_bytes(data[:20] + b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note + data[20:])
        os.replace(fresh, path)


@workload("B19", "mogrify: photographs made smaller in place", "mogrify")
def mogrify(place):
    folder = place.root / "photos"
    folder.mkdir()
    for number in range(40):
        place.run("convert", "-seed", number, "-size", "400x300", "plasma:fractal", folder / f"{number}.jpg")
    place.settle()
    place.run("mogrify", "-resize", "50%", *place.all(folder))


@workload("B21", "SQLite: inserts, deletes, VACUUM")
def sqlite(place):
    base = sqlite3.connect(place.root / "marks.db")
    base.execute("create table marks(pupil text, mark integer)")
    for number in range(20):
        with base:
            base.executemany("insert into marks values(?,?)",
                             [(place.text(80).decode(), place.dice.randrange(100)) for _ in range(200)])
            base.execute("delete from marks where mark = ?", (number,))
    base.execute("vacuum")
    base.close()


@workload("B22", "ffmpeg: a film made smaller", "ffmpeg")
def transcode(place):
    place.run("ffmpeg", "-f", "lavfi", "-i", "testsrc=duration=3", "film.mp4")
    place.run("ffmpeg", "-i", "film.mp4", "-s", "160x120", "small.mp4")


@workload("B23", "an image of a machine converted and compacted", "qemu-img")
def image(place):
    (place.root / "disk.raw").write_bytes(place.text(4 << 20))
    place.run("qemu-img", "convert", "-O", "qcow2", "disk.raw", "disk.qcow2")
    place.run("qemu-img", "convert", "-c", "-O", "qcow2", "disk.qcow2", "small.qcow2")


@workload("B25", "Maildir: delivered, read, moved, expunged; an mbox compacted")
def mail(place):
    box = place.root / "Maildir"
    for part in ("new", "cur", "tmp"):
        (box / part).mkdir(parents=True)
    for number in range(300):
        (box / "tmp" / str(number)).write_bytes(place.text(3000))
        (box / "tmp" / str(number)).rename(box / "new" / str(number))
        (box / "new" / str(number)).rename(box / "cur" / f"{number}:2,S")
    for path in place.all(box / "cur")[::3]:
        path.unlink()
    letters = [b"From a@b Mon Mar  3 09:00:00 2025\n\n" + place.text(2000) for _ in range(200)]
    (place.root / "mbox").write_bytes(b"".join(letters))
    (place.root / "mbox").write_bytes(b"".join(letters[::2]))


@workload("B26", "logs rotated, packed and unlinked", "gzip")
def logs(place):
    folder = place.files("log", 30, ".log")
    for path in place.all(folder):
        path.rename(f"{path}.1")
        path.write_bytes(b"")
        place.run("gzip", f"{path}.1")


@workload("B27", "owners, modes and access lists of a whole tree", "setfacl")
def modes(place):
    folder = place.files("tree", 300)
    place.run("chmod", "-R", "g+w", folder)
    place.run("chown", "-R", f"{os.getuid()}:{os.getgid()}", folder)
    place.run("setfacl", "-R", "-m", "u:nobody:r", folder)


@workload("B28", "three hundred files renamed, their contents kept")
def renames(place):
    for number, path in enumerate(place.all(place.files("photos", 300, ".jpg", content=photo))):
        path.rename(path.with_name(f"Trip to the sea {number:04}.jpg"))


@workload("B29", "the folders of those who left deleted at the end of term")
def term_end(place):
    shutil.rmtree(place.files("leavers", 500))


@workload("B30", "a roaming profile: a browser's cache comes and goes")
def profile(place):
    for _ in range(3):
        cache = place.files("cache", 150, ".bin", content=lambda at: at.dice.randbytes(6000))
        for path in place.all(cache)[::2]:
            path.unlink()


@workload("B31", "a copy brought back over what stands", "cp")
def restore(place):
    folder = place.files("work", 200)
    shutil.copytree(folder, place.root / "snapshot")
    for path in place.all(folder):
        path.write_bytes(place.text(7000))
    place.run("cp", "-a", f"{place.root}/snapshot/.", folder)


@workload("B32", "a folder shredded by order", "shred", soft=True)
def shred(place):
    place.run("shred", "-u", *place.all(place.files("dismissed", 40)))


@workload("B33", "dd: a large file written, and written over in place", "dd")
def dd(place):
    place.run("dd", "if=/dev/zero", "of=big", "bs=1M", "count=32")
    place.run("dd", "if=/dev/zero", "of=big", "bs=1M", "count=16", "conv=notrunc")


@workload("B34", "random writes inside one file, as fio does")
def random_writes(place):
    path = place.root / "load"
    path.write_bytes(bytes(8 << 20))
    with open(path, "r+b", buffering=0) as load:
        for _ in range(3000):
            load.seek(place.dice.randrange(2048) * 4096)
            load.write(place.dice.randbytes(4096))


@workload("B35", "a share mirrored to another, deletions too", "rsync")
def mirror(place):
    source = place.files("old", 400)
    place.run("rsync", "-a", f"{source}/", f"{place.root}/new/")
    for path in place.all(source)[::5]:
        path.unlink()
    place.run("rsync", "-a", "--delete-before", f"{source}/", f"{place.root}/new/")


@workload("B03", "a package unpacked over its older version, as upgrades do")
def upgrade(place):
    for version in range(2):
        source = place.files(f"package{version}", 150)
        with tarfile.open(place.root / f"{version}.tar", "w") as made:
            made.add(source, "package")
        with tarfile.open(place.root / f"{version}.tar") as made:
            for member in made.getmembers():
                made.extract(member, place.root / "installed")


@workload("R01", "real text of this machine, edited in place: words replaced, lines appended", "sed")
def real_edit(place):
    folder = place.real("texts", 60, (".txt", ".xml", ".json", ".csv", ".html", ".conf", ".py"))
    for path in place.all(folder):
        place.run("sed", "-i", "s/the/all/g", path)
        with open(path, "ab") as more:
            more.write(place.text(300))


@workload("R02", "real packed files unpacked and packed again", "gunzip", "gzip")
def real_repack(place):
    folder = place.real("packed", 60, (".gz",))
    for path in place.all(folder):
        place.run("gunzip", path)
        place.run("gzip", "-9", path.with_suffix(""))


@workload("R03", "real pictures given other real pictures' content, as a synchronised folder does")
def real_swap(place):
    folder = place.real("pictures", 80, (".png", ".jpg", ".svg", ".gif", ".ico"))
    paths = place.all(folder)
    contents = [path.read_bytes() for path in paths]
    place.dice.shuffle(contents)
    for path, content in zip(paths, contents):
        path.write_bytes(content)


@workload("R04", "real programs and libraries stripped and replaced, as packages do", "strip")
def real_programs(place):
    folder = place.real("programs", 25, (".so", ".o", ".a"))
    for path in place.all(folder):
        shutil.copyfile(path, f"{path}.new")
        subprocess.run(["strip", f"{path}.new"], capture_output=True)
        os.replace(f"{path}.new", path)


@workload("R05", "real files of all kinds packed together, deleted, and unpacked again", "zip", "unzip")
def real_archive(place):
    folder = place.real("mixed", 80, (".txt", ".png", ".gz", ".py", ".xml", ".json", ".so", ".svg"))
    place.run("zip", "-qr", "mixed.zip", "mixed")
    shutil.rmtree(folder)
    place.run("unzip", "-qo", "mixed.zip")


@workload("R06", "a real database of this machine's size: rows changed, vacuumed, backed up over itself", "sqlite3")
def real_database(place):
    for number in range(4):
        base = sqlite3.connect(place.root / f"{number}.db")
        base.execute("create table t(a text, b blob)")
        with base:
            base.executemany("insert into t values(?,?)", [(place.text(90).decode(), place.dice.randbytes(300)) for _ in range(900)])
        base.close()
    place.settle()
    for number in range(4):
        base = sqlite3.connect(place.root / f"{number}.db")
        with base:
            base.execute("update t set b = ? where rowid % 2 = 0", (place.dice.randbytes(300),))
        base.execute("vacuum")
        base.close()


MIXED = (".txt", ".png", ".gz", ".py", ".xml", ".json", ".so", ".svg", ".gif", ".pdf", ".jpg")


def shelves(place, name):
    """Folders within folders, with real files of many kinds in each; `gather` made them before, as another's."""
    folder = place.root / name
    if not folder.exists():
        files = real_files(MIXED)
        for at, path in enumerate(place.dice.sample(files, k=min(150, len(files)))):
            to = folder / f"s{at % 5}" / ("below/" * (at % 3)) / f"{at}-{path.name}"
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
    place.settle()
    return folder


@workload("R07", "trees of real files of all kinds deleted: rm -r, from within, by find", "rm", "find", prepared=("one", "two", "three"))
def real_delete(place):
    place.run("rm", "-r", shelves(place, "one"))
    shutil.rmtree(shelves(place, "two"))
    place.run("find", shelves(place, "three"), "-delete")


@workload("R08", "a tree of real files of all kinds moved into an archive", "zip", prepared=("project",))
def real_archive_move(place):
    shelves(place, "project")
    place.run("zip", "-qrm", "project.zip", "project")


@workload("R09", "a mirror of real files of all kinds brought up to date: half of them gone, and one folder wholly",
          prepared=("source", "mirror"))
def real_mirror(place):
    source = shelves(place, "source")
    mirror = shelves(place, "mirror")
    shutil.rmtree(source / "s1")
    for path in place.all(source)[::2]:
        path.unlink()
    place.settle()
    for folder, folders, names in os.walk(mirror):
        here = source / pathlib.Path(folder).relative_to(mirror)
        for name in names:
            if not (here / name).exists():
                os.unlink(os.path.join(folder, name))
        for name in [name for name in folders if not (here / name).exists()]:
            shutil.rmtree(os.path.join(folder, name))
            folders.remove(name)


@workload("R10", "real files of all kinds moved elsewhere by copying, their folders left", "cp", "find", prepared=("from",))
def real_move(place):
    source = shelves(place, "from")
    place.run("cp", "-r", source, place.root / "to")
    place.run("find", source, "-type", "f", "-delete")


def missing(row):
    return [need for need in row["needs"] if shutil.which(need) is None]


def play(code, folder, seed, leave=False):
    row = WORKLOADS[code]
    scratch = pathlib.Path(folder) / f"{code}-{seed}"
    scratch.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    error = None
    try:
        row["run"](Place(scratch, seed))
    except (OSError, subprocess.CalledProcessError, sqlite3.Error, tarfile.TarError) as broken:
        error = str(broken)  # a program that was held or killed ends here: the bench counts it
    seconds = time.monotonic() - began
    if not leave:  # whoever gathers tidies up: encrypting and clearing away by one hand is another workload
        shutil.rmtree(scratch, ignore_errors=True)
    return {"workload": code, "words": row["words"], "soft": row["soft"], "seed": seed, "seconds": round(seconds, 3),
            "error": error}


# ---- gathering -------------------------------------------------------------------------------------


def incidents(asked):
    said = subprocess.run([asked.program, "guard", "incidents", "--data", asked.data, "--format", "json"],
                          capture_output=True, text=True).stdout
    try:
        return {row["incident"]: row for row in json.loads(said)}
    except json.JSONDecodeError:
        return {}


def approve(asked, number):
    """Lets it go on without an approval, which would let the same program pass for hours, unseen and uncounted."""
    subprocess.run([asked.program, "guard", "approve", str(number), "--release", "--data", asked.data], capture_output=True)


def is_guarded(asked):
    """Nobody is held where nobody looks: a guard that has ended would have the best figures."""
    said = subprocess.run([asked.program, "guard", "status", "--data", asked.data, "--once", "--format", "json"],
                          capture_output=True, text=True).stdout
    return re.search(r'"running": ?true', said) is not None


def explained(asked, number):
    return subprocess.run([asked.program, "guard", "explain", str(number), "--data", asked.data],
                          capture_output=True, text=True).stdout[:3000]


def be_cron():
    """Jobs of cron and logins have an actor each; the children of one program have one. So we are what starts jobs."""
    if pathlib.Path("/proc/self/comm").read_text().strip() == "cron":
        return
    folder = tempfile.mkdtemp(prefix="benign-")
    os.symlink(os.path.realpath(sys.executable), f"{folder}/cron")
    os.execv(f"{folder}/cron", [f"{folder}/cron", os.path.realpath(__file__), *sys.argv[1:]])


def lay_bait(asked, wishes):
    """Where a workload has settled. How many files were laid, by the folder's name."""
    laid = {}
    for wish in sorted(pathlib.Path(wishes).glob("*.wish")):
        words = [asked.program, "guard", "bait", "lay", wish.read_text(), "--data", asked.data]
        said = subprocess.run(words, capture_output=True, text=True)
        if said.returncode != 0:
            sys.exit(f"bait cannot be laid: {said.stdout}{said.stderr}")
        found = re.search(r"(\d+) bait files? laid", said.stdout)
        laid[wish.stem] = int(found[1]) if found else 0
        wish.unlink()
    return laid


def start_player(asked, code, seed, env):
    words = [os.path.realpath(sys.executable), os.path.realpath(__file__), "run", asked.folder, "--only", code,
             "--seed", str(seed), "--leave"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, start_new_session=True)


def gather_one(asked, codes, seed, before):
    """Plays these together, each in a session of its own. What became of each, the incidents that came of it, the bait."""
    env = {**os.environ, "BENIGN_STATUS": "\x1f".join([asked.program, "guard", "status", "--data", asked.data, "--once",
                                                       "--format", "json"])}
    wishes = tempfile.TemporaryDirectory(prefix="benign-bait-")
    if asked.bait:
        env["BENIGN_BAIT"] = wishes.name
    for code in codes:
        for name in WORKLOADS[code]["prepared"]:
            scratch = pathlib.Path(asked.folder) / f"{code}-{seed}"
            scratch.mkdir(exist_ok=True)
            shelves(Place(scratch, seed), name)
    players = {code: start_player(asked, code, seed, env) for code in codes}
    found = {}
    bait = dict.fromkeys(codes, 0)
    until = time.monotonic() + 300
    while any(player.poll() is None for player in players.values()) and time.monotonic() < until:
        for name, count in lay_bait(asked, wishes.name).items():
            bait[name.split("-")[0]] += count
        time.sleep(0.2 if asked.bait else 0.5)
        for number in incidents(asked).keys() - before - found.keys():
            found[number] = explained(asked, number)
            approve(asked, number)  # what was held goes on
    time.sleep(0.3)
    for number in incidents(asked).keys() - before - found.keys():
        found[number] = explained(asked, number)
        approve(asked, number)
    for player in players.values():
        if player.poll() is None:
            os.killpg(player.pid, signal.SIGKILL)
            player.wait()
    for path in pathlib.Path(asked.folder).glob("*-*"):
        shutil.rmtree(path, ignore_errors=True)  # of those that were ended
    wishes.cleanup()
    return players, found, bait


def is_soft(codes):
    return any(WORKLOADS[code]["soft"] for code in codes)


@functools.cache
def program_name(program):
    with open(program, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def write_down(asked, codes, seed, players, found, bait):
    killed = any("ended" in text for text in found.values())
    into = os.open(asked.into, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for code, player in players.items():
        row = {"workload": code, "beside": [one for one in codes if one != code], "soft": is_soft(codes), "seed": seed,
               "label": asked.label, "program": program_name(asked.program), "when": time.strftime("%FT%TZ", time.gmtime()),
               "exit": player.returncode, "held": bool(found), "killed": killed, "bait": bait[code],
               "incidents": list(found.values()) if code == codes[0] else []}
        os.write(into, (json.dumps(row) + "\n").encode())  # one write: other gatherers add to the same file
        print(json.dumps({key: row[key] for key in ("workload", "beside", "held", "killed", "exit")}), flush=True)
    os.close(into)


def gathered(path):
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def table(path):
    """A row a workload, a column a file system; the programs that judged them."""
    rows = gathered(path)
    labels = sorted({row["label"] for row in rows})
    print(f"| workload | {' | '.join(labels)} | in all | with bait | held |\n|{'---|' * (len(labels) + 4)}")
    for code in sorted({row["workload"] for row in rows}):
        mine = [row for row in rows if row["workload"] == code]
        counts = [sum(row["label"] == label for row in mine) for label in labels]
        print(f"| {code}, {WORKLOADS[code]['words']} | {' | '.join(map(str, counts))} | {len(mine)} | "
              f"{sum(row.get('bait', 0) > 0 for row in mine)} | {sum(row['held'] for row in mine)} |")
    for program in sorted({row.get("program", "not written down") for row in rows}):
        mine = [row for row in rows if row.get("program", "not written down") == program]
        print(f"program {program}: {len(mine)} runs, {sum(row['held'] for row in mine if not row['soft'])} held")


def sums(path):
    rows = gathered(path)
    hard = [row for row in rows if not row["soft"]]
    soft = [row for row in rows if row["soft"]]
    held = sum(row["held"] for row in hard)
    bound = (1 - 0.05 ** (1 / len(hard))) * 1000 if hard and held == 0 else 1000 * (held + 2 * (held + 1) ** 0.5) / max(1, len(hard))
    baited = [row for row in hard if row.get("bait", 0) > 0]
    return {"runs": len(hard), "held": held, "bait_runs": len(baited), "bait_held": sum(row["held"] for row in baited),
            "bait_files": sum(row["bait"] for row in baited), "killed": sum(row["killed"] for row in hard), "soft_runs": len(soft),
            "soft_held": sum(row["held"] for row in soft), "soft_killed": sum(row["killed"] for row in soft),
            "failed": sum(row["exit"] != 0 and not row["held"] for row in rows), "bound_per_1000": round(bound, 3)}


def gather(asked):
    pathlib.Path(asked.into).parent.mkdir(parents=True, exist_ok=True)
    codes = asked.only.split(",") if asked.only else sorted(code for code in WORKLOADS if not missing(WORKLOADS[code]))
    done = sum(1 for _ in open(asked.into)) if os.path.exists(asked.into) else 0
    dice = random.Random(done)
    ends = time.monotonic() + asked.hours * 3600 if asked.hours else None
    before = set(incidents(asked))
    for number in range(asked.rounds if not asked.hours else 1 << 30):
        turns = [[code] for code in dice.sample(codes, len(codes))]
        hard = [code for code in codes if not WORKLOADS[code]["soft"]]
        mixed = dice.sample(hard, len(hard))
        turns += [mixed[at:at + 3] for at in range(0, len(mixed), 3)]
        for turn in turns:
            if ends and time.monotonic() > ends:
                return
            seed = asked.seed + done + 1000 * number + len(turn)
            players, found, bait = gather_one(asked, turn, seed, before)
            if not is_guarded(asked):
                sys.exit("the guard does not run any more: what was played since is not counted")
            before |= found.keys()
            write_down(asked, turn, seed, players, found, bait)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["list", "run", "gather", "sums", "table"])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--only")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--leave", action="store_true")
    parser.add_argument("--program", default="breakwater")
    parser.add_argument("--data")
    parser.add_argument("--into", default="guard-benign.jsonl")
    parser.add_argument("--hours", type=float, default=0)
    parser.add_argument("--label", default="")
    parser.add_argument("--bait", action="store_true")
    asked = parser.parse_args()
    if asked.verb == "list":
        for code in sorted({**WORKLOADS, **NEVER}):
            why = NEVER.get(code) or (f"needs {', '.join(missing(WORKLOADS[code]))}" if missing(WORKLOADS[code]) else None)
            words = WORKLOADS[code]["words"] if code in WORKLOADS else ""
            print(json.dumps({"workload": code, "words": words, "runs": why is None, "why_not": why,
                              "soft": code in WORKLOADS and WORKLOADS[code]["soft"]}))
        return 0
    if asked.verb == "sums":
        print(json.dumps(sums(asked.into)))
        return 0
    if asked.verb == "table":
        table(asked.into)
        return 0
    if not asked.folder:
        parser.error("run and gather need a folder")
    if asked.verb == "gather":
        be_cron()
        gather(asked)
        if os.path.basename(sys.executable) == "cron":
            shutil.rmtree(os.path.dirname(sys.executable), ignore_errors=True)
        print(json.dumps(sums(asked.into)))
        return 0
    failed = 0
    for number in range(asked.rounds):
        for code in asked.only.split(",") if asked.only else sorted(WORKLOADS):
            if missing(WORKLOADS[code]):
                continue
            told = play(code, asked.folder, asked.seed + number, asked.leave)
            failed += told["error"] is not None
            print(json.dumps(told), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
