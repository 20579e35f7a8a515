"""More accords in force than one hand counts, each with processes of its own."""

import re
from concurrent.futures import ThreadPoolExecutor

from accord_rig import green, until, without_trouble
from accord_rig import partners  # noqa: F401

ACCORDS = 10


def agree_on(uk, us, name):
    """Nothing of it waits for anything of another."""
    uk.signs("propose", name, "--with", "us", "--name", "The United Kingdom", "--basis", "Charter of 2021", "--witness", "ally",
             "--we-tell", "indicators", "--we-tell-from", "ransomware", "--they-tell", "nothing", "--they-tell-from", "seen")
    paper = uk.file.with_suffix(f".{name}")
    paper.write_text(uk.accord("export", name))
    us.accord("receive", paper)
    us.signs("sign", name)
    paper.write_text(us.accord("export", name))
    uk.accord("receive", paper)


def test_ten_accords_are_in_force_at_once_and_something_crosses_under_each(partners):
    uk, us = partners
    names = [f"uk-us-{number}" for number in range(ACCORDS)]
    uk.serve.start()  # commands come to it then, several at a time
    us.serve.start()
    agree_on(uk, us, names[0])  # makes the keys of the logs
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda name: agree_on(uk, us, name), names[1:]))
    uk.accords.start()
    us.accords.start()
    assert f"accords={ACCORDS} flow={ACCORDS}" in uk.accords.said()
    assert len(uk.accords.worker("clerk")) == 2 * ACCORDS
    thing = green(1)
    uk.add("ransomware", thing)
    until(lambda: all(re.search(f'taken.*accord="{name}"', us.accords.said()) for name in names), "not under each", uk, us)
    assert us.has(thing)
    without_trouble(uk, us)
    assert uk.accords.stop() == 0 and us.accords.stop() == 0
