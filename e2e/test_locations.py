"""Where a sign-in comes from, by a database that another program has written."""

from pathlib import Path

import duo_client
from fixtures.house import SQLITE, House
from fixtures.tenant import Tenant
from fixtures.waiting import wait_for
from mmdb_writer import MMDBWriter
from netaddr import IPSet

LYON = {"city": {"names": {"en": "Lyon"}}, "country": {"iso_code": "FR", "names": {"en": "France"}}}


def database(path: Path) -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="GeoLite2-City", languages=["en"])
    writer.insert_network(IPSet(["203.0.113.0/24"]), LYON)
    writer.to_db_file(str(path))
    return path


def test_the_phone_and_the_log_say_where_a_sign_in_comes_from(house: House, tmp_path: Path) -> None:
    server = house.new_server(SQLITE, settings={"geo.database": str(database(tmp_path / "city.mmdb"))}).start()
    try:
        tenant = Tenant(server)
        integration = tenant.integration("authapi", "script", push_approval="tap")
        auth = duo_client.Auth(
            integration.ikey, integration.skey, "localhost", ca_certs=str(server.ca_file), port=server.port
        )
        found: dict[str, str | None] = {}
        for name, ip, place in [("alice", "203.0.113.9", "Lyon, France"), ("bob", "198.51.100.1", "")]:
            device = tenant.device(tenant.user(name), f"the phone of {name}")
            said = auth.auth(factor="push", username=name, device="auto", ipaddr=ip, async_txn=True)
            request = device.next_request(20)
            assert request["place"] == place
            assert device.answer(request, "approve")
            wait_for("the end of the attempt", lambda txid=said["txid"]: auth.auth_status(txid)["success"])
        logs = tenant.admin.get_authentication_log(api_version=2, mintime=0, maxtime=9_999_999_999_999)["authlogs"]
        for log in logs:
            found[log["access_device"]["ip"]] = log["access_device"]["location"]["city"]
        assert found == {"203.0.113.9": "Lyon", "198.51.100.1": None}
    finally:
        server.end()
