"""Accounts: passwords, API keys and client certificates; what is revoked is felt at the next request."""

import base64
import json
import shutil
import subprocess
import time

import pytest
import stix
from exchange import PASSWORD, objects_of, wait_until
from wire import Gone, basic

WORDS_OF_A_SECOND_PASSWORD = "another horse, another battery"


@pytest.fixture
def someone(exchange, request):
    """An account of this story alone, with read access to a collection of its own: (name, collection)."""
    name = f"someone-{abs(hash(request.node.name)) % 10**9}"
    exchange.add_account(name)
    return name, exchange.add_collection(**{name: "read"})


# ---- passwords ------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD[:-1], PASSWORD.upper(), PASSWORD + "\x00"])
def test_another_password_is_answered_401(exchange, someone, password):
    assert exchange.stranger(someone[0], password).get("/taxii2/").status == 401


def test_an_unknown_account_is_answered_like_a_wrong_password(exchange, someone):
    wrong = exchange.stranger(someone[0], "wrong").get("/taxii2/")
    unknown = exchange.stranger("who-is-that", "wrong").get("/taxii2/")
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)


def test_a_password_may_hold_colons_and_letters_of_any_script(exchange, request):
    password = "pass:wörd:密码 🐟"
    exchange.add_account("colons", password)
    assert exchange.client("colons", password).get("/taxii2/").status == 200


def test_the_scheme_is_named_in_any_case(exchange, someone):
    auth = basic(someone[0], PASSWORD).replace("Basic", "bASIC")
    assert exchange.client(auth=auth).get("/taxii2/").status == 200


def test_a_password_that_was_right_is_no_key(exchange, someone):
    assert exchange.client(someone[0]).get("/taxii2/").status == 200
    whole = f"{someone[0]}:{PASSWORD}"
    for auth in (f"Bearer {whole}", f"Token {whole}", f"Bearer {PASSWORD}"):
        assert exchange.stranger(auth=auth).get("/taxii2/").status == 401


def test_no_password_stands_in_the_data_folder(exchange, someone):
    secret = PASSWORD.encode()
    for path in exchange.folder.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
    assert PASSWORD not in exchange.words()


def failures(client, count=12):
    """The Retry-After of `count` wrong attempts; 0 where there is none."""
    waits = []
    for _ in range(count):
        answer = client.get("/taxii2/")
        assert answer.status == 401
        waits.append(int(answer.one("Retry-After")) if answer.has("Retry-After") else 0)
    return waits


def test_after_failures_the_next_attempt_has_to_wait_even_with_the_right_password(exchange, someone):
    guesser = exchange.stranger(someone[0], "wrong")
    waits = failures(guesser)
    assert max(waits) >= 1, "twelve failures in a row and nobody was slowed down"
    guesser.auth = basic(someone[0], PASSWORD)
    assert guesser.get("/taxii2/").status == 401
    time.sleep(max(waits) + 1)
    assert guesser.get("/taxii2/").status == 200


def test_whoever_guesses_at_many_accounts_slows_down_at_every_account(exchange, someone):
    guesser = exchange.stranger()
    for number in range(14):
        guesser.auth = basic(f"nobody-{number}", "wrong")
        assert guesser.get("/taxii2/").status == 401
    guesser.auth = basic(someone[0], PASSWORD)
    refused = guesser.get("/taxii2/")
    assert refused.status == 401 and int(refused.one("Retry-After")) >= 1


def test_guessing_from_elsewhere_does_not_lock_the_owner_out(exchange, someone):
    owner = exchange.stranger(someone[0])
    failures(exchange.stranger(someone[0], "wrong"))
    wait_until(lambda: owner.get("/taxii2/").status == 200, "the owner is locked out", seconds=10)


# ---- what is taken away is felt at once ---------------------------------------------------


