# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the demonstrations share: how they speak, and the VMs.  Sourced inside
# the lab.  $told becomes 0 when something did not go as told.
VM_DIR=/out/vm-demo
. /src/tests/vm/vm.sh
# shellcheck disable=SC2034,SC2154 # told, begun: for who sources this; the rest are of vm.sh
told=1
# shellcheck disable=SC2034
begun=$(date +%s)

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
head_() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '  %s\n' "$*"; }
# shellcheck disable=SC2034
unlike() { say "NOT AS TOLD: $*"; told=0; }
event() { grep "\"ev\":\"$1\"$2" "$VM_DIR/$vm_name/events.jsonl" | tail -n 1; }
# show PATTERN MAX: lines of the serial log, as the operator would see them.
show() { grep -a -E "$1" "$(vm_log)" | head -n "$2" | tr -d '\r' | cut -c1-110 | sed 's/^/    | /'; }
# watch PATTERN SECONDS TEXT: wait for a line, with the time that passes shown.
watch() {
	_begin=$(date +%s)
	if ! vm_wait "$1" "$2"; then
		unlike "$3: $vm_why"
		return 1
	fi
	say "$3 ($(($(date +%s) - _begin)) s)"
}
