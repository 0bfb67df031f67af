"""Runs python-jenkins against the stand-in: URL USER SECRET."""
import sys
import time

import jenkins

url, user, secret = sys.argv[1:4]
server = jenkins.Jenkins(url, username=user, password=secret, timeout=10)

assert server.get_whoami()["id"] == user  # signs in, which the next call alone does not
assert server.get_version() == "2.426.2"
assert server.job_exists("ops/block-ip") and not server.job_exists("ops/none")
assert {j["fullname"] for j in server.get_all_jobs()} >= {"ops", "ops/block-ip", "slow"}


def leave(number):
    for _ in range(200):
        item = server.get_queue_item(number)
        if item.get("executable") or item.get("cancelled"):
            return item
        time.sleep(0.02)
    raise AssertionError("item %d never left" % number)


def finish(name, number):
    for _ in range(200):
        info = server.get_build_info(name, number)
        if not info["building"]:
            return info
        time.sleep(0.02)
    raise AssertionError("%s #%d never ended" % (name, number))


item = server.build_job("ops/block-ip", {"ADD": "192.0.2.1", "REQUEST_ID": "py" + secret})
number = leave(item)["executable"]["number"]
info = finish("ops/block-ip", number)
assert info["result"] == "SUCCESS" and info["queueId"] == item, info
assert "blocking 192.0.2.1" in server.get_build_console_output("ops/block-ip", number)

first = server.build_job("slow")
running = leave(first)["executable"]["number"]
second = server.build_job("slow")
assert any(i["id"] == second for i in server.get_queue_info())
server.cancel_queue(second)
assert leave(second)["cancelled"]
server.stop_build("slow", running)
assert finish("slow", running)["result"] == "ABORTED"

server.disable_job("slow")
assert server.get_job_info("slow")["disabled"]
server.enable_job("slow")

name = "made-" + secret
server.create_job(name, jenkins.EMPTY_CONFIG_XML)
try:
    server.create_job(name, jenkins.EMPTY_CONFIG_XML)
except jenkins.JenkinsException:
    pass
else:
    raise AssertionError("a second job of the same name was made")
server.delete_job(name)

try:
    jenkins.Jenkins(url, username=user, password="wrong").get_whoami()
except jenkins.JenkinsException:
    pass
else:
    raise AssertionError("a wrong password was taken")
