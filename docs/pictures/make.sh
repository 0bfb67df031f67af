#!/usr/bin/env bash
# Makes the README's pictures from the real program: runs the demo in tmux, waits for the attack, captures the screen.
# Usage: docs/pictures/make.sh [SEED]      needs: go, tmux
set -euo pipefail
cd "$(dirname "$0")/../.."
seed=${1:-3}
work=$(mktemp -d)
socket=$work/tmux
trap 'tmux -S "$socket" kill-server 2>/dev/null || true; rm -rf "$work"' EXIT
go build -o "$work/levee" ./cmd/levee

shoot() { # NAME WIDTH HEIGHT SECONDS KEYS...
  local name=$1 width=$2 height=$3 seconds=$4
  shift 4
  tmux -S "$socket" -f /dev/null new-session -d -x "$width" -y "$height" \
    "env USER=ana LEVEE_CONFIG= $work/levee demo --seed $seed --drill distributed_flood"
  sleep "$seconds"
  for key in "$@"; do tmux -S "$socket" send-keys "$key"; sleep 1; done
  tmux -S "$socket" capture-pane -p | sed 's/ *$//' > "docs/pictures/$name.txt"
  tmux -S "$socket" kill-server
  sleep 1
}

shoot overview-120x36 120 36 32
shoot overview-80x24 80 24 32
shoot source-80x24 80 24 32 j Enter

# The README shows one of them between its markers.
awk -v file=docs/pictures/overview-120x36.txt '
  /<!-- picture -->/ { print; print "```"; while ((getline line < file) > 0) print line; print "```"; skip = 1; next }
  /<!-- \/picture -->/ { skip = 0 }
  !skip' README.md > "$work/README.md"
cp "$work/README.md" README.md