def test_a_revoked_account_is_out_at_the_next_request_on_the_same_connection(exchange, someone):
    client = exchange.stranger(someone[0])
    assert client.get(objects_of(someone[1])).status == 200
    assert client.get(objects_of(someone[1])).status == 200  # by now from the cache
    exchange.command("account", "revoke", someone[0])
    assert client.get(objects_of(someone[1])).status == 401


def test_a_removed_account_is_out_at_the_next_request(exchange, someone):
    client = exchange.stranger(someone[0])
    assert client.get(objects_of(someone[1])).status == 200
    exchange.command("account", "remove", someone[0])
    assert client.get(objects_of(someone[1])).status == 401


def test_access_that_is_taken_away_is_gone_at_the_next_request(exchange, someone):
    name, collection = someone
    client = exchange.client(name)
    for access, status in (("read", 200), ("none", 404), ("both", 200), ("write", 403), ("read", 200)):
        exchange.grant(name, collection, access)
        assert client.get(objects_of(collection)).status == status
        assert client.get(objects_of(collection)).status == status


def test_access_that_is_given_works_at_the_next_request(exchange, someone):
    name, collection = someone
    client = exchange.client(name)
    assert client.post(objects_of(collection), stix.envelope(stix.indicator())).status == 403
    exchange.grant(name, collection, "both")
    assert client.post(objects_of(collection), stix.envelope(stix.indicator())).status == 202


def test_a_removed_collection_is_gone_at_the_next_request(exchange, someone):
    name, collection = someone
    client = exchange.client(name)
    assert client.get(objects_of(collection)).status == 200
    exchange.command("collection", "remove", "--yes", collection)
    assert client.get(objects_of(collection)).status == 404
    assert client.get(f"/api/collections/{collection}/").status == 404


def test_an_account_outlives_a_restart(own_exchange):
    exchange = own_exchange().start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    assert exchange.stop() == 0
    exchange.start()
    assert exchange.client("both").get(objects_of(collection)).status == 200
    exchange.kill()
    exchange.start()
    assert exchange.client("both").get(objects_of(collection)).status == 200


def test_accounts_may_be_made_while_no_server_runs(own_exchange):
    exchange = own_exchange()
    exchange.add_account("early")
    collection = exchange.add_collection(early="both")
    exchange.start()
    assert exchange.client("early").get(objects_of(collection)).status == 200


# ---- API keys -----------------------------------------------------------------------------------


@pytest.fixture
def key(exchange, someone):
    return exchange.make_key(someone[0])


def test_an_api_key_opens_what_its_account_may_open(exchange, someone, key):
    bare = base64.b64encode(f"{someone[0]}:{key}".encode()).decode()
    for auth in (f"Bearer {key}", f"bearer {key}", f"Token {key}", f"Basic {bare}"):
        assert exchange.client(auth=auth).get(objects_of(someone[1])).status == 200


def test_an_api_key_is_shown_once_and_stored_as_a_hash(exchange, key):
    secret = key.encode()
    for path in exchange.folder.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
    assert key not in exchange.words()
    assert key not in exchange.command("account", "list").stdout


