"""What the stories share: one exchange over TLS for the whole session, one without TLS, and four accounts."""

import itertools
import os
import signal

import pytest
from exchange import Exchange, binary, patience, shared

STORY_SECONDS = int((120 + 3 * int(os.environ.get("BW_KILL_ROUNDS", "14"))) * patience())
ACCOUNTS = {"nobody": "none", "reader": "read", "writer": "write", "both": "both"}


@pytest.fixture(autouse=True)
def no_story_hangs(request):
    """One story that waits for ever must not hold all the others."""

    def enough(*_):
        raise TimeoutError(f"{request.node.name} took more than {STORY_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, enough)
    signal.alarm(STORY_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pytest_collection_modifyitems(items):
    if binary() is None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="no breakwater is built; name one in $BREAKWATER"))


def open_exchange(folder, **more):
    exchange = Exchange(folder, **more).init()
    exchange.start()
    for name in ACCOUNTS:
        exchange.add_account(name)
    return exchange


@pytest.fixture(scope="session")
def exchange(tmp_path_factory):
    """The one most stories talk to, over TLS."""
    exchange = open_exchange(tmp_path_factory.mktemp("exchange") / "data")
    yield exchange
    assert exchange.stop() == 0, exchange.words()[-3000:]
    exchange.check_words(nobody_killed=True)


@pytest.fixture(scope="session")
def plain_exchange(tmp_path_factory):
    exchange = open_exchange(tmp_path_factory.mktemp("plain") / "data", plain=True)
    yield exchange
    assert exchange.stop() == 0, exchange.words()[-3000:]
    exchange.check_words(nobody_killed=True)


@pytest.fixture
def own_exchange(tmp_path):
    """Makes exchanges for one story alone: own_exchange(options=…) is initialised, not started."""
    made = []
    numbers = itertools.count()

    def make(**more):
        made.append(Exchange(tmp_path / f"data{next(numbers)}", **more).init())
        return made[-1]

    yield make
    for exchange in made:
        exchange.kill()
    for exchange in made:
        exchange.check_words()


@pytest.fixture(scope="session")
def clients(exchange):
    """One client an account, by the account's access: clients["read"] …; clients[None] has no credentials."""
    made = {access: exchange.client(name) for name, access in ACCOUNTS.items()}
    made[None] = exchange.client()
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def client(clients):
    return clients["both"]


@pytest.fixture
def collection(exchange):
    """A new collection to which each account has the access its name says; gives the id."""
    return exchange.add_collection("story", **ACCOUNTS)


@pytest.fixture(scope="session")
def untouched(exchange):
    """A collection in which nothing is ever stored: for requests that must be refused."""
    return exchange.add_collection("untouched", **ACCOUNTS)


@pytest.fixture
def new_collection(exchange):
    """Makes more such collections within one story."""
    return lambda title="another", **more: exchange.add_collection(title, **{**ACCOUNTS, **more})


@pytest.fixture(scope="session")
def attack_files():
    """MITRE ATT&CK bundles, where the shared data is at hand."""
    folder = shared()
    files = sorted((folder / "data" / "attack").glob("*.json.xz")) if folder else []
    if not files:
        pytest.skip("no ATT&CK data: ../shared/data/attack is not there; name its parent in $BW_SHARED")
    return {path.name.removesuffix(".json.xz"): path for path in files}
