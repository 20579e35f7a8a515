"""STIX objects for the stories: valid, small, and different from one another."""

import json
import uuid

SCO_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
START = "2024-05-01T00:00:00.000Z"


def new_id(kind):
    return f"{kind}--{uuid.uuid4()}"


def instant(number):
    """The number'th second of an invented day far in the past, so that order is plain."""
    return f"2024-05-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"


def indicator(number=0, object_id=None, modified=None, **more):
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": object_id or new_id("indicator"),
        "created": START,
        "modified": modified or START,
        "name": f"beacon {number}",
        "indicator_types": ["malicious-activity"],
        "pattern": f"[ipv4-addr:value = '198.51.100.{number % 256}']",
        "pattern_type": "stix",
        "valid_from": START,
        **more,
    }


def later(thing, number):
    """Version `number` of an object: the same object, modified that many seconds later."""
    return {**thing, "modified": instant(number), "name": f"{thing['name'].split(' v')[0]} v{number}"}


def malware(name="quiet loader", **more):
    return {
        "type": "malware",
        "spec_version": "2.1",
        "id": new_id("malware"),
        "created": START,
        "modified": START,
        "name": name,
        "is_family": False,
        "malware_types": ["downloader"],
        **more,
    }


def campaign(name="spring", **more):
    return {
        "type": "campaign",
        "spec_version": "2.1",
        "id": new_id("campaign"),
        "created": START,
        "modified": START,
        "name": name,
        **more,
    }


def ipv4(value="198.51.100.3"):
    contributing = json.dumps({"value": value}, separators=(",", ":"))
    return {
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "id": f"ipv4-addr--{uuid.uuid5(SCO_NAMESPACE, contributing)}",
        "value": value,
    }


def statement(text="for the exercise"):
    """A marking definition: it has `created` and no `modified`."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": new_id("marking-definition"),
        "created": "2024-05-01T00:00:07.250Z",
        "definition_type": "statement",
        "definition": {"statement": text},
    }


def old_indicator(number=0, object_id=None, modified=None):
    """STIX 2.0: no spec_version, labels instead of indicator_types."""
    return {
        "type": "indicator",
        "id": object_id or new_id("indicator"),
        "created": START,
        "modified": modified or START,
        "labels": ["malicious-activity"],
        "name": f"old beacon {number}",
        "pattern": f"[ipv4-addr:value = '198.51.100.{number % 256}']",
        "valid_from": START,
    }


def broken(object_id=None):
    """An indicator whose pattern does not parse: refused at the door, with its id known."""
    return indicator(object_id=object_id, pattern="[ipv4-addr:value = ")


def envelope(*objects):
    return {"objects": list(objects)}