def test_the_list_of_accounts_names_keys_and_certificates_and_never_a_key(exchange, someone, key, certificates):
    pair = certificates("listed")
    exchange.use_certificate(someone[0], pair[0])
    rows = [json.loads(line) for line in exchange.command("account", "list", "--format", "json").stdout.splitlines()]
    row = next(row for row in rows if row["account"] == someone[0])
    assert [found["label"][:5] for found in row["keys"]] == ["made "]
    openssl = subprocess.run(
        ["openssl", "x509", "-in", pair[0], "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True, text=True
    )
    assert [found["sha256"] for found in row["certificates"]] == [
        openssl.stdout.strip().split("=")[1].replace(":", "").lower()
    ]
    text = exchange.command("account", "list").stdout
    assert row["certificates"][0]["sha256"] in text and "API key, made " in text
    assert key not in text and key not in json.dumps(rows)
    exchange.command("account", "revoke", someone[0])
    rows = [json.loads(line) for line in exchange.command("account", "list", "--format", "json").stdout.splitlines()]
    row = next(row for row in rows if row["account"] == someone[0])
    assert row["keys"] == [] and row["certificates"] == []


@pytest.mark.parametrize(
    "change", [lambda key: key[:-1], lambda key: key + "0", lambda key: key.swapcase(), lambda key: key[4:]]
)
def test_another_key_is_answered_401(exchange, key, change):
    assert exchange.stranger(auth=f"Bearer {change(key)}").get("/taxii2/").status == 401


def test_the_key_of_a_revoked_account_is_worth_nothing_at_the_next_request(exchange, someone, key):
    client = exchange.stranger(auth=f"Bearer {key}")
    assert client.get(objects_of(someone[1])).status == 200
    exchange.command("account", "revoke", someone[0])
    assert client.get(objects_of(someone[1])).status == 401


def test_the_key_that_init_made_opens_everything_an_administrator_needs(own_exchange):
    exchange = own_exchange()
    exchange.start()
    collection = exchange.add_collection()
    client = exchange.client(auth=f"Bearer {exchange.admin_key}")
    assert client.get("/api/collections/").status == 200
    assert client.post(objects_of(collection), stix.envelope(stix.indicator())).status == 202
    assert client.raw("GET", "/metrics", accept=None).status == 200


# ---- client certificates ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Self-signed client certificates: (certificate, key) by name."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl program to make client certificates with")
    folder = tmp_path_factory.mktemp("certificates")

    def make(name):
        crt, key = folder / f"{name}.crt", folder / f"{name}.key"
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            + ["-subj", f"/CN={name}", "-addext", "extendedKeyUsage=clientAuth", "-keyout", key, "-out", crt],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return crt, key

    return make


def test_a_client_certificate_opens_what_its_account_may_open(exchange, someone, certificates):
    pair = certificates("known")
    exchange.use_certificate(someone[0], pair[0])
    client = exchange.stranger(certificate=pair)
    assert client.get(objects_of(someone[1])).status == 200
    exchange.command("account", "revoke", someone[0])
    assert client.get(objects_of(someone[1])).status == 401


def test_an_unknown_client_certificate_opens_nothing(exchange, someone, certificates):
    client = exchange.stranger(certificate=certificates("unknown"))
    try:
        assert client.get("/taxii2/").status == 401
    except (Gone, OSError):
        pass  # refused in the handshake: as good


def test_the_fingerprint_of_a_certificate_is_no_password(exchange, someone, certificates):
    """What anybody can see of a certificate must not stand in for holding its key."""
    for attempt in range(200):
        pair = certificates(f"seen{attempt}")
        der = subprocess.run(
            ["openssl", "x509", "-in", pair[0], "-outform", "DER"], check=True, capture_output=True
        ).stdout
        digest = subprocess.run(
            ["openssl", "dgst", "-sha256", "-binary"], input=der, check=True, capture_output=True
        ).stdout
        if b":" in digest:
            break
    exchange.use_certificate(someone[0], pair[0])
    assert exchange.client(certificate=pair).get("/taxii2/").status == 200
    forged = "Basic " + base64.b64encode(digest).decode()
    assert exchange.stranger(auth=forged).get("/taxii2/").status == 401


# ---- who did what ------------------------------------------------------------------------------------


def test_every_access_stands_in_the_audit_log_and_the_log_verifies(own_exchange):
    exchange = own_exchange().start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    assert client.post(objects_of(collection), stix.envelope(stix.indicator())).status == 202
    assert client.get(objects_of(collection)).status == 200
    assert exchange.stranger("both", "wrong").get("/taxii2/").status == 401

    def noted():
        text = exchange.command("audit", "show").stdout
        return "POST" in text and "GET" in text and collection in text and "both" in text

    wait_until(noted, "the accesses do not appear in the audit log", seconds=10)
    assert exchange.command("audit", "verify").returncode == 0
    assert exchange.stop() == 0
    assert exchange.command("audit", "verify").returncode == 0
