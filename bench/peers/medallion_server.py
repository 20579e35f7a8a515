"""Serves medallion with its memory backend on loopback for compare.py: medallion_server.py FOLDER PORT.

One collection; account bench, password bench. Prints the path of the
collection's objects when it is about to serve.
"""

import json
import logging
import pathlib
import sys

ROOT = "/bench/"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


def data(port):
    media = "application/taxii+json;version=2.1"
    return {
        "/discovery": {"title": "bench", "default": f"http://127.0.0.1:{port}{ROOT}", "api_roots": [ROOT]},
        ROOT.strip("/"): {
            "information": {"title": "bench", "versions": [media], "max_content_length": 104857600},
            "status": [],
            "collections": [
                {
                    "id": COLLECTION,
                    "title": "bench",
                    "can_read": True,
                    "can_write": True,
                    "media_types": ["application/stix+json;version=2.1"],
                    "objects": [],
                    "manifest": [],
                }
            ],
        },
    }


def main():
    folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    (folder / "data.json").write_text(json.dumps(data(port)))
    backend = {
        "module": "medallion.backends.memory_backend",
        "module_class": "MemoryBackend",
        "filename": str(folder / "data.json"),
    }
    config = folder / "medallion.json"
    config.write_text(json.dumps({"users": {"bench": "bench"}, "taxii": {"max_page_size": 1000}, "backend": backend}))
    from medallion import load_app

    app = load_app(str(config))
    print(f"{ROOT}collections/{COLLECTION}/objects/", flush=True)
    logging.disable(logging.CRITICAL)
    app.run(host="127.0.0.1", port=port, threaded=True, debug=False)


if __name__ == "__main__":
    main()
