"""Runs jenkinsapi against the stand-in: URL USER SECRET."""
import sys

from jenkinsapi.jenkins import Jenkins

url, user, secret = sys.argv[1:4]
server = Jenkins(url, username=user, password=secret, use_crumb=True, timeout=10)

assert server.version == "2.426.2"
assert "ops/block-ip" in server.keys(), list(server.keys())

job = server["ops/block-ip"]
assert job.has_params()
item = job.invoke(build_params={"ADD": "198.51.100.7", "REQUEST_ID": "api" + secret}, quiet_period=0)
build = item.block_until_complete(delay=0.05)
assert build is None or build.is_good()
build = job.get_last_completed_build()
assert build.is_good() and build.get_params()["ADD"] == "198.51.100.7"
assert "blocking 198.51.100.7" in build.get_console()
assert "blocking 198.51.100.7" in "".join(build.stream_logs())
assert job.get_last_good_buildnumber() == build.get_number()

slow = server["slow"]
item = slow.invoke(quiet_period=0)
running = item.block_until_building(delay=0.05)
assert running.is_running()
waiting = slow.invoke(quiet_period=0)
assert waiting.is_queued()
server.get_queue().delete_item(waiting)
assert running.stop()
running.block_until_complete(delay=0.05)
assert running.poll()["result"] == "ABORTED"

slow.disable()
assert not server["slow"].is_enabled()
slow.enable()
assert server["slow"].is_enabled()
