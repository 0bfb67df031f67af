#!/usr/bin/env bash
# A real Elasticsearch 8.19 node on loopback, unpacked from Maven Central.
#
#   es.sh up     start it, print its URL, leave it running
#   es.sh down   stop it
#   es.sh again  start it once more with the data it had
#   es.sh lib    print where its libraries are, unpacked
#   es.sh hold   start it, print its URL, stop it when standard input ends:
#                whoever holds the pipe owns the node, however they die
#
# ES_PORT (19200) · ES_HEAP (512m) · ES_SECURITY=1 (user levee, password changeme123)
# ES_HOME: where it unpacks; must be readable by "nobody" when this runs as root
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=8.19.21
port=${ES_PORT:-19200}
heap=${ES_HEAP:-512m}
secure=${ES_SECURITY:-0}
home=${ES_HOME:-${TMPDIR:-/tmp}/levee-elasticsearch}
dist=$home/elasticsearch-$version
state=$home/run-$port
java_home=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}

# unpack fetches the distribution once and adds the small plugin of src/ to it.
# Several test programs may want it at the same time.
unpack() {
  mkdir -p "$home"
  chmod 755 "$home"
  exec 9> "$home/lock"
  flock 9
  if [ -f "$dist/.ready" ] && [ ! "$here/src/RootPlugin.java" -nt "$dist/.ready" ]; then
    exec 9>&-
    return
  fi
  [ -d "$dist/lib" ] || mvn -q -B -f "$here/pom.xml" -Dout="$home" package >&2
  local module=$dist/modules/levee-root classes
  classes=$(mktemp -d)
  rm -rf "$module"
  mkdir -p "$module" "$dist/plugins"
  "$java_home/bin/javac" -nowarn -Xlint:none --release 17 -cp "$dist/lib/*" -d "$classes" "$here/src/RootPlugin.java"
  "$java_home/bin/jar" cf "$module/levee-root.jar" -C "$classes" .
  cat > "$module/plugin-descriptor.properties" <<P
description=for tests
version=1
name=levee-root
java.version=17
elasticsearch.version=$version
classname=RootPlugin
P
  rm -rf "$classes"
  touch "$dist/.ready"
  exec 9>&-
}

configure() {
  rm -rf "$state"
  mkdir -p "$state"/{data,logs,tmp}
  cp -r "$dist/config" "$state/config"
  cat > "$state/config/elasticsearch.yml" <<Y
cluster.name: levee-test
node.name: n1
network.host: 127.0.0.1
http.port: $port
transport.port: 0
discovery.type: single-node
path.data: $state/data
path.logs: $state/logs
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: $([ "$secure" = 1 ] && echo true || echo false)
Y
  if [ "$secure" = 1 ]; then
    echo 'xpack.security.http.ssl.enabled: false' >> "$state/config/elasticsearch.yml"
    # bcrypt of changeme123
    echo 'levee:$2a$06$m8bjHASIsnyJONVXL5QC4eFAp4iyYHhtxKS.6rhMPXEi.8dvJ/Qse' > "$state/config/users"
    echo 'superuser:levee' > "$state/config/users_roles"
  fi
  sed -i '/^-Xlog:gc/d;/HeapDumpOnOut/d;/UseG1GC/d' "$state/config/jvm.options"
}

up() {
  free
  unpack
  configure
  run
}

again() {
  free
  run
}

lib() {
  unpack
  echo "$dist/lib"
}

free() {
  if curl -s -o /dev/null "http://127.0.0.1:$port/"; then
    echo "port $port is taken; choose another with ES_PORT" >&2
    exit 1
  fi
}

run() {
  local as=()
  if [ "$(id -u)" = 0 ]; then # it refuses to run as root
    chown -R nobody:nogroup "$state"
    as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  fi
  cd "$state"
  env -i PATH="$PATH" HOME="$state" ES_PATH_CONF="$state/config" ES_TMPDIR="$state/tmp" ES_JAVA_HOME="$java_home" \
    ES_JAVA_OPTS="-Xms$heap -Xmx$heap -XX:-AlwaysPreTouch -XX:+UseSerialGC -XX:TieredStopAtLevel=1" \
    CLI_JAVA_OPTS="-XX:TieredStopAtLevel=1" \
    "${as[@]}" bash "$dist/bin/elasticsearch" > "$state/stdout.log" 2>&1 < /dev/null &
  echo $! > "$home/run-$port.pid"
  local auth=()
  [ "$secure" = 1 ] && auth=(-u levee:changeme123)
  for _ in $(seq 1 1200); do
    if curl -sf "${auth[@]}" -o /dev/null "http://127.0.0.1:$port/_cluster/health?wait_for_status=yellow"; then
      echo "http://127.0.0.1:$port"
      return
    fi
    kill -0 "$(cat "$home/run-$port.pid")" 2>/dev/null || { tail -30 "$state/stdout.log" >&2; exit 1; }
    sleep 0.1
  done
  down
  echo "not ready within 120 s" >&2
  exit 1
}

down() {
  local pid
  pid=$(cat "$home/run-$port.pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 1 150); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$home/run-$port.pid"
}

hold() {
  trap 'down; rm -rf "$state"' EXIT
  trap 'exit 1' INT TERM
  up
  cat > /dev/null
}

case "${1:-up}" in
  up | down | again | lib | hold) "$1" ;;
  *) echo "usage: es.sh up|down|again|lib|hold" >&2; exit 2 ;;
esac
