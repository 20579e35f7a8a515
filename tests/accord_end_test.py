"""What an accord says of its end is carried out: what was received is gone, on both sides, and every proof still verifies."""

import datetime
import subprocess
import sys
from pathlib import Path

from accord_rig import agree, green, hand_over, patience, until, without_trouble
from accord_rig import partners  # noqa: F401

VERIFIER = Path(__file__).with_name("tlog_verify.py")


def exchange_one_each(uk, us):
    told, answer = green(1), green(4)
    uk.add("ransomware", told)
    us.add("seen", answer)
    until(lambda: us.has(told) and uk.has(answer), "nothing came", uk, us)
    return told, answer


def test_at_the_end_what_was_received_is_destroyed_also_by_who_was_away(partners, tmp_path):
    uk, us = partners
    agree(uk, us, "--witness", "ally", "--destroy-at-end")
    assert "At the end, what was received is destroyed." in us.accord("show", "uk-us")
    uk.start()
    us.start()
    told, answer = exchange_one_each(uk, us)
    files = [Path(line) for line in uk.accord("prove", "--to", tmp_path, "uk-us", told["id"]).splitlines()]
    entry, proof, policy = (next(path for path in files if path.name.endswith(end)) for end in (".entry", ".tlog-proof", ".policy"))
    assert "end it first" in uk.run("peer", "remove", "us", "--data", uk.data, status=3)
    us.accords.kill()  # away when it ends
    uk.signs("end", "uk-us", "--reason", "A change of law.")
    until(lambda: not uk.has(answer), "what was received is still there", uk)
    until(lambda: "accord-over" in uk.audit() and "accord-erase" in uk.audit(), "not in the audit log", uk)
    assert uk.has(told)  # its own
    # the contents are gone from the log, and it verifies
    assert "1 of them erased" in uk.accord("verify", "uk-us")
    subprocess.run([sys.executable, VERIFIER, "proof", proof, policy, entry], check=True, timeout=60 * patience())
    assert "its content is erased here" in uk.accord("prove", "--to", tmp_path, "uk-us", told["id"])
    us.serve.kill()  # and then without a server
    us.accords.start()
    until(lambda: us.list()["uk-us"]["state"] == "ended", "the end did not arrive by itself", uk, us)
    us.serve.start()
    until(lambda: not us.has(told), "what was received is still there", us)
    assert us.has(answer)
    us.accords.kill()
    opened = us.accords.said().count("store opened")
    us.accords.start()  # there is nothing left to do
    until(lambda: us.accords.said().count("store opened") > opened, "no store", us)
    assert us.audit().count("accord-over") == 1
    assert "no peer any more" in us.run("peer", "remove", "uk", "--data", us.data)
    without_trouble(uk)


def test_when_its_date_has_come_what_came_under_any_version_is_destroyed(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally")
    uk.start()
    us.start()
    told, answer = exchange_one_each(uk, us)
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=5 * patience())
    us.signs("propose", "uk-us", "--destroy-at-end", "--until", soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    hand_over(us, uk)
    uk.signs("sign", "uk-us")
    hand_over(uk, us)
    for partner, gone, kept in ((uk, answer, told), (us, told, answer)):
        until(lambda p=partner: p.list()["uk-us"]["state"] == "over", "it is not over", uk, us)
        until(lambda p=partner, thing=gone: not p.has(thing), "what was received is still there", uk, us)
        assert partner.has(kept)
