#!/usr/bin/env bash
# Boots a real systemd in namespaces of its own, installs levee there as docs/operations.md says, on an overlay of this
# machine's files, and looks at what becomes of the units: readiness, credentials, rights, reload, watchdog, stop.
# Needs root, systemd, nftables and an SSH client. Changes nothing outside. A minute and a half.
set -euo pipefail

case ${1:-} in
'') # outside: build, boot, look, end
  cd "$(dirname "$0")/../.."
  work=$(mktemp -d)
  CGO_ENABLED=0 go build -o "$work/levee" ./cmd/levee
  ssh-keygen -q -t ed25519 -N '' -f "$work/id"
  unshare --pid --fork --kill-child --mount --uts --ipc --net --cgroup --propagation private bash "$0" boot "$work" "$PWD/deploy/systemd" &
  boot=$!
  trap 'kill -KILL $(pgrep -P $boot) 2>/dev/null || true; wait $boot 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
  for _ in $(seq 60); do
    sleep 1
    pid=$(pgrep -P $boot || true)
    [ -n "$pid" ] && [ -e "/proc/$pid/root/run/rehearsal/ready" ] && break
  done
  nsenter -t "$pid" -m -u -i -n -p -C --root="/proc/$pid/root" --wd="/proc/$pid/root" bash /run/rehearsal/rehearse.sh look
  ;;
boot) # inside the namespaces, before systemd
  work=$2 units=$3
  mkdir "$work/root"
  mount -t tmpfs tmpfs "$work/root"
  mkdir "$work/root/up" "$work/root/work" "$work/root/all"
  mount -t overlay overlay -o "lowerdir=/,upperdir=$work/root/up,workdir=$work/root/work" "$work/root/all"
  cp "$0" "$work/rehearse.sh"
  cd "$work/root/all"
  mount -t proc proc proc
  mount -t sysfs sysfs sys
  mount --bind /dev dev
  mount -t tmpfs tmpfs dev/shm
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs tmp
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  ip link set lo up
  mkdir run/rehearsal
  install -m 0600 "$work/id" run/rehearsal/id
  cp "$work/rehearse.sh" run/rehearsal/
  rm -f etc/machine-id && echo 0123456789abcdef0123456789abcdef >etc/machine-id
  install -m 0755 "$work/levee" usr/bin/levee
  chroot . useradd --system --home-dir /var/lib/levee --shell /usr/sbin/nologin levee
  group=$(chroot . id -g levee)
  install -d -m 0750 -o root -g "$group" etc/levee
  install -d -m 0700 etc/levee/credentials
  (umask 077 && printf 'generic://127.0.0.1:9/hook?disabletls=yes' >etc/levee/credentials/webhook-secret)
  install -m 0640 -o root -g "$group" /dev/stdin etc/levee/levee.yaml <<YAML
sources: [{file: /var/log/rehearsal.log, service: shop.example.com}]
actions: {enforcer: /run/levee-enforcer/socket, nft: {enabled: true}}
notify: [{url_file: "\${CREDENTIALS_DIRECTORY}/webhook-secret"}]
ssh: {listen: ":2222", users: [{name: ana, role: admin, keys: ["$(cut -d' ' -f1,2 "$work/id.pub")"]}]}
YAML
  install -m 0640 -o root -g adm /dev/null var/log/rehearsal.log
  install -m 0644 "$units"/*.service etc/systemd/system/
  sed -i 's/^#LoadCredential=webhook-secret/LoadCredential=webhook-secret/' etc/systemd/system/levee.service
  printf '[Unit]\nRequires=systemd-journald.service levee.service\nAfter=levee.service\n' >etc/systemd/system/rehearsal.target
  touch run/rehearsal/ready
  mount --make-rshared "$work/root/all"
  exec env -i container=rehearsal PATH="$PATH" chroot . /lib/systemd/systemd --system --unit=rehearsal.target
  ;;
look) # inside, beside systemd
  export HOME=/root failed=0
  cd /
  must() { # must WHAT COMMAND…
    local what=$1
    shift
    if "$@" >/run/rehearsal/said 2>&1; then echo "ok    $what"; else
      echo "FAIL  $what"
      sed 's/^/      /' /run/rehearsal/said
      failed=1
    fi
  }
  eventually() { for _ in $(seq "$1"); do "${@:2}" && return 0; sleep 1; done; return 1; }
  is() { [ "$(systemctl is-active levee levee-enforcer | sort -u)" = "$1" ]; }
  main() { systemctl show -p MainPID --value "$1"; }
  caps() { grep -h "CapEff:.*$2\$" "/proc/$(main "$1")/status"; }
  must "both units run, levee said that it is ready" eventually 60 is active
  must "levee holds no capability" caps levee 0000000000000000
  must "the enforcer holds four: CHOWN, DAC_OVERRIDE, KILL, NET_ADMIN" caps levee-enforcer 0000000000001023
  must "the credential is levee's own, mode 0400" bash -c '[ "$(stat -c %a:%U /proc/'"$(main levee)"'/root/run/credentials/levee.service/webhook-secret)" = 400:levee ]'
  must "root's doctor finds state and credentials" levee doctor --config /etc/levee/levee.yaml
  must "root's verbs find the daemon, and it blocks" levee block 203.0.113.7 --for 30m
  must "the kernel holds the block" bash -c 'nft list set inet levee addresses4 | grep 203.0.113.7'
  must "ssh reaches it" ssh -q -p 2222 -i /run/rehearsal/id -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null ana@127.0.0.1 sessions
  sed -i '1i allow: [203.0.113.0/24]' /etc/levee/levee.yaml
  must "systemctl reload returns" systemctl reload levee
  must "both follow the allow list" eventually 10 bash -c '! nft list set inet levee addresses4 | grep 203.0.113.7 && levee block 203.0.113.8 2>&1 | grep allow_list'
  sed -i '1s/.*/allow: [nonsense/' /etc/levee/levee.yaml
  systemctl reload levee || true
  must "a mistake changes nothing" bash -c 'levee block 203.0.113.8 2>&1 | grep allow_list; systemctl is-active levee'
  sed -i 1d /etc/levee/levee.yaml
  systemctl reload levee
  must "a block before the watchdog" levee block 198.51.100.9 --for 30m
  before=$(main levee)
  kill -STOP "$before"
  must "the watchdog ends a levee that hangs, and another one starts" eventually 60 bash -c '[ "$(systemctl show -p MainPID --value levee)" != '"$before"' ] && levee decisions --active'
  must "what was decided still stands" bash -c 'levee decisions --active | grep 198.51.100.9 && nft list set inet levee addresses4 | grep 198.51.100.9'
  must "it stops within ten seconds" timeout 10 systemctl stop levee
  must "the enforcer with it" is inactive
  must "blocks stay" bash -c 'nft list set inet levee addresses4 | grep 198.51.100.9'
  must "it starts again" systemctl start levee
  must "with all it decided" bash -c 'levee decisions --active | grep 198.51.100.9 && levee audit verify'
  exit "$failed"
  ;;
esac
