"""Serves OpenTAXII on loopback for compare.py: opentaxii_server.py FOLDER PORT.

Its own SQLite store below FOLDER, one collection that anybody may read and
write. Prints the path of that collection's objects when it is about to serve.
"""

import json
import logging
import os
import pathlib
import sys

CONFIG = """---
domain: "127.0.0.1:{port}"
support_basic_auth: yes
auth_api:
  class: opentaxii.auth.sqldb.SQLDatabaseAPI
  parameters: {{db_connection: "sqlite:///{folder}/auth.db", create_tables: yes, secret: measured}}
taxii1:
taxii2:
  contact: bench
  description: bench
  title: bench
  max_content_length: 104857600
  public_discovery: true
  persistence_api:
    class: opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI
    parameters: {{db_connection: "sqlite:///{folder}/data.db", create_tables: yes}}
logging: {{opentaxii: error, root: error}}
"""


def main():
    folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    config = folder / "opentaxii.yml"
    config.write_text(CONFIG.format(folder=folder, port=port))
    os.environ["OPENTAXII_CONFIG"] = str(config)
    # 0.9.3 hands a UUID to json.dumps when it answers a POST; as text, its answer can be measured
    json.JSONEncoder.default = lambda self, value: str(value)
    from opentaxii.cli import app

    with app.app_context():
        api = app.taxii_server.servers.taxii2.persistence.api
        root = api.add_api_root(title="bench", description="bench", default=True, is_public=True)
        collection = api.add_collection(
            api_root_id=root.id, title="bench", description="", alias=None, is_public=True, is_public_write=True
        )
    print(f"/taxii2/{root.id}/collections/{collection.id}/objects/", flush=True)
    logging.disable(logging.CRITICAL)
    app.run(host="127.0.0.1", port=port, threaded=True, debug=False)


if __name__ == "__main__":
    main()
