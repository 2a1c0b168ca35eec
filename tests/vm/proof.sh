# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The superset proof: the machine stands still at every point (before and after
# each SEAMCALL, after each 64-byte store, before each fence) of a scripted life
# of three TDs; tests/sim/points.h.  Sourced by case, which has the helpers.
# shellcheck disable=SC2154 # why, vm_why, name, kernel are those of case and vm.sh

# KEY: of the totals in $points or $jumps.
points_member() { echo "$points" | number "$1"; }
jumps_member() { echo "$jumps" | number "$1"; }

# proof_start SCENARIO PARAM...: up to the moment before the life begins, where the
# machine is stopped until proof_end.
proof_start() {
	_scenario=$1; shift
	vm_start "$name" "$kernel" 1 2048 "sys_disable=absent,seamcalls=unlogged${PROOF_SIM:+,$PROOF_SIM}" \
		t.stay=1 "t.run=$_scenario" t.tds=3 t.mib=4 "$@"
	vm_wait '^VM-MAP: ' 120 || { bad "$vm_why"; finish; }
	vm_ctl stop >/dev/null || { bad "the simulator does not answer"; finish; }
	map=$(find_map)
	# None: without the component.
	vm_ctl points "${map:-0}" >/dev/null || { bad "the simulator does not look at points"; finish; }
	proof_faults "$_scenario"
}

# Leaf, status, how often, after how many calls.  OPERAND_BUSY, after which td-user
# asks again and KVM sometimes does; OPERAND_INVALID, which is final.  A page that
# cannot be reclaimed stays private for ever.
proof_faults() {
	case $1 in
	own-proof) _faults='2 0x8000020000000000 2 1
		3 0x8000020000000000 2 5
		6 0x8000020000000000 3 600
		7 0xc000010000000001 2 500
		9 0x8000020000000000 2 1
		28 0x8000020000000000 2 200
		29 0xc000010000000001 3 400' ;;
	# The second cycle fails in the middle of its second TD.
	proof) _faults='6 0xc000010000000001 1 6500
		7 0x8000020000000000 1 300
		28 0xc000010000000001 1 20
		29 0x8000020000000000 1 700' ;;
	esac
	while read -r _fault; do
		# shellcheck disable=SC2086
		vm_ctl inject $_fault >/dev/null || bad "the simulator does not inject $_fault"
	done <<-EOF
	$_faults
	EOF
}

# The kinds of calls that failed, by what was looked at.
failed_leaves() {
	echo "$points" | tr '{' '\n' | sed -n 's/"leaf":"\([^"]*\)".*"failed":[1-9].*/\1/p'
}

proof_end() {
	vm_ctl cont >/dev/null || bad "the simulator does not answer"
	vm_wait '^VM-PROOF: end\|^VM-RESULT: ' 1200 || bad "$vm_why"
	points=$(vm_ctl points) || bad "the simulator does not answer"
	# All of the life was looked at; before it there are only the pages of give.ko.
	_created=$(($(leaf_number TDH.MNG.CREATE calls) - $(grep -a -c 'give: page .* is a TDR' "$(vm_log)" || :)))
	_seen=$(echo "$points" | tr '{' '\n' | grep '"TDH.MNG.CREATE"' | number seen)
	[ "$_created" = "${_seen:-x}" ] || bad "${_seen:-0} of $_created TDs were looked at from their creation"
}

# Nothing was missing at any point, and some calls of each kind had failed.
expect_superset() {
	expect_zero "points with a page missing in the tracker" "$(points_member bad)"
	expect_zero "points with partial coverage" "$(points_member partial)"
	for _leaf in TDH.MEM.PAGE.AUG TDH.MEM.RANGE.BLOCK TDH.MEM.PAGE.REMOVE TDH.PHYMEM.PAGE.RECLAIM; do
		failed_leaves | grep -q -x "$_leaf" || bad "no $_leaf failed while it was looked at"
	done
	# KVM gives a TD small pages only.
	[ "$scenario" != own-proof ] || expect_some "pages of 2 MiB" "$(points_member large)"
}

case_proof() {
	scenario=$1 expect=$2; shift 2
	proof_start "$scenario" "$@"
	proof_end
	echo "proof: $points"
	vm_result 30 || [ "$expect" = broken ] || bad "the life did not end well: $vm_why"
	expect_zero "points with an unreadable map" "$(points_member unreadable)"
	for _kind in before after store fence; do
		expect_some "points of kind $_kind" "$(points_member $_kind)"
	done
	case $expect in
	holds) expect_superset ;;
	broken)
		expect_some "points with a page missing in the tracker" "$(points_member bad)" ;;
	esac
	finish
}

# The same points as the last ones of a kernel.
case_proof_jumps() {
	scenario=$1 way=$2 expect=$3 calls=$4 stores=$5 first=$6; shift 6
	VM_LIMIT=${PROOF_LIMIT:-$VM_LIMIT}
	proof_start "$scenario" "$@"
	case $way in
	crash)
		range=$(grep -a -m 1 '^VM-CRASH-MEMORY: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2-)
		what="0 0 $range" ;;
	kexec)
		range="0 0x80000000"
		what="$(grep -a -m 1 '^VM-SYMBOLS: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2-) $range" ;;
	esac
	# shellcheck disable=SC2086
	vm_ctl jumps "$way" $what "$calls" "$stores" "$first" || { bad "no copies"; finish; }
	proof_end
	tries=$((600 * VM_SLOW))
	while [ $tries -gt 0 ]; do
		jumps=$(vm_ctl jumps) || { bad "the simulator does not answer"; finish; }
		[ "$(jumps_member running)" != 0 ] || break
		tries=$((tries - 1))
		sleep 0.2
	done
	echo "proof: $points"
	echo "jumps: $jumps"
	vm_result 30 || bad "the life did not end well: $vm_why"
	expect_some "copies sent to the next kernel" "$(jumps_member sent)"
	expect_some "points where there was something to do" "$(jumps_member had_lines)"
	expect_zero "copies that did not come to the jump" "$(jumps_member lost)"
	case $expect in
	clean)
		expect_superset
		expect_zero "copies whose next kernel inherits lines" "$(jumps_member dirty)" ;;
	dirty) expect_some "copies whose next kernel inherits lines" "$(jumps_member dirty)" ;;
	esac
	finish
}
